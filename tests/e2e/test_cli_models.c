/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the verbs do with models: compile, run, verify, bench, compare, convert, inspect. */
#include "tests/e2e/cli_fixture.h"

static double number(const JsonValue *v, const char *key)
{
	double out = -1;
	if (!json_real(json_get(v, key), &out))
		fail_msg("no number '%s'", key);
	return out;
}

static void compiled_files_give_the_same(void **state)
{
	static const char *const cpu[] = { "native", "x86-64-v2" };
	Cli *c = *state;
	expect(c, "run " LENET " --mcpu x86-64-v2 --output y=@y.npy", 0, "y f32[1,10]", NULL);
	for (size_t i = 0; i < sizeof cpu / sizeof *cpu; i++) {
		expect(c, arena_printf(c->arena, "compile " LENET " -o m.so --mcpu %s", cpu[i]), 0,
		       "needs: libc.so.6", NULL);
		expect(c, "inspect m.so", 0, cpu[i], NULL);
		expect(c, "run m.so --expect y=@y.npy", 0, "ok", NULL);
	}
	assert_non_null(strstr(read_file(c, "m.h"), "lenet_run"));
	expect(c, "compile " LENET " -o n.so --prefix digits --header d.h", 0, "wrote", NULL);
	assert_non_null(strstr(read_file(c, "d.h"), "digits_run"));
	assert_string_equal(read_file(c, "n.h"), "");
}

/* Sums of batches of 8 and 1 give what one batch of that size gives. */
static void batches_are_sums(void **state)
{
	Cli *c = *state;
	static const int sizes[] = { 1, 3, 8, 11 };
	expect(c,
	       "compile " EXAMPLES
	       "/lenet.xml --batch 1,8 --weights random:seed=1 --mcpu native -o s.so",
	       0, "s.so", "");
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		expect(c,
		       arena_printf(c->arena,
				    "run " EXAMPLES
				    "/lenet.xml --bind N=%d --weights random:seed=1 "
				    "--input x=random:seed=5 --output y=@y.npy",
				    sizes[i]),
		       0, arena_printf(c->arena, "y f32[%d,10]", sizes[i]), NULL);
		expect(c,
		       arena_printf(c->arena,
				    "run s.so --batch %d --input x=random:seed=5 --expect y=@y.npy "
				    "--rtol 1e-5",
				    sizes[i]),
		       0, "ok", NULL);
	}
	expect(c, "run s.so --batch 11 --input x=random:seed=6 --expect y=@y.npy", 1, "FAIL", NULL);
}

/* At a batch of 1 alone, these items look apart: a size of 1 may be the batch's or one that is
 * repeated. The sizes that are compiled do not decide. */
static void items_that_meet(void **state)
{
	Cli *c = *state;
	write_text(c, "meet.xml",
		   "<graph><input id='x' shape='N,7'/><reshape id='r' shape='0,1,7'/>"
		   "<sub in='r x'/><output id='y'/></graph>");
	write_text(c, "apart.xml",
		   "<graph><input id='x' shape='N,7'/><reduce_sum id='s' axes='1' keepdims='yes'/>"
		   "<sub in='x s'/><output id='y'/></graph>");
	expect(c, "compile meet.xml --batch 1 --set free-batch=yes -o m.so", 4, "", "E5112");
	expect(c, "compile meet.xml --batch 1,2 -o m.so", 4, "", "E5112");
	expect(c, "compile apart.xml --batch 1 --set free-batch=yes -o a.so", 0, "wrote", NULL);
}

