/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* burin train: what it writes, that it goes on as if it had never stopped, and what it says about
 * data, options and values that are not finite. */
#include "tests/e2e/cli_fixture.h"
#include <math.h>

#ifdef __has_feature
#define HAS(feature) __has_feature(feature)
#else
#define HAS(feature) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || HAS(address_sanitizer) || \
	HAS(thread_sanitizer)
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

static const char *const line_model =
	"<graph name=\"line\">\n"
	"  <input id=\"x\" shape=\"N,2\"/>\n"
	"  <linear id=\"h\" units=\"8\"/>\n"
	"  <tanh/>\n"
	"  <dropout p=\"0.1\"/>\n"
	"  <linear id=\"fc\" units=\"1\"/>\n"
	"  <output id=\"y\"/>\n"
	"  <training loss=\"loss\" batch=\"16\" epochs=\"6\" schedule=\"cosine\" period=\"0\">\n"
	"    <input id=\"target\" shape=\"N,1\"/>\n"
	"    <mse id=\"loss\" in=\"fc target\"/>\n"
	"    <sub in=\"fc target\"/>\n"
	"    <abs/>\n"
	"    <reduce_mean/>\n"
	"    <output id=\"error\"/>\n"
	"    <adam lr=\"0.02\"/>\n"
	"  </training>\n"
	"</graph>\n";

static const char *const class_model = "<graph name=\"kinds\">\n"
				       "  <input id=\"x\" shape=\"N,2\"/>\n"
				       "  <linear id=\"fc\" units=\"3\"/>\n"
				       "  <output id=\"y\"/>\n"
				       "  <training loss=\"loss\" batch=\"16\" epochs=\"15\">\n"
				       "    <input id=\"kind\" type=\"i64\" shape=\"N\"/>\n"
				       "    <cross_entropy id=\"loss\" in=\"fc kind\"/>\n"
				       "    <argmax in=\"fc\" axis=\"1\"/>\n"
				       "    <eq y=\"kind\"/>\n"
				       "    <cast to=\"f32\"/>\n"
				       "    <reduce_mean/>\n"
				       "    <output id=\"accuracy\"/>\n"
				       "    <adam lr=\"0.1\"/>\n"
				       "  </training>\n"
				       "</graph>\n";

static int with_models(void **state)
{
	int rc = set_up(state);
	Cli *c = *state;
	Str line, kind;
	static const char *const name[] = { "ash", "birch", "cherry" };
	str_init(&line, c->arena);
	str_init(&kind, c->arena);
	str_add(&line, "a,b,target\n");
	str_add(&kind, "height;width;kind\n");
	for (int i = 0; i < 100; i++) {
		double a = sin(i * 1.7), b = cos(i * 2.9);
		int k = i % 20 == 0 ? 2 : i % 2;
		str_fmt(&line, "%.5f,%.5f,%.5f\n", a, b, a - 0.5 * b);
		str_fmt(&kind, "%.5f; %.5f; \"%s\"\n", a + 3 * (k == 1), b + 4 * (k == 2), name[k]);
	}
	write_text(c, "line.xml", line_model);
	write_text(c, "kinds.xml", class_model);
	write_text(c, "line.csv", str_text(&line));
	write_text(c, "kinds.csv", str_text(&kind));
	return rc;
}

static double number(const JsonValue *v, const char *key)
{
	double out = -1;
	if (!json_real(json_get(v, key), &out))
		fail_msg("no number '%s'", key);
	return out;
}

/* --- good ------------------------------------------------------------------------------------ */

static void trains_and_writes(void **state)
{
	Cli *c = *state;
	const JsonValue *v =
		document(c, "train line.xml --data line.csv --out o --epochs 30 -q", 0);
	assert_true(number(v, "test_loss") < 0.05 && number(v, "test_loss") > 0);
	assert_true(number(v, "val_error") < 0.3);
	assert_true(number(v, "epochs") == 30 && number(v, "steps") == 30 * 4);
	static const char *const files[] = { "weights.safetensors", "best.safetensors",
					     "checkpoint.safetensors", "train.json" };
	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		assert_int_equal(shell(c, arena_printf(c->arena, "test -s o/%s", files[i])), 0);
	const char *table = read_file(c, "o/metrics.csv");
	assert_non_null(
		strstr(table, "epoch,step,rate,loss,error,val_loss,val_error,seconds\n1,4,"));
	assert_non_null(strstr(table, "\n30,120,"));
	assert_non_null(strstr(read_file(c, "o/loss.svg"), "val_loss</text>"));
	expect(c, "run line.xml --weights o/weights.safetensors --input x=1x2xf32=0.5,0.5", 0,
	       "y f32[1,1]", NULL);
}

/* The command that stands at the end is one that works, with the sizes that were given. */
static void says_how_to_compile(void **state)
{
	static const char begin[] = "compile it: burin ";
	Cli *c = *state;
	Str wide;
	str_init(&wide, c->arena);
	str_add(&wide, "<graph name=\"wide\"><input id=\"x\" shape=\"N,K\"/>");
	str_add(&wide, strstr(line_model, "  <linear id=\"h\""));
	write_text(c, "wide.xml", str_text(&wide));
	expect(c, "train wide.xml --data line.csv --epochs 1 --bind K=2 --out o", 0, NULL, begin);
	const char *command = strstr(c->err, begin) + strlen(begin);
	command = arena_strndup(c->arena, command, strcspn(command, "\n"));
	assert_non_null(strstr(command, "--bind K=2"));
	expect(c, arena_printf(c->arena, "%s --mcpu native", command), 0, "wrote     wide.so",
	       NULL);
}