static void forms_of_output(void **state)
{
	Cli *c = *state;
	expect(c, "compile " LENET " -o m.ll", 0, "wrote", NULL);
	assert_non_null(strstr(read_file(c, "m.ll"), "define "));
	assert_non_null(strstr(read_file(c, "m.ll"), "@lenet_run"));
	expect(c, "compile " LENET " -o m.s", 0, "m.s m.h", NULL);
	assert_non_null(strstr(read_file(c, "m.s"), "lenet_run:"));
	assert_non_null(strstr(read_file(c, "m.h"), "int lenet_run("));
	expect(c, "compile " LENET " -o n.a --header ''", 0, "wrote", NULL);
	assert_true(strncmp(read_file(c, "n.a"), "!<arch>", 7) == 0);
	assert_string_equal(read_file(c, "n.h"), "");
	expect(c, "compile " LENET " -o m.so --explain", 0, "fused", NULL);
	expect(c,
	       "compile " EXAMPLES "/lenet.xml --batch 1,4 --weights random:seed=1 "
	       "--weights=beside -o b.so",
	       0, "b.weights", NULL);
	expect(c, "run b.so --batch 6", 0, "y f32[6,10]", NULL);
}

static void inputs_and_outputs(void **state)
{
	Cli *c = *state;
	const char *model = "run " EXAMPLES "/lenet.xml --weights random:seed=1 ";
	write_text(c, "add.xml",
		   "<graph xmlns=\"urn:burin:graph:1\" name=\"sum\">\n  <input id=\"a\" "
		   "shape=\"N\"/>\n"
		   "  <input id=\"b\" shape=\"N\"/>\n  <add id=\"s\" in=\"a b\"/>\n"
		   "  <output id=\"y\" in=\"s\"/>\n</graph>\n");
	expect(c, "run add.xml --input a=3xf32=1,2,3 --input b=3xf32=10", 0, "11 12 13", "");
	expect(c, "run add.xml --input a=2xf32=1,2 --input b=1.5 --output y=@y.npy", 0, "2.5 3.5",
	       "");
	expect(c, "run add.xml --input a=@y.npy --input b=zeros --expect y=@y.npy", 0, "ok", NULL);
	expect(c, "run add.xml --input a=@y.npy --input b=ones --expect y=@y.npy", 1, "FAIL", NULL);
	expect(c, "run add.xml --input a=@y.npy --input b=0.01 --expect y=@y.npy --rtol 1%", 0,
	       "ok", NULL);
	expect(c, "run add.xml --input a=3xf32=1,2,3 --expect y=@y.npy", 1, "expected", NULL);
	expect(c, "run add.xml --input c=3xf32=1,2,3 --bind N=3", 3, NULL, "no input 'c'");
	expect(c, "run add.xml --input a=3xf32=1 --input b=2xf32=1", 3, NULL, "E6001");
	expect(c, "run add.xml --input a=3xi32=1", 3, NULL, "E6001");
	expect(c, "run add.xml --input a=@none.npy", 5, "", "E1001");
	expect(c, "run add.xml --bind N=2 --expect z=@y.npy", 3, NULL, "no output 'z'");
	expect(c, arena_printf(c->arena, "%s --input x=2x1x28x28xf32=0", model), 0, "y f32[2,10]",
	       NULL);
	expect(c,
	       arena_printf(c->arena, "%s --bind N=1 --input x=random:seed=3 --output y=@a.npy",
			    model),
	       0, NULL, NULL);
	expect(c, arena_printf(c->arena, "%s --bind N=1 --seed 3 --expect y=@a.npy", model), 0,
	       "ok", NULL);
	expect(c, arena_printf(c->arena, "%s --bind N=1 --seed 4 --expect y=@a.npy", model), 1,
	       "FAIL", NULL);
}