/* --- where it starts -------------------------------------------------------------------------- */

static const char *with_text(Cli *c, const char *text, const char *old, const char *fresh)
{
	const char *at = strstr(text, old);
	assert_non_null(at);
	return arena_printf(c->arena, "%.*s%s%s", (int)(at - text), text, fresh, at + strlen(old));
}

/* line.xml trained for a while: base/weights.safetensors, which tuned.xml names as its own. */
static void make_tuned(Cli *c)
{
	expect(c, "train line.xml --data line.csv --out base --epochs 3", 0, NULL,
	       "starts from init:seed=7\n");
	write_text(c, "tuned.xml",
		   with_text(c, line_model, "name=\"line\"",
			     "name=\"line\" weights=\"base/weights.safetensors\""));
}

static void starts_from_the_weights_of_the_model(void **state)
{
	Cli *c = *state;
	make_tuned(c);
	expect(c, "train tuned.xml --data line.csv --out o --epochs 1 --lr 0", 0, NULL,
	       "starts from the weights of base/weights.safetensors (4 parameters)\n");
	assert_int_equal(shell(c, "cmp base/weights.safetensors o/weights.safetensors"), 0);
	expect(c, "train tuned.xml --data line.csv --out p --epochs 1 --lr 0 --weights init:seed=7",
	       0, NULL, "starts from init:seed=7\n");
	assert_int_not_equal(shell(c, "cmp base/weights.safetensors p/weights.safetensors"), 0);
	expect(c, "train line.xml --data line.csv --out q --epochs 1 --lr 0", 0, NULL, NULL);
	assert_int_equal(shell(c, "cmp q/weights.safetensors p/weights.safetensors"), 0);
	expect(c, "train tuned.xml --data line.csv --out o --epochs 2 --lr 0 --resume", 0, NULL,
	       NULL);
	assert_int_equal(shell(c, "cmp base/weights.safetensors o/weights.safetensors"), 0);
	/* stopped before its first checkpoint: it begins as it had begun */
	shell(c, "mkdir r && cp o/train.json r && sed -i 's/\"epochs\": *2/\"epochs\": 1/' "
		 "r/train.json");
	expect(c, "train tuned.xml --data line.csv --out r --resume", 0, NULL,
	       "starts from the weights of base/weights.safetensors (4 parameters)\n");
	expect(c, "train tuned.xml --data line.csv --out o --resume --fresh fc", 2, NULL,
	       "--resume goes on with the weights of the checkpoint");
}

/* What compile --train makes begins as burin train does, and verify --train checks such a step. */
static void compiled_steps_start_from_them_too(void **state)
{
	Cli *c = *state;
	make_tuned(c);
	static const char *const how[] = { "", "--weights base/weights.safetensors",
					   "--weights init:seed=7" };
	for (int i = 0; i < 3; i++) {
		expect(c,
		       arena_printf(c->arena, "compile tuned.xml --train %s --mcpu native -o t.so",
				    how[i]),
		       0, NULL, NULL);
		assert_int_equal(shell(c, arena_printf(c->arena, "mv t.so %d.so", i)), 0);
	}
	assert_int_equal(shell(c, "cmp 0.so 1.so"), 0);
	assert_int_not_equal(shell(c, "cmp 0.so 2.so"), 0);
	expect(c, "verify --train tuned.xml --fresh fc", 0, "ok", NULL);
}

/* A head of another size is begun anew, the rest is as the file has it. */
static void a_new_head_on_old_weights(void **state)
{
	Cli *c = *state;
	make_tuned(c);
	const char *text = with_text(c, read_file(c, "tuned.xml"), "id=\"fc\" units=\"1\"",
				     "id=\"fc\" units=\"2\"");
	write_text(c, "head.xml", with_text(c, text, "shape=\"N,1\"", "shape=\"N,2\""));
	write_text(c, "trunk.xml",
		   "<graph name='trunk'><input id='x' shape='N,2'/><linear id='h' units='8'/>"
		   "<output id='y'/></graph>");
	const char *train = "train head.xml --data line.csv --columns x=a,b --columns target=a,b "
			    "--epochs 1 --lr 0";
	expect(c, arena_printf(c->arena, "%s --out o", train), 3, NULL,
	       "--fresh fc.weight: training begins it anew");
	expect(c, arena_printf(c->arena, "%s --out o --fresh fc", train), 0, NULL,
	       "(2 parameters); anew, by seed 7: fc.weight, fc.bias\n");
	expect(c, arena_printf(c->arena, "%s --out p --fresh 'f*.weight' --fresh fc.bias", train),
	       0, NULL, "anew, by seed 7: fc.weight, fc.bias\n");
	assert_int_equal(shell(c, "cmp o/weights.safetensors p/weights.safetensors"), 0);
	expect(c, arena_printf(c->arena, "%s --out q --fresh fc --seed 8", train), 0, NULL, NULL);
	assert_int_not_equal(shell(c, "cmp o/weights.safetensors q/weights.safetensors"), 0);
	const char *run = "run trunk.xml --input x=1x2xf32=0.5,0.25 -q --weights";
	expect(c, arena_printf(c->arena, "%s base/weights.safetensors", run), 0, "y f32[1,8]",
	       NULL);
	expect(c, arena_printf(c->arena, "%s o/weights.safetensors", run), 0,
	       arena_strdup(c->arena, c->out), NULL);
	expect(c, "compile head.xml --train --fresh fc --mcpu native -o h.so", 0, NULL, NULL);
	expect(c, "verify head.xml --train --fresh fc", 0, "ok", NULL);
	expect(c, arena_printf(c->arena, "%s --out r --fresh fd", train), 3, NULL,
	       "the model has no parameter 'fd'\n     | did you mean 'fc'?");
	expect(c, "train line.xml --data line.csv --out r --fresh fc", 3, NULL,
	       "--fresh has no effect: no parameter is read from a file");
	expect(c, "compile head.xml --fresh fc -o h.so", 2, NULL,
	       "--fresh has no effect without --train");
}