/* A port's name is the user's, whatever it looks like; in all commands and files it is that. */
static void ports_called_by_numbers(void **state)
{
	Cli *c = *state;
	write_text(c, "n.xml",
		   "<graph xmlns=\"urn:burin:graph:1\" name=\"n\">\n"
		   "  <input id=\"v0\" name=\"0\" shape=\"N\"/>\n"
		   "  <input id=\"k\" name=\"1\" type=\"i64\" shape=\"\"/>\n"
		   "  <range id=\"r\" limit=\"@k\" type=\"f32\"/>\n"
		   "  <reduce_sum id=\"s\" in=\"r\"/>\n"
		   "  <add id=\"t\" in=\"v0 s\"/>\n  <mul id=\"m\" in=\"t 1\"/>\n"
		   "  <output id=\"y\" in=\"m\" name=\"2\"/>\n</graph>\n");
	expect(c, "run n.xml --input 0=2xf32=1,2 --bind 1=4 --output 2=@y.npy", 0, "7 8", "");
	expect(c, "run n.xml --input 0=2xf32=1,2 --input 1=4 --expect 2=@y.npy", 0, "ok", NULL);
	expect(c, "run n.xml --input v0=2xf32=1,2 --bind N=2 --bind 1=4", 3, NULL, "no input 'v0'");
	expect(c, "compile n.xml --bind N=2 --bind 1=4 -o n.so", 0, "wrote", NULL);
	assert_non_null(strstr(read_file(c, "n.h"), "const float *m0"));
	expect(c, "run n.so --input 0=2xf32=1,2 --expect 2=@y.npy", 0, "ok", NULL);
	expect(c, "convert n.xml -o again.xml", 0, "wrote", NULL);
	assert_non_null(strstr(read_file(c, "again.xml"), "id=\"v0\" name=\"0\""));
	expect(c, "run again.xml --input 0=2xf32=1,2 --bind 1=4 --expect 2=@y.npy", 0, "ok", NULL);
}

/* A number given for an input is one of its type, with all its digits. */
static void numbers_of_integers(void **state)
{
	Cli *c = *state;
	write_text(c, "i.xml",
		   "<graph xmlns=\"urn:burin:graph:1\" name=\"i\">\n"
		   "  <input id=\"n\" type=\"i64\" shape=\"2\"/>\n"
		   "  <input id=\"b\" type=\"u8\" shape=\"1\"/>\n"
		   "  <cast id=\"w\" in=\"b\" to=\"i64\"/>\n"
		   "  <add id=\"y\" in=\"n w\"/>\n  <output in=\"y\"/>\n</graph>\n");
	expect(c, "run i.xml --input n=9007199254740993 --input b=255", 0, "9007199254741248", "");
	expect(c, "run i.xml --input n=9007199254740992 --input b=0 --output y=@even.npy", 0, NULL,
	       "");
	expect(c, "run i.xml --input n=9007199254740993 --input b=0 --expect y=@even.npy", 1,
	       "9007199254740993 instead of 9007199254740992", NULL);
	expect(c, "run i.xml --input n=0.5 --input b=1", 3, NULL, "input 'n' is of i64");
	expect(c, "run i.xml --input n=1 --input b=256", 3, NULL, "input 'b' is of u8");
}

/* What is sound but of a kind that is not read ends as a model with an unknown operator does. */
static void unread_kinds(void **state)
{
	Cli *c = *state;
	expect(c,
	       "run " EXAMPLES "/lenet.xml --weights random:seed=1 --input x=@" BURIN_SOURCE_DIR
	       "/tests/hostile/weights/E4101-descr-unsigned.npy",
	       4, "", "the data type of the elements is not read");
	expect(c, "check " BURIN_SOURCE_DIR "/tests/hostile/xml/E3106-openvino.xml", 4, NULL,
	       "a model of OpenVINO (IR), which is not read");
	assert_int_equal(shell(c, "printf 'PK\\003\\004\\024\\0\\0\\0\\0\\0m/data.pkl' >m.pt"), 0);
	expect(c, "check m.pt", 4, NULL, "a file of PyTorch, which is not read");
	expect(c, "run none.pt", 5, NULL, "E1001");
	assert_int_equal(shell(c, "printf words >m.txt"), 0);
	expect(c, "check m.txt", 3, NULL, "is not a file of a model");
}