/* Time before the batch, and after it: the same training. */
static void the_batch_may_stand_behind_the_time(void **state)
{
	Cli *c = *state;
	static const char *const model =
		"<graph name='rec'>\n<input id='x' shape='%s'/>\n"
		"<gru id='r' hidden='5'%s/>\n<reshape in='r.h' shape='N,5'/>\n"
		"<linear id='fc' units='2'/>\n<output id='y'/>\n"
		"<training loss='loss' batch='16' epochs='4'>\n"
		"<input id='t' type='i64' shape='N'/>\n<cross_entropy id='loss' in='fc t'/>\n"
		"<adam lr='0.02'/>\n</training>\n</graph>\n";
	Str rows;
	str_init(&rows, c->arena);
	for (int i = 0; i < 100; i++) {
		for (int k = 0; k < 10; k++)
			str_fmt(&rows, "%.4f,", sin(i * 0.7 + k * (1 + i % 2)));
		str_fmt(&rows, "%d\n", i % 2);
	}
	write_text(c, "rec.csv", str_text(&rows));
	write_text(c, "time.xml", arena_printf(c->arena, model, "5,N,2", ""));
	write_text(c, "rows.xml", arena_printf(c->arena, model, "N,5,2", " batch_first='yes'"));
	const JsonValue *time = document(c, "train time.xml --data rec.csv --out t -q", 0);
	double loss = number(time, "test_loss");
	const JsonValue *whole = document(c, "train rows.xml --data rec.csv --out r -q", 0);
	assert_true(fabs(loss - number(whole, "test_loss")) < 1e-5 && loss < 0.7);
	expect(c, "train rows.xml --data rec.csv --out q --set batch=4", 2, NULL,
	       "--set batch has no effect on a training");
	expect(c, "verify --train time.xml", 0, "ok", NULL);
	expect(c, "compile --train time.xml --mcpu native -o t.so", 0, NULL, NULL);
	expect(c, "compile time.xml --batch 1,8 -o t.so --weights random", 4, NULL,
	       "the first input does not lead with a symbol");
}

/* How many bytes were wanted, and what lowers it. */
static void too_little_memory_is_told(void **state)
{
	Cli *c = *state;
	if (SANITIZED) /* wants terabytes of addresses */
		skip();
	write_text(c, "wide.xml",
		   "<graph name='wide'>\n<input id='x' shape='N,2'/>\n"
		   "<linear id='h' units='200000'/>\n<tanh/>\n<linear id='fc' units='1'/>\n"
		   "<output id='y'/>\n<training loss='loss' batch='60'>\n"
		   "<input id='target' shape='N,1'/>\n<mse id='loss' in='fc target'/>\n"
		   "<sgd/>\n</training>\n</graph>\n");
	shell(c, "head -n 1 line.csv >w.csv; i=0; while [ $i -lt 40 ]; do tail -n +2 line.csv; "
		 "i=$((i+1)); done >>w.csv; cat w.csv");
	int rc = shell(c, "ulimit -v 2600000; $B train wide.xml --data w.csv --batch 2400 --split "
			  "90/5/5 --threads 1 --out o");
	if (rc != 5 || !strstr(c->err, "out of memory: 2400 rows need") ||
	    !strstr(c->err, "smaller batches need less"))
		fail_msg("%d: %s", rc, c->err);
}

static void tables_make_classes(void **state)
{
	Cli *c = *state;
	expect(c, "train kinds.xml --data kinds.csv --out o", 0, "test      loss",
	       "100 rows: 60 train, 20 validate, 20 test, shared out by kind");
	assert_string_equal(read_file(c, "o/classes.txt"), "ash\nbirch\ncherry\n");
	const JsonValue *v = document(c, "train kinds.xml --data kinds.csv --out p -q", 0);
	assert_true(number(v, "test_accuracy") > 0.9);
}

static void columns_are_chosen(void **state)
{
	Cli *c = *state;
	expect(c,
	       "train line.xml --data line.csv --out o --epochs 1 --columns x=b,a --columns "
	       "target=target",
	       0, "trained", NULL);
	expect(c, "train line.xml --data line.csv --out p --columns x=b,c", 3, NULL,
	       "no column 'c'");
	expect(c, "train line.xml --data line.csv --out p --columns x=b", 3, NULL,
	       "2 numbers a row");
	expect(c, "train line.xml --data line.csv --out p --columns z=b", 3, NULL, "no such input");
}

static void data_are_looked_at(void **state)
{
	Cli *c = *state;
	expect(c, "train kinds.xml --data kinds.csv --check-data", 0,
	       "class     cherry  5 rows, 5.0 %", "the classes are not balanced");
	const JsonValue *v = document(c, "train line.xml --data line.csv --check-data", 0);
	assert_true(number(v, "rows") == 100);
}

/* The curves without the times, the weights and the checkpoint. */
static void same_results(Cli *c, const char *a, const char *b)
{
	int rc = shell(c, arena_printf(c->arena,
				       "cmp %s/weights.safetensors %s/weights.safetensors && cmp "
				       "%s/checkpoint.safetensors %s/checkpoint.safetensors && cut "
				       "-d, -f1-7 %s/metrics.csv >a && cut -d, -f1-7 "
				       "%s/metrics.csv >b && cmp a b",
				       a, b, a, b, a, b));
	if (rc)
		fail_msg("%s and %s differ: %s%s", a, b, c->out, c->err);
}

static void goes_on_as_if_never_stopped(void **state)
{
	Cli *c = *state;
	expect(c, "train line.xml --data line.csv --out whole -q", 0, NULL, NULL);
	/* stopped while it writes checkpoints, by a signal that it cannot answer */
	shell(c, "rm -rf parts; i=0; while [ ! -e parts/weights.safetensors ] && [ $i -lt 60 ]; do "
		 "i=$((i+1)); r=; [ -e parts/train.json ] && r=--resume; "
		 "timeout -s KILL 0.$((15 + i)) $B train line.xml --data line.csv --out parts $r "
		 "--checkpoint-every 1 -q; done; true");
	same_results(c, "whole", "parts");
	assert_int_equal(shell(c, "ls -A parts | grep tmp"), 1);
}

static void threads_give_the_same(void **state)
{
	Cli *c = *state;
	expect(c, "train line.xml --data line.csv --out one --threads 1 -q", 0, NULL, NULL);
	expect(c, "train line.xml --data line.csv --out three --threads 3 -q", 0, NULL, NULL);
	same_results(c, "one", "three");
}

/* SIGTERM, as Ctrl-C: a shell lets its background jobs ignore that one. */
static void interrupts_write_a_checkpoint(void **state)
{
	Cli *c = *state;
	expect(c, "train line.xml --data line.csv --out whole --epochs 80 -q", 0, NULL, NULL);
	shell(c, "$B train line.xml --data line.csv --out o --epochs 80 --progress plain & p=$!; "
		 "while [ ! -e o/metrics.csv ]; do sleep 0.02; done; kill -TERM $p; wait $p");
	if (strstr(c->err, "stopped at step") == NULL)
		fail_msg("not stopped: %s", c->err);
	expect(c, "train line.xml --data line.csv --out o --resume -q", 0, "trained", NULL);
	same_results(c, "whole", "o");
	shell(c, "$B train line.xml --data line.csv --out p --epochs 1000000 --json -q & p=$!; "
		 "while [ ! -e p/metrics.csv ]; do sleep 0.02; done; kill -TERM $p; wait $p");
	const JsonValue *v = parse(c, c->out);
	assert_true(number(v, "exit") == 130 && number(v, "steps") >= 4);
}

/* Rows that differ much, some with a target that is passed over (-100): a rate of 0 leaves the
 * parameters alone, so batches of any size must report the same means. */
static void means_do_not_depend_on_batches(void **state)
{
	Cli *c = *state;
	Str s;
	str_init(&s, c->arena);
	str_add(&s, "a,b,kind\n");
	for (int i = 0; i < 1501; i++)
		str_fmt(&s, "%d,%d,%d\n", i % 7, i / 300, i % 11 < 5 - i / 300 ? -100 : i % 3);
	write_text(c, "uneven.csv", str_text(&s));
	static const char *const key[] = { "train_loss", "train_accuracy", "val_loss",
					   "val_accuracy" };
	const char *line = "train kinds.xml --data uneven.csv --lr 0 --epochs 1 --split 20/80 -q";
	const JsonValue *whole =
		document(c, arena_printf(c->arena, "%s --batch 2000 --out o", line), 0);
	const JsonValue *parts =
		document(c, arena_printf(c->arena, "%s --batch 23 --out p", line), 0);
	assert_true(number(parts, "steps") == 14); /* the last of 300 - 13 * 23 = 1 row */
	for (size_t i = 0; i < sizeof key / sizeof *key; i++) {
		double a = number(whole, key[i]), b = number(parts, key[i]);
		if (!(fabs(a / b - 1) < 1e-5))
			fail_msg("%s is %.9g in one piece, %.9g in parts", key[i], a, b);
	}
}

/* The line of a terminal is rewritten, cut at its edge and gone at the end. */
static void the_line_of_a_terminal(void **state)
{
	Cli *c = *state;
	const char *line = "\r\033[K\033[?7lepoch  1/30  step 1/4  loss ";
	expect(c, "train line.xml --data line.csv --out o --epochs 30 --progress line", 0, NULL,
	       line);
	assert_non_null(strstr(c->err, "  rate 0.02  "));
	assert_non_null(strstr(c->err, "\033[?7h\r\033[Kepoch  1/30  step 4  loss "));
}

/* Means of one row are no statistics. */
static void batchnorm_takes_no_single_row(void **state)
{
	Cli *c = *state;
	shell(c, "sed 's/<tanh/<batchnorm id=\"n\"\\/>&/' line.xml >norm.xml");
	const JsonValue *v = document(
		c, "train norm.xml --data line.csv --split 61/39 --batch 20 --epochs 2 --out o -q",
		0);
	assert_true(number(v, "steps") == 2 * 3);
	v = document(
		c, "train line.xml --data line.csv --split 61/39 --batch 20 --epochs 2 --out p -q",
		0);
	assert_true(number(v, "steps") == 2 * 4);
}