static void verification(void **state)
{
	Cli *c = *state;
	const char *op = "", *node = "";
	expect(c, "verify " LENET, 0, "3 random sets", NULL);
	const JsonValue *v =
		document(c, "verify " LENET " --inputs 1 --rtol 0 --atol 0 --bisect", 1);
	const JsonValue *first = json_get(v, "first_wrong");
	assert_true(json_text(json_get(first, "operator"), &op));
	assert_true(json_text(json_get(first, "node"), &node));
	assert_string_equal(op, "conv");
	assert_string_equal(node, "conv1");
	assert_true(number(json_at(json_get(v, "outputs"), 0), "bad") > 0);
	expect(c, "verify " LENET " --against onnxruntime", 2, NULL, "needs an .onnx file");
}

/* A model of all types: correctly rounded f16 is half a unit off, which 1e-4 would not admit; f64 is
 * judged as f64; beyond the range of f16 the result is infinite. */
static void verification_goes_by_type(void **state)
{
	static const char *const type[] = { "f16", "bf16", "f32", "f64" };
	static const double most[] = { 3e-3, 3e-2, 4e-6, 1e-12 }; /* of values below 10 */
	Cli *c = *state;
	for (int i = 0; i < 8; i++) {
		write_text(c, "typed.xml",
			   arena_printf(c->arena,
					"<graph xmlns=\"urn:burin:graph:1\" name=\"typed\">"
					"<input id=\"x\" type=\"%s\" shape=\"4,48\"/>"
					"<linear id=\"a\" units=\"96\"/><gelu/>"
					"<linear id=\"b\" units=\"48\"/><add in=\"b x\" id=\"r\"/>"
					"<layernorm id=\"n\"/><output id=\"y\"/></graph>",
					type[i / 2]));
		const JsonValue *v = document(
			c,
			arena_printf(c->arena, "verify typed.xml --weights random:seed=1 --fp %s",
				     i % 2 ? "strict" : "contract"),
			0);
		const JsonValue *y = json_at(json_get(v, "outputs"), 0);
		assert_true(number(y, "used") <= 1 && number(y, "limit") > 0);
		assert_true(number(y, "max_abs") <= most[i / 2] * (i % 2 ? 4 : 1));
	}
	expect(c, "verify typed.xml --weights random:seed=1", 0, "% of the limit", NULL);
	write_text(c, "far.xml",
		   "<graph xmlns=\"urn:burin:graph:1\" name=\"far\">"
		   "<input id=\"x\" type=\"f16\" shape=\"4\"/>"
		   "<mul in=\"x 300\" id=\"m\"/><output id=\"y\" in=\"m\"/></graph>");
	expect(c, "run far.xml --input x=4xf16=300,-300,1,2", 0, "inf", NULL);
	expect(c, "verify far.xml --input x=4xf16=300,-300,1,2", 0, "ok", NULL);
	write_text(c, "step.xml",
		   "<graph xmlns=\"urn:burin:graph:1\" name=\"step\">"
		   "<input id=\"x\" type=\"f16\" shape=\"N,3,8,8\"/>"
		   "<conv2d id=\"c\" filters=\"8\" kernel=\"3\" pad=\"1\"/><relu/>"
		   "<global_avgpool/><flatten/><linear id=\"l\" units=\"4\"/><output id=\"y\"/>"
		   "<training loss=\"e\"><input id=\"t\" type=\"i64\" shape=\"N\"/>"
		   "<cross_entropy id=\"e\" in=\"l t\"/><adam lr=\"0.01\"/></training></graph>");
	/* Nothing on the way is rounded to f16, neither gradients nor the rate. */
	const JsonValue *v = document(c, "verify --train step.xml --inputs 1", 0);
	assert_true(number(json_at(json_get(v, "outputs"), 0), "limit") < 1e-3);
}