static void stops_early(void **state)
{
	Cli *c = *state;
	write_text(c, "early.xml",
		   arena_printf(c->arena, "%.*spatience=\"2\" min_delta=\"10\" %s",
				(int)(strstr(line_model, "batch=") - line_model), line_model,
				strstr(line_model, "batch=")));
	const JsonValue *v = document(c, "train early.xml --data line.csv --out o -q", 0);
	assert_true(number(v, "epochs") == 3 && number(v, "best_epoch") == 1);
	bool early = false;
	assert_true(json_bool(json_get(v, "stopped_early"), &early) && early);
}

/* --- bad ------------------------------------------------------------------------------------- */

static void faults_of_data(void **state)
{
	Cli *c = *state;
	write_text(c, "short.csv", "a,b,target\n1,2,3\n1,2\n");
	write_text(c, "empty.csv", "a,b,target\n1,2,3\n1,,3\n");
	write_text(c, "text.csv", "a,b,target\n1,2,3\n1,two,3\n");
	write_text(c, "nan.csv", "a,b,target\n1,2,3\n1,nan,3\n");
	write_text(c, "open.csv", "a,b,target\n1,\"2,3\n");
	write_text(c, "four.csv", "a,b,c,target\n1,2,3,4\n");
	write_text(c, "label.csv", "height,width,kind\n1,2,0\n1,2,3\n");
	write_text(c, "none.csv", "");
	write_text(c, "goal.xml",
		   "<graph><input id='x' shape='N,12'/><linear id='fc' units='3'/><output/>"
		   "<training loss='l'><input id='goal' shape='N,3'/><mse id='l' in='fc goal'/>"
		   "<sgd/></training></graph>");
	static const struct {
		const char *arguments, *says;
	} row[] = {
		{ "line.xml --data short.csv", "short.csv:3: error[E6402]: 2 fields" },
		{ "line.xml --data empty.csv",
		  "empty.csv:3: error[E6402]: column 'b' has no value" },
		{ "line.xml --data text.csv", "text.csv:3: error[E6402]: column 'b': 'two'" },
		{ "line.xml --data nan.csv", "nan.csv:3: error[E6402]: column 'b': 'nan'" },
		{ "line.xml --data open.csv", "open.csv:2: error[E6402]: a quoted field" },
		{ "line.xml --data four.csv", "3 columns left for inputs of 2 numbers" },
		{ "line.xml --data none.csv", "the table is empty" },
		{ "kinds.xml --data label.csv", "the classes 0 to 2" },
		{ "line.xml --data " EXAMPLES "/digits.npz", "the input takes f32[N,2]" },
		{ "goal.xml --data " BURIN_SOURCE_DIR "/tests/data/train/mlp.npz",
		  "has no array 'goal'" },
		{ EXAMPLES "/digits.xml --data line.csv", "columns left" },
		{ "line.xml", "no training data" },
		{ EXAMPLES "/lenet.xml --data line.csv", "error[E2024]" },
	};
	for (size_t i = 0; i < sizeof row / sizeof *row; i++)
		expect(c, arena_printf(c->arena, "train %s --out o", row[i].arguments),
		       strstr(row[i].says, "no training data") ? 2 : 3, "", row[i].says);
	expect(c, "train line.xml --data line.json --out o", 3, "", "E1007");
	expect(c, "train line.xml --data gone.csv --out o", 5, "", "gone.csv");
	assert_int_equal(shell(c, "test -e o"), 1);
}

/* A cross_entropy anywhere: -1 is not the last class, and where no target counts the loss is 0. */
static void classes_that_do_not_exist(void **state)
{
	Cli *c = *state;
	static const struct {
		const char *targets, *says;
		int status;
	} row[] = { { "1,2,0", "2.44019", 0 },
		    { "1,-1,0", "E6105", 3 },
		    { "1,4,0", "E6105", 3 },
		    { "1,-100,0", "2.94019", 0 },
		    { "-100,-100,-100", "\n  0\n", 0 } };
	write_text(c, "ce.xml",
		   "<graph><input id='x' shape='3,4'/><input id='t' type='i64' shape='3'/>"
		   "<cross_entropy id='l' in='x t'/><output/></graph>");
	for (size_t i = 0; i < sizeof row / sizeof *row; i++)
		expect(c,
		       arena_printf(c->arena,
				    "run ce.xml --input t=3xi64=%s --input "
				    "x=3x4xf32=1,2,3,4,1,2,3,4,1,2,3,4",
				    row[i].targets),
		       row[i].status, row[i].status ? NULL : row[i].says,
		       row[i].status ? row[i].says : NULL);
}

/* What people try first: classes as vectors, a table in another encoding, a class without rows. */
static void data_of_another_kind(void **state)
{
	Cli *c = *state;
	write_text(c, "vector.xml",
		   "<graph><input id='x' shape='N,12'/><linear id='fc' units='3'/><output/>"
		   "<training loss='l'><input id='target' type='i64' shape='N'/>"
		   "<cross_entropy id='l' in='fc target'/><sgd/></training></graph>");
	expect(c, "train vector.xml --data " BURIN_SOURCE_DIR "/tests/data/train/mlp.npz --out o",
	       3, "", "array 'target' is f32[64,3], the input takes i64[N]");
	assert_non_null(strstr(c->err, "np.argmax"));
	shell(c, "printf 'a\\0,\\0b\\0' >wide.csv");
	expect(c, "train line.xml --data wide.csv --out o", 3, "", "is not text");
	shell(c, "grep -v cherry kinds.csv >two.csv");
	expect(c, "train kinds.xml --data two.csv --out o", 0, "trained",
	       "of 2 classes, the model has 3");
	expect(c, "train kinds.xml --data kinds.csv --out p", 0, "trained", NULL);
	assert_null(strstr(c->err, "warning"));
}

/* A checkpoint that is damaged, or another model's, is refused and left as it is. */
static void strange_checkpoints(void **state)
{
	Cli *c = *state;
	const char *again = "train line.xml --data line.csv --out o --resume --epochs 2";
	expect(c, "train line.xml --data line.csv --out o --epochs 1", 0, NULL, NULL);
	shell(c,
	      "cp o/checkpoint.safetensors good; printf '\\377' | "
	      "dd of=o/checkpoint.safetensors bs=1 seek=900 conv=notrunc; cp o/checkpoint.* bad");
	expect(c, again, 3, "", "error[E6201]: checkpoint 'o/checkpoint.safetensors'");
	assert_non_null(strstr(c->err, "checksum"));
	assert_int_equal(shell(c, "cmp bad o/checkpoint.safetensors"), 0);
	shell(c, "head -c 700 good >o/checkpoint.safetensors");
	expect(c, again, 3, "", "error[E6201]: checkpoint 'o/checkpoint.safetensors'");
	shell(c, "cp o/weights.safetensors o/checkpoint.safetensors");
	expect(c, again, 3, "", "it was not saved as one");
	shell(c,
	      "cp good o/checkpoint.safetensors; sed 's/units=\"8\"/units=\"9\"/' line.xml >l9.xml;"
	      "sed 's/adam/sgd/' line.xml >sgd.xml");
	expect(c, "train l9.xml --data line.csv --out o --resume --epochs 2", 3, "",
	       "tensor 'h.weight': it has another type or other sizes");
	expect(c, "train sgd.xml --data line.csv --out o --resume --epochs 2", 3, "",
	       "it has other tensors");
	expect(c, again, 0, "trained", NULL);
}

/* A note that was changed, by text of the same length, under a right checksum. */
static void change_note(Cli *c, const char *file, const char *from, const char *to)
{
	static const char digits[] = "s/(\"sha256\":\")[0-9a-f]{64}/\\1";
	assert_int_equal(
		shell(c,
		      arena_printf(
			      c->arena,
			      "export LC_ALL=C; f=o/%s.safetensors; grep -aqE '%s' $f && "
			      "sed -i -E 's/%s/%s/' $f && sed -i -E '%s'$(printf %%064d 0)/ $f && "
			      "sed -i -E '%s'$(sha256sum <$f | cut -c1-64)/ $f",
			      file, from, from, to, digits, digits)),
		0);
}

static void strange_notes(void **state)
{
	Cli *c = *state;
	const char *again = "train line.xml --data line.csv --out o --resume --epochs 1";
	const char *misfit = "does not fit this training";
	expect(c, "train line.xml --data line.csv --out o --epochs 1", 0, NULL, NULL);
	shell(c, "cp o/checkpoint.safetensors good; cp o/train.json told");
	change_note(c, "checkpoint", "best_epoch(..):1", "best_epoch\\1:9");
	expect(c, again, 3, "", misfit);
	change_note(c, "checkpoint", "best_epoch(..):9", "best_epoch\\1:0");
	change_note(c, "best", "best_epoch(..):1", "best_epoch\\1:0");
	change_note(c, "best", "\"epoch(..):1", "\"epoch\\1:0");
	change_note(c, "best", "step(..):4", "step\\1:0");
	expect(c, again, 3, "", "not of the best");
	shell(c, "sed 's/\"lr\": .*/\"lr\": -1/' told >o/train.json");
	expect(c, again, 3, "", "is damaged");
	shell(c, "sed 's/\"batch\": .*/\"batch\": 0,/' told >o/train.json");
	expect(c, again, 3, "", "is damaged");
}

/* As if killed after the second epoch's best state was written, and not its checkpoint; then the
 * epoch comes otherwise and is not better than the first, whose state is gone. */
static void a_best_state_ahead_of_the_checkpoint(void **state)
{
	Cli *c = *state;
	expect(c, "train line.xml --data line.csv --out o --epochs 1", 0, NULL, "val_loss");
	shell(c, "cp o/checkpoint.safetensors first");
	expect(c, "train line.xml --data line.csv --out o --epochs 2 --resume", 0, "best epoch 2",
	       NULL);
	shell(c, "cp -r o whole; cp first o/checkpoint.safetensors; cp -r o p");
	expect(c, "train line.xml --data line.csv --out p --epochs 2 --resume", 0, "best epoch 2",
	       NULL);
	same_results(c, "whole", "p");
	expect(c, "train line.xml --data line.csv --out o --epochs 3 --lr 0 --resume", 0,
	       "best epoch 2", NULL);
}

/* A metric may be undefined, say a precision without positives: that is no fault of the training,
 * and stopping and going on changes nothing about it. */