/* At least as near to the f32 model as PyTorch's own 16-bit model is: 0.8e-3 and 7.7e-3. */
static void a_model_in_16_bits(void **state)
{
	static const char *const type[] = { "f32", "f16", "bf16" };
	static const char *const judged[] = { "--output logits=@y.npy",
					      "--expect logits=@y.npy --rtol 0.8e-3 --atol 0",
					      "--expect logits=@y.npy --rtol 7.7e-3 --atol 0" };
	Cli *c = *state;
	for (int i = 0; i < 3; i++) {
		const char *command = arena_printf(
			c->arena,
			"sed -e 's|<input .*/>|<input id=\"x\" shape=\"1,3,96,96\"/>"
			"<cast id=\"image\" to=\"%s\"/>|' -e 's|<output .*id|<cast "
			"to=\"f32\"/>&|' " EXAMPLES
			"/resnet18.xml >r.xml && grep -q cast.*logits r.xml && "
			"$B run r.xml --weights random:seed=1 --input x=random:seed=5 %s",
			type[i], judged[i]);
		assert_int_equal(shell(c, command), 0);
		assert_non_null(strstr(c->out, i ? "ok" : "f32[1,1000]"));
	}
}

/* What differs is the state after it; sizes and weights have defaults. */
static void a_step_of_training(void **state)
{
	Cli *c = *state;
	expect(c, "verify --train " EXAMPLES "/digits.xml --inputs 1 --rtol 1e-4", 0,
	       "41 tensors  ok", NULL);
	expect(c, "verify --train " EXAMPLES "/digits.xml -v --bind N=3 --input rate=0.01", 0,
	       "state     '.v/conv1.weight'", NULL);
	const JsonValue *v =
		document(c, "verify --train " EXAMPLES "/digits.xml --rtol 0 --atol 0", 1);
	const char *name = "";
	assert_true(json_text(json_get(json_at(json_get(v, "outputs"), 0), "name"), &name));
	assert_string_equal(name, "loss");
	assert_true(json_text(json_get(json_at(json_get(v, "state"), 0), "name"), &name));
	assert_string_equal(name, "conv1.weight");
	assert_true(number(json_at(json_get(v, "state"), 0), "bad") > 0);
	expect(c, "verify --train " LENET, 3, NULL, "E2024");
	expect(c, "verify --train " EXAMPLES "/digits.xml --bisect", 2, NULL, "--train");
	expect(c, "verify --train=4 " EXAMPLES "/digits.xml", 2, NULL, "--batch N");
}

/* The biases change nothing, since batch norm takes the mean away: their gradients are rounding
 * alone, of which the reference has less. */
static void a_step_that_is_rounding(void **state)
{
	Cli *c = *state;
	write_text(c, "biased.xml",
		   "<graph name=\"biased\" xmlns=\"urn:burin:graph:1\">"
		   "<input id=\"x\" type=\"f32\" shape=\"N,3,24,24\"/>"
		   "<conv2d id=\"c\" filters=\"8\" kernel=\"3\" pad=\"1\"/> <batchnorm id=\"b\"/> "
		   "<relu id=\"r\"/> <output id=\"y\" in=\"r\"/>"
		   "<training loss=\"loss\"><input id=\"t\" type=\"f32\" shape=\"N,8,24,24\"/>"
		   "<sub in=\"r t\" id=\"off\"/> <mul in=\"off off\" id=\"square\"/>"
		   "<reduce_sum id=\"loss\" axes=\"0,1,2,3\" keepdims=\"0\"/>"
		   "<sgd lr=\"0.1\"/></training></graph>");
	expect(c, "verify --train biased.xml --rtol 1e-4", 1, "'c.bias'", NULL);
	expect(c, "verify --train biased.xml", 0, "tensors  ok, 1 of them (rounding)", NULL);
}