static void a_metric_that_is_nan(void **state)
{
	Cli *c = *state;
	shell(c, "sed 's/<adam/<sub in=\"loss loss\" id=\"z\"\\/><div in=\"z z\"\\/>"
		 "<output id=\"odd\"\\/>&/' line.xml >odd.xml");
	expect(c, "train odd.xml --data line.csv --out whole --epochs 300", 0, " odd nan\n", NULL);
	shell(c, "$B train odd.xml --data line.csv --out o --epochs 300 -q & p=$!; "
		 "while [ ! -e o/metrics.csv ]; do sleep 0.01; done; kill -TERM $p; wait $p");
	expect(c, "train odd.xml --data line.csv --out o --resume -q", 0, " odd nan\n", NULL);
	assert_int_equal(shell(c, "cut -d, -f1-9 o/metrics.csv >a; cut -d, -f1-9 "
				  "whole/metrics.csv >b; cmp a b && ! grep -qi nan o/loss.svg"),
			 0);
	same_results(c, "whole", "o");
}

/* A disk that fills, and one that cannot be written: in a file system of our own, where we may. */
static void full_and_closed_disks(void **state)
{
	Cli *c = *state;
	const char *train = "$B train ../line.xml --data ../line.csv --epochs 3";
	assert_int_equal(
		shell(c, "$B train line.xml --data line.csv --out j --epochs 1 --json >/dev/full"),
		5);
	if (shell(c, "unshare -rm true")) {
		print_message("unshare: %s, not tried\n", c->err);
		return;
	}
	int rc = shell(c, arena_printf(c->arena,
				       "mkdir d; unshare -rm sh -c 'mount -t tmpfs -o size=12k "
				       "tmpfs d && cd d && %s; rc=$?; ls -A *; exit $rc'",
				       train));
	if (rc != 5 || !strstr(c->err, "no space left on device") || strstr(c->out, "tmp"))
		fail_msg("full disk: status %d, %s%s", rc, c->out, c->err);
	rc = shell(c, arena_printf(c->arena,
				   "unshare -rm sh -c 'mount -t tmpfs -o ro tmpfs d && cd d && %s'",
				   train));
	if (rc != 5 || !strstr(c->err, "ead-only file system"))
		fail_msg("disk that is read-only: status %d, %s", rc, c->err);
}

static void faults_of_options(void **state)
{
	Cli *c = *state;
	expect(c, "train line.xml --data line.csv --split 60/x", 2, "", "not a list of shares");
	expect(c, "train line.xml --data line.csv --split 0/50/50", 2, "", "not a list of shares");
	expect(c, "train line.xml --data line.csv --epochs 0", 2, "", "--epochs");
	expect(c, "train line.xml --data line.csv --out o --resume", 3, "", "holds no training");
	expect(c, "train line.xml --data line.csv --out o --epochs 1 -q", 0, NULL, NULL);
	expect(c, "train line.xml --data line.csv --out o", 3, "", "E6406");
	expect(c, "train line.xml --data line.csv --out o --resume --seed 8", 3, "",
	       "begun with --seed 7");
	expect(c, "train line.xml --data line.csv --out o --resume --batch 8", 3, "",
	       "begun with --batch 16");
	expect(c, "train line.xml --data line.csv --out o --resume --columns x=b,a", 3, "",
	       "belongs to other data");
	expect(c, "train line.xml --data line.csv --out o --resume --epochs 2", 0, "trained", NULL);
	write_text(c, "fixed.xml",
		   "<graph><input id='x' shape='4,2'/><linear id='fc' units='1'/><output/>"
		   "<training loss='l'><reduce_mean id='l' in='fc'/><sgd/></training></graph>");
	expect(c, "train fixed.xml --data line.csv --out p", 4, "", "E5112");
}

/* log(x) of a negative mean: the loss is NaN at the first step. */
static void the_element_of_a_nan_is_named(void **state)
{
	Cli *c = *state;
	write_text(c, "log.xml",
		   "<graph>\n<input id='x' shape='N,2'/>\n<linear id='fc' units='1'/>\n"
		   "<output/>\n<training loss='loss'>\n<input id='target' shape='N,1'/>\n"
		   "<mse id='m' in='fc target'/>\n<sub id='below' in='m 1000'/>\n"
		   "<log id='bad'/>\n<reduce_mean id='loss'/>\n<sgd/>\n</training>\n</graph>\n");
	expect(c, "train log.xml --data line.csv --out o", 3, "",
	       "log.xml:9:2: error[E6404]: step 1 (epoch 1): the loss is NaN: the first result "
	       "that is not finite is that of 'bad' (log)");
}

/* A rate that is far too high: the values grow over some steps until one is infinite. */
static void divergence_is_reported_in_its_step(void **state)
{
	Cli *c = *state;
	write_text(c, "wild.xml",
		   "<graph>\n<input id='x' shape='N,2'/>\n<linear id='fc' units='1'/>\n"
		   "<output/>\n<training loss='loss'>\n<input id='target' shape='N,1'/>\n"
		   "<mse id='loss' in='fc target'/>\n<sgd lr='1e9'/>\n</training>\n</graph>\n");
	expect(c, "train wild.xml --data line.csv --out o --batch 8 --epochs 50", 3, "", "E6404");
	assert_non_null(strstr(c->err, "not finite is"));
	expect(c, "train wild.xml --data line.csv --out p --batch 8 --lr 0.01 --epochs 3", 0,
	       "trained", NULL);
}

/* 100 rows of which one, 57, is zero; where it goes depends on the seed. */
static void write_one_zero(Cli *c)
{
	Str s;
	str_init(&s, c->arena);
	str_add(&s, "a,b,target\n");
	for (int i = 0; i < 100; i++)
		str_fmt(&s, "%d,%d,1\n", i == 57 ? 0 : 1 + i % 3, i == 57 ? 0 : 1 + i % 5);
	write_text(c, "zero.csv", str_text(&s));
}

/* e^x overflows for every row and does no harm; log(0) comes with one row, in a later step or in
 * validation only. */
static void late_values_are_found_and_harmless_ones_not(void **state)
{
	Cli *c = *state;
	static const char *const text =
		"<graph>\n<input id='x' shape='N,2'/>\n<add y='1'/>\n<mul y='300'/>\n"
		"<exp id='big'/>\n<reciprocal/>\n<add y='x'/>\n%s\n"
		"<linear id='fc' units='1'/>\n<output/>\n<training loss='loss' batch='8'>\n"
		"<input id='target' shape='N,1'/>\n<mse id='loss' in='fc target'/>\n"
		"<sgd lr='0.001'/>\n</training>\n</graph>\n";
	write_one_zero(c);
	write_text(c, "calm.xml", arena_printf(c->arena, text, ""));
	write_text(c, "log.xml", arena_printf(c->arena, text, "<log id='bad'/>"));
	expect(c, "train calm.xml --data zero.csv --out calm --epochs 5", 0, "trained", NULL);
	bool later = false, validation = false;
	for (int seed = 1; seed < 12; seed++) {
		expect(c,
		       arena_printf(
			       c->arena,
			       "train log.xml --data zero.csv --split 50/50 --seed %d --out o%d",
			       seed, seed),
		       3, "", "log.xml:8:2: error[E6404]: ");
		assert_non_null(strstr(c->err, "not finite is that of 'bad' (log)"));
		later |= strstr(c->err, "step 3 (epoch 1): the loss is infinite") ||
			 strstr(c->err, "step 5 (epoch 1): the loss is infinite");
		validation |= strstr(c->err, "epoch 1: the loss of validation is infinite") != NULL;
	}
	assert_true(later && validation);
}

/* The root of 0 is finite, its gradient is not: found although the loss is fine in that step, and
 * no checkpoint of such a state is written. */
static void gradients_that_overflow_are_found(void **state)
{
	Cli *c = *state;
	write_one_zero(c);
	write_text(c, "root.xml",
		   "<graph>\n<input id='x' shape='N,2'/>\n<linear id='h' units='3' bias='no'/>\n"
		   "<mul y='h'/>\n<sqrt id='root'/>\n<linear id='fc' units='1'/>\n<output/>\n"
		   "<training loss='loss' batch='8'>\n<input id='target' shape='N,1'/>\n"
		   "<mse id='loss' in='fc target'/>\n<sgd lr='0.001'/>\n</training>\n</graph>\n");
	expect(c,
	       "train root.xml --data zero.csv --split 100 --out o --checkpoint-every 1 "
	       "--progress plain",
	       3, "", "parameters that are not finite");
	assert_non_null(strstr(c->err, "root.xml:5:2: error[E6404]: step "));
	assert_non_null(strstr(c->err, "is in the gradients of 'root' ("));
	expect(c,
	       "train root.xml --data zero.csv --split 100 --out o --resume --checkpoint-every 1",
	       3, "", "in the gradients of 'root' (");
}

/* The step's learning rate is told from an input of that name. */
static void an_input_may_be_called_rate(void **state)
{
	Cli *c = *state;
	write_text(
		c, "rate.xml",
		"<graph>\n<input id='rate' shape='N,2'/>\n<linear id='fc' units='1'/>\n<output/>\n"
		"<training loss='loss' batch='8'>\n<input id='target' shape='N,1'/>\n"
		"<mse id='loss' in='fc target'/>\n<sgd/>\n</training>\n</graph>\n");
	expect(c, "train rate.xml --data line.csv --out o --lr 1e39", 3, "",
	       "is in the gradients of 'fc'");
	expect(c, "train rate.xml --data line.csv --out p --epochs 1", 0, "test      loss", NULL);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, with_models, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(trains_and_writes),
		TEST(says_how_to_compile),
		TEST(an_input_may_be_called_rate),
		TEST(starts_from_the_weights_of_the_model),
		TEST(compiled_steps_start_from_them_too),
		TEST(a_new_head_on_old_weights),
		TEST(the_batch_may_stand_behind_the_time),
		TEST(too_little_memory_is_told),
		TEST(tables_make_classes),
		TEST(columns_are_chosen),
		TEST(data_are_looked_at),
		TEST(goes_on_as_if_never_stopped),
		TEST(threads_give_the_same),
		TEST(interrupts_write_a_checkpoint),
		TEST(means_do_not_depend_on_batches),
		TEST(the_line_of_a_terminal),
		TEST(batchnorm_takes_no_single_row),
		TEST(stops_early),
		TEST(faults_of_data),
		TEST(classes_that_do_not_exist),
		TEST(data_of_another_kind),
		TEST(strange_checkpoints),
		TEST(strange_notes),
		TEST(a_best_state_ahead_of_the_checkpoint),
		TEST(a_metric_that_is_nan),
		TEST(full_and_closed_disks),
		TEST(faults_of_options),
		TEST(the_element_of_a_nan_is_named),
		TEST(divergence_is_reported_in_its_step),
		TEST(late_values_are_found_and_harmless_ones_not),
		TEST(gradients_that_overflow_are_found),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