static void a_pass_is_named(void **state)
{
	Cli *c = *state;
	const char *cause = "", *node = "";
	/* (1 + 3 ulp) * 3 is rounded; the sum with -1 * 3 then shows it. */
	write_text(c, "fold.xml",
		   "<graph xmlns=\"urn:burin:graph:1\" name=\"fold\">\n"
		   "  <input id=\"x\" shape=\"1,2,1,1\"/>\n"
		   "  <const id=\"w\" shape=\"1,2,1,1\" value=\"1.000000357627868652 -1\"/>\n"
		   "  <conv2d id=\"c\" in=\"x w\" filters=\"1\" kernel=\"1\" bias=\"no\"/>\n"
		   "  <const id=\"three\" shape=\"1,1,1,1\" value=\"3\"/>\n"
		   "  <mul id=\"s\" in=\"c three\"/>\n  <output id=\"y\" in=\"s\"/>\n</graph>\n");
	const JsonValue *v = document(c, "verify fold.xml --input x=ones --atol 0 --bisect", 1);
	assert_true(json_text(json_get(v, "cause"), &cause));
	assert_true(json_text(json_get(json_get(v, "first_wrong"), "node"), &node));
	assert_string_equal(cause, "fold_scale");
	assert_string_equal(node, "s");
	expect(c, "verify fold.xml --input x=ones --atol 0 --set passes.fold_scale=off", 0, "ok",
	       NULL);
}

static void measuring(void **state)
{
	Cli *c = *state;
	expect(c, "compile " LENET " -o m.so", 0, NULL, NULL);
	const JsonValue *v = document(c, "bench m.so --runs 20 --profile --threads 1", 0);
	assert_int_equal(json_get(v, "samples")->n, 20);
	assert_true(number(json_get(v, "latency"), "median") > 0);
	assert_true(number(json_get(v, "model"), "flops") > 8e5);
	const JsonValue *k = json_at(json_get(v, "kernels"), 0);
	assert_true(number(k, "median") >= 0);
	assert_non_null(json_get(k, "ids"));
	v = document(c, "bench m.so " LENET " --runs 5 --threads 1", 0);
	assert_int_equal(json_get(v, "results")->n, 2);
	expect(c, "bench m.so --runs 30 --threads 1 --json=r.json", 0, "latency", NULL);
	assert_null(strstr(c->err, "error"));
	/* thirty runs of some microseconds are one turn: nothing can be said */
	expect(c, "compare r.json r.json", 0, "inconclusive", "too few for a verdict");
	expect(c, "compare r.json r.json --fail-if-slower 3%", 6, "inconclusive", NULL);
}

/* A ratio is told of models that could stand for each other, and of no others. */
static void ratios(void **state)
{
	Cli *c = *state;
	expect(c, "compile " LENET " -o m.so", 0, NULL, NULL);
	assert_int_equal(shell(c, "cp m.so n.so"), 0);
	const JsonValue *v = document(c, "bench m.so n.so --runs 30 --threads 1", 0);
	const JsonValue *r = json_at(json_get(v, "ratios"), 0);
	const char *verdict = "";
	assert_true(json_text(json_get(r, "verdict"), &verdict));
	assert_string_equal(verdict, "inconclusive");
	assert_int_equal(json_get(r, "ratio_ci95")->n, 2);
	expect(c, "bench m.so n.so --runs 30", 0, "n.so takes ", NULL);
	write_text(c, "other.xml",
		   "<graph name=\"g\"><input id=\"x\" shape=\"4,5\"/><relu id=\"y\"/>"
		   "<output id=\"o\"/></graph>");
	expect(c, "bench m.so other.xml --runs 30", 0, "latency", NULL);
	assert_null(strstr(c->out, "of the time of"));
	v = document(c, "bench m.so other.xml --runs 30", 0);
	assert_int_equal(json_get(v, "ratios")->n, 0);
}

static void write_measurement(Cli *c, const char *name, int from)
{
	Str s;
	str_init(&s, c->arena);
	str_add(&s, "{\"schema\": \"burin.bench/1\", \"model\": {\"file\": \"a/m.so\"}, "
		    "\"env\": {\"governor\": {\"0\": \"powersave\"}}, \"samples\": [");
	for (int i = 0; i < 60; i++) /* each run a turn of its own */
		str_fmt(&s, "%s%d0000", i ? ", " : "", from + i * 7 % 60);
	str_add(&s, "]}\n");
	write_text(c, name, str_text(&s));
}

static void comparing(void **state)
{
	Cli *c = *state;
	write_measurement(c, "old.json", 10000);
	write_measurement(c, "new.json", 10600);
	expect(c, "compare old.json new.json", 0, "slower", "powersave");
	expect(c, "compare old.json new.json --fail-if-slower 3%", 1, "<-- limit 3 %", NULL);
	expect(c, "compare old.json new.json --fail-if-slower 10%", 0, "slower", NULL);
	expect(c, "compare new.json old.json --fail-if-slower 3%", 0, "faster", NULL);
	const JsonValue *m =
		json_at(json_get(document(c, "compare old.json new.json --fail-if-slower 0.03", 1),
				 "models"),
			0);
	assert_true(number(m, "ratio") > 1.055 && number(m, "ratio") < 1.065);
	write_measurement(c, "near.json", 10020);
	expect(c, "compare old.json near.json --fail-if-slower 3%", 0, "no difference", NULL);
	write_text(c, "other.json", "{\"schema\": \"burin.run/1\"}");
	expect(c, "compare old.json other.json", 3, "", "E6002");
	write_text(c, "cut.json", "{\"schema\": \"burin.bench/1\", \"samples\": [1");
	expect(c, "compare old.json cut.json", 3, "", "E6002");
}

static void converting(void **state)
{
	Cli *c = *state;
	expect(c, "convert " EXAMPLES "/lenet.xml -o copy.xml", 0, "wrote", NULL);
	assert_non_null(strstr(read_file(c, "copy.xml"), "N,1,28,28"));
	expect(c, "check copy.xml", 0, "ok", NULL);
	expect(c, "convert " EXAMPLES "/face/rfb-320.onnx -o face.xml", 0, "face.safetensors",
	       NULL);
	expect(c, "check face.xml", 0, "ok", NULL);
	expect(c, "inspect face.safetensors", 0, "tensors", NULL);
	expect(c, "verify face.xml --inputs 1", 0, "ok", NULL);
}

static void training_ahead_of_time(void **state)
{
	Cli *c = *state;
	expect(c, "compile " EXAMPLES "/digits.xml --train=8 --mcpu native -o t.so", 0,
	       "train_step: ", NULL);
	assert_non_null(strstr(read_file(c, "t.h"), "#define DIGITS_TRAIN_BATCH 8 "));
	expect(c, "inspect t.so", 0, "x f32[8,1,8,8], label i64[8], rate f32, state", NULL);
	expect(c, "run t.so", 5, NULL, "packed-weights");
	expect(c, "compile " LENET " --train -o u.so", 3, NULL, "E2024");
	expect(c, "compile " EXAMPLES "/digits.xml --train --device cuda -o u.so", 4, NULL,
	       "E5101");
	expect(c, "compile " EXAMPLES "/digits.xml --train=0 -o u.so", 2, NULL, "E5001");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(batches_are_sums),
		TEST(items_that_meet),
		TEST(compiled_files_give_the_same),
		TEST(forms_of_output),
		TEST(inputs_and_outputs),
		TEST(ports_called_by_numbers),
		TEST(numbers_of_integers),
		TEST(unread_kinds),
		TEST(verification),
		TEST(verification_goes_by_type),
		TEST(a_model_in_16_bits),
		TEST(a_pass_is_named),
		TEST(measuring),
		TEST(ratios),
		TEST(comparing),
		TEST(converting),
		TEST(a_step_of_training),
		TEST(a_step_that_is_rounding),
		TEST(training_ahead_of_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
