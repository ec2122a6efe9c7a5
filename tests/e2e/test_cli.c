/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The command line itself: parsing, exit codes, help and its generated forms, JSON documents,
 * diagnostics. */
#include "tests/e2e/cli_fixture.h"

static const char *const verbs[] = {
#define VERB(name, ...) #name,
#include "tools/verbs.def"
#undef VERB
};
enum { N_VERBS = sizeof verbs / sizeof *verbs };

static void usage_errors(void **state)
{
	Cli *c = *state;
	expect(c, "", 2, "", "a verb is missing");
	expect(c, "chek m.xml", 2, "", "did you mean 'check'?");
	expect(c, "check", 2, "", "usage: burin check FILE...");
	expect(c, "inspect a.xml b.xml", 2, "", "too many arguments: 'b.xml'");
	expect(c, "check --bnd N=1 m.xml", 2, "", "did you mean '--bind'?");
	expect(c, "check m.xml --profile", 2, "", "--profile is not an option of 'check'");
	expect(c, "check m.xml --bind", 2, "", "--bind needs a value");
	expect(c, "check m.xml --bind N", 2, "", "NAME=VALUE is wanted");
	expect(c, "bench m.so --runs many", 2, "", "'many' is not a whole number");
	expect(c, "bench m.so --profile=yes", 2, "", "--profile takes no value");
	expect(c, "bench m.so -x", 2, "", "unknown option '-x'");
	expect(c, "run m.xml --fp wild", 2, "", "one of strict|contract|fast");
	expect(c, "run m.xml --threads 300", 2, "", "300");
	expect(c, "run m.xml --weights embed", 2, "", "is for 'compile'");
	expect(c, "run m.xml --set passes.layot=off", 2, "", "did you mean 'passes.layout'?");
	expect(c, "run m.xml --set treads=1", 2, "", "did you mean 'threads'?");
	expect(c, "run m.xml --cpus 0-", 2, "", "is not a list of CPUs");
	expect(c, "run m.xml --cpus 1000", 2, "", "not all of them may be used");
	expect(c, "compile m.xml", 2, "", "no output file");
	expect(c, "convert m.xml -o m.onnx", 2, "", "models are written as .xml");
	expect(c, "verify m.so", 2, "", "verify needs a model");
	expect(c, "cache sise", 2, "", "did you mean 'size'?");
	expect(c, "ops conv2dd", 2, "", "did you mean 'conv2d'?");
	expect(c, "help bnch", 2, "", "did you mean 'bench'?");
	expect(c, "run " LENET " --input x", 2, "", "NAME=VALUE is wanted");
	expect(c, "run " LENET " --input x=2xf99=1", 2, "", "is not a value");
	expect(c, "run " LENET " --output y=y.npy", 2, NULL, "NAME=@FILE is wanted");
}

/* What an option says must be what happens: one that nothing reads is refused, before anything is
 * written or measured. */
static void options_without_effect(void **state)
{
	static const char *const on_compiled[] = {
		"--mcpu x86-64-v3", "--bind N=2",       "--weights random:seed=3",
		"--fp strict",      "--batch 2",        "--set passes.layout=off",
		"--set size=3",     "--set emu.seed=1", "--set hugepages=yes",
		"--jobs 1",         "--cache off",      "--device cpu",
	};
	static const struct {
		const char *command, *option, *when;
	} other[] = {
		{ "bench a.so --runs 1 --top 3", "--top has no effect here", "help bench" },
		{ "run a.so --rtol 1", "--rtol has no effect here", "help run" },
		{ "inspect a.so --bind N=1", "--bind N has no effect on 'a.so'",
		  "compiled already" },
		{ "check b.xml --set threads=2", "--set threads has no effect here", "is run" },
		{ "convert b.xml -o c.xml --set bind.N=2", "--set bind.N has no effect here",
		  "is read" },
		{ "compile b.xml --batch 1 -o c.o --linker ld", "--linker has no effect here",
		  "a .so is written" },
		{ "compile b.xml --batch 1 -o c.ll --header c.h", "--header has no effect here",
		  ".so, .a or .o" },
		{ "compile b.xml --batch 1 -o c.o --gpu sm_90", "--gpu has no effect here",
		  "cuda" },
		{ "compile b.xml --batch 1 -o c.o --seed 3", "--seed has no effect here",
		  "help compile" },
		{ "compile b.xml --batch 1,2 -o c.o --set free-batch=yes",
		  "--set free-batch has no effect here", "to a file" },
		{ "ops relu --markdown", "--markdown has no effect", "leave the names out" },
		{ "schema --set threads=1", "--set threads has no effect here", "is run" },
		{ "check b.xml --version", "--version has no effect here", "" },
		{ "compile b.xml -o c.o --batch 1 --bind N=2",
		  "--batch: --bind N gives the size 'N'", "" },
		{ "compile b.xml -o c.o --batch 1 --mcpu native --multiversion x86-64-v3",
		  "--multiversion: --mcpu names the CPU as well", "" },
		{ "compile b.xml -o c.o --batch 1 --multiversion x86-64-v3,x86-64-v3",
		  "--multiversion: 'x86-64-v3' is named twice", "" },
	};
	Cli *c = *state;
	write_text(c, "b.xml",
		   "<graph name=\"b\">\n<input id=\"x\" shape=\"N,4\"/>\n<relu id=\"r\"/>\n"
		   "<output id=\"y\"/>\n</graph>\n");
	expect(c, "compile b.xml --batch 1 -q -o a.so", 0, "", "");
	assert_string_equal(c->out, "");
	for (size_t i = 0; i < sizeof on_compiled / sizeof *on_compiled; i++) {
		expect(c, arena_printf(c->arena, "bench a.so --runs 1 %s", on_compiled[i]), 2, NULL,
		       " has no effect on 'a.so'");
		assert_non_null(strstr(c->err, "the file is compiled already"));
	}
	for (size_t i = 0; i < sizeof other / sizeof *other; i++) {
		expect(c, other[i].command, 2, NULL, other[i].option);
		assert_non_null(strstr(c->err, other[i].when));
	}
	assert_int_equal(shell(c, "test ! -e c.o && test ! -e c.xml && test ! -e c.ll"), 0);
	expect(c, "bench a.so --runs 1 --threads 1", 0, NULL, NULL);
	expect(c, "bench a.so b.xml --bind N=1 --runs 1 --fp fast", 0, NULL, NULL);
	expect(c, "bench b.xml --batch 2 --runs 1 --fp fast --mcpu x86-64-v3", 0, NULL, NULL);
}

/* Lists are taken as a whole or refused; none is cut. */
static void lists_are_not_cut(void **state)
{
	Cli *c = *state;
	write_text(c, "b.xml",
		   "<graph name=\"b\">\n<input id=\"x\" shape=\"N,4\"/>\n<relu id=\"r\"/>\n"
		   "<output id=\"y\"/>\n</graph>\n");
	expect(c, "compile b.xml -o b.o --batch 2,3,4,5,6,7,8,9,1", 2, "", "--batch: more than 8");
	expect(c, "compile b.xml -o b.o --batch 1,2,3,4,5,6,7,8,foo", 2, "", "--batch: '1,2,3");
	expect(c, "compile b.xml -o b.o --batch 1,2,", 2, "", "--batch: '1,2,'");
	expect(c, "compile b.xml -o b.o --batch 1,1", 2, "", "--batch: 1 is named twice");
	expect(c,
	       "compile b.xml -o b.o --batch 1 --multiversion "
	       "x86-64-v4,x86-64-v3,x86-64-v2,nonsense",
	       2, "", "unknown CPU 'nonsense'");
	expect(c, "compile b.xml -o b.o --batch 1 --multiversion=", 2, "", "unknown CPU ''");
	expect(c, "compile b.xml -o b.o --batch 1 --multiversion x86-64-v3,", 2, "",
	       "unknown CPU ''");
	expect(c, "run b.xml --batch 1 --device cuda-emu --gpu=", 2, "", "unknown GPU ''");
	expect(c, "compile b.xml -o b.o --batch 8,7,6,5,4,3,2,1", 0, "wrote", "");
}

/* Usage errors are 2 and speak of the option as it was typed, whichever layer finds them. */
static void values_of_options(void **state)
{
	Cli *c = *state;
	write_text(c, "b.xml",
		   "<graph name=\"b\">\n<input id=\"x\" shape=\"N,S\"/>\n<relu id=\"r\"/>\n"
		   "<output id=\"y\"/>\n</graph>\n");
	static const char *const refused[][2] = {
		{ "-j abc", "--jobs: 'abc' is not 1 to 64" },
		{ "-j 65", "--jobs: '65' is not 1 to 64" },
		{ "--set cache=maybe", "--set cache: 'maybe' is neither on nor off" },
		{ "--set free-batch=maybe", "--set free-batch: 'maybe' is neither on nor off" },
		{ "--set seed=abc", "--set seed: 'abc' is not a whole number" },
		{ "--set initial-weights=random:seed=q", "--set initial-weights: 'random:seed=q'" },
	};
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
		expect(c,
		       arena_printf(c->arena, "compile b.xml -o b.o --batch 2 --bind S=1 %s",
				    refused[i][0]),
		       2, "", refused[i][1]);
	expect(c, "compile b.xml -o b.o --batch 2 --bind S=1 --set free-batch=no", 0, "wrote", "");
	expect(c, "compile b.xml -o b.o --batch 0", 2, "", "--batch: '0' is not a list");
	expect(c, "compile b.xml -o b.o --batch a", 2, "", "--batch: 'a' is not a list");
	expect(c, "compile b.xml -o b.foo --batch 1 --bind S=1", 2, "", "b.foo");
	expect(c, "compile b.xml -o b.o --batch 1 --bind S=1 --prefix 3x", 2, "", "--prefix: '3x'");
	expect(c, "check b.xml --bind N=abc", 2, "", "--bind N: 'abc' is not a number");
	expect(c, "check b.xml --set bind.N=abc", 2, "", "--set bind.N: 'abc' is not a number");
	expect(c, "check b.xml --bind batch=1", 2, "",
	       "--bind batch: the model has no size and no");
	assert_non_null(strstr(c->err, "its sizes are: N, S"));
	expect(c, "run b.xml --bind n=1 --bind S=1", 2, "", "did you mean 'N'?");
	expect(c, "run b.xml --weights random:seed=x", 2, "",
	       "--weights: 'random:seed=x' is not random:seed=N");
	expect(c, "check b.xml --set emit.cse=maybe", 2, "",
	       "--set emit.cse: 'maybe' is not on or");
	expect(c, "run b.xml --bind N=1 --bind S=1 --device cuda --gpu sm_99", 2, "",
	       "unknown GPU 'sm_99'");
}

/* A file that is not there is said to be missing, whatever was to be done with it. */
static void missing_files(void **state)
{
	static const char *const command[] = {
		"check no.xml",
		"check no.py",
		"inspect no.so",
		"inspect no.xml",
		"inspect no.npz",
		"inspect no.a",
		"bench no.so",
		"run no.so",
		"verify no.xml",
		"compile no.onnx -o m.o",
		"convert no.xml -o m.xml",
		"train no.xml",
	};
	Cli *c = *state;
	for (size_t i = 0; i < sizeof command / sizeof *command; i++) {
		expect(c, command[i], 5, "", "error[E1001]: cannot open 'no.");
		assert_non_null(strstr(c->err, ": no such file or directory"));
	}
	write_text(c, "there.py", "x");
	expect(c, "check there.py", 3, "", "models are read from .xml and .onnx");
	expect(c, "inspect there.py", 3, "",
	       "inspected are .xml .onnx, .so .o .weights, .safetensors");
}

/* With --json there is a document, also of a command line that is wrong. */
static void documents_of_usage_errors(void **state)
{
	static const char *const command[] = {
		"chek m.xml",   "check", "check --bnd=1 m.xml", "", "check m.xml --threads 1",
		"compile m.xml"
	};
	Cli *c = *state;
	for (size_t i = 0; i < sizeof command / sizeof *command; i++) {
		const char *code = "";
		int64_t exit_code = 0;
		expect(c, arena_printf(c->arena, "%s --json", command[i]), 2, NULL, "error[E5001]");
		const JsonValue *v = parse(c, c->out);
		assert_true(json_int(json_get(v, "exit"), &exit_code));
		assert_int_equal(exit_code, 2);
		assert_true(
			json_text(json_get(json_at(json_get(v, "diagnostics"), 0), "code"), &code));
		assert_string_equal(code, "E5001");
	}
	expect(c, "chek m.xml --diagnostics=json", 2, "", "{\"severity\":\"error\"");
}

static void options_stand_anywhere(void **state)
{
	Cli *c = *state;
	expect(c, "--quiet check --bind=N=1 " EXAMPLES "/lenet.xml", 0, "ok", "");
	expect(c, "check -qv " EXAMPLES "/lenet.xml", 0, "ok", "");
	expect(c, "check -- --quiet", 5, "", "--quiet");
	expect(c, "schema -oschema.xsd", 0, "", "");
	assert_non_null(strstr(read_file(c, "schema.xsd"), "urn:burin:graph:1"));
}

/* Without binding anything: where 1 fits no image, another size is found. */
static void examples_are_checked(void **state)
{
	static const char *const names[] = { "bert",        "gpt2", "lenet",    "lstm",
					     "mobilenetv2", "unet", "resnet18", "resnet50" };
	Cli *c = *state;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		expect(c, arena_printf(c->arena, "check " EXAMPLES "/%s.xml", names[i]), 0, "ok",
		       "");
		expect(c, arena_printf(c->arena, "inspect " EXAMPLES "/%s.xml", names[i]), 0,
		       "output", "");
	}
	expect(c, "check --set size=1 " EXAMPLES "/unet.xml", 3, "", "E5011");
	expect(c, "check --bind H=24 " EXAMPLES "/unet.xml", 3, "", "unet.xml");
}

static void every_verb_explains_itself(void **state)
{
	Cli *c = *state;
	for (int i = 0; i < N_VERBS; i++) {
		expect(c, arena_printf(c->arena, "%s --help", verbs[i]), 0, "Examples:", "");
		assert_non_null(
			strstr(c->out, arena_printf(c->arena, "usage: burin %s", verbs[i])));
	}
	expect(c, "--help", 0, "Exit codes:", "");
	for (int i = 0; i < N_VERBS; i++)
		assert_non_null(strstr(c->out, verbs[i]));
	expect(c, "bench -h", 0, "--profile", "");
	expect(c, "help E2011", 0, "Right:", "");
	expect(c, "help options", 0, "passes.NAME", "");
	expect(c, "help passes", 0, "layout", "");
	expect(c, "--version", 0, "burin 0", "");
}

static void options_are_in_every_form(void **state)
{
	static const char *const option[] = {
#define OPTION(id, name, ...) name,
#include "tools/options.def"
#undef OPTION
	};
	static const char *const form[] = { "--man", "--completion bash", "--completion zsh",
					    "--completion fish" };
	Cli *c = *state;
	for (size_t f = 0; f < sizeof form / sizeof *form; f++) {
		expect(c, arena_printf(c->arena, "help %s", form[f]), 0, NULL, "");
		for (size_t i = 0; i < sizeof option / sizeof *option; i++) {
			const char *spelled = option[i];
			if (f == 0) /* roff: '-' is "\-" */
				spelled = strchr(spelled, '-') ? "man" : spelled;
			if (!strstr(c->out, spelled))
				fail_msg("'%s' does not tell of --%s", form[f], option[i]);
		}
	}
}

static void completion_in_bash(void **state)
{
	Cli *c = *state;
	const char *script = "$B help --completion bash >c.bash && bash -c '. ./c.bash; "
			     "try() { COMP_WORDS=(\"$@\"); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); "
			     "_burin; echo \"${COMPREPLY[@]}\"; }; "
			     "try burin ben; try burin bench --pro; try burin run --fp st'";
	if (shell(c, "command -v bash") != 0)
		skip_because("no bash");
	assert_int_equal(shell(c, script), 0);
	assert_string_equal(c->out, "bench\n--profile --progress\nstrict\n");
}

static void faults_of_a_model(void **state)
{
	Cli *c = *state;
	write_text(c, "bad.xml",
		   "<graph xmlns=\"urn:burin:graph:1\" name=\"bad\">\n"
		   "  <input id=\"x\" shape=\"N,1,8,8\"/>\n"
		   "  <conv2d id=\"c1\" in=\"x\" filters=\"16\" kernl=\"5\"/>\n"
		   "  <relu id=\"r1\" in=\"b2\"/>\n  <output id=\"y\" in=\"r1\"/>\n</graph>\n");
	expect(c, "check bad.xml", 3, "", "bad.xml:3:39: error[E2004]");
	assert_non_null(strstr(c->err, "did you mean 'kernel'?"));
	assert_non_null(strstr(c->err, "^^^^^"));
	assert_non_null(strstr(c->err, "E2011"));
	expect(c, "check " EXAMPLES "/lenet.xml bad.xml", 3, "lenet.xml: ok", "E2004");
	expect(c, "check missing.xml", 5, "", "E1001");
	expect(c, "run " EXAMPLES "/lenet.xml --weights random:seed=1", 3, "", "--bind N=1");
	expect(c, "run " EXAMPLES "/lenet.xml --bind N=1", 3, "", "E4006");
	expect(c, "compile " LENET " -o m.exe", 2, "", "unknown kind of output");
	expect(c, "compile " LENET " -o none/m.o", 5, "", "E1003");
	expect(c, "compile " LENET " -o m.so --linker no-such-linker", 5, "", "E5201");
	expect(c, "compile " LENET " -o m.o --mcpu x86-64-v9", 2, "", "one of native");
}

static void diagnostics_as_json(void **state)
{
	Cli *c = *state;
	const char *code = "", *file = "", *hint = "";
	int64_t line = 0, column = 0;
	write_text(c, "bad.xml",
		   "<graph xmlns=\"urn:burin:graph:1\" name=\"bad\">\n  <input id=\"x\" "
		   "shape=\"4\"/>\n"
		   "  <rellu id=\"y\" in=\"x\"/>\n  <output id=\"o\" in=\"y\"/>\n</graph>\n");
	expect(c, "check bad.xml --diagnostics=json", 3, "", "E2003");
	assert_null(strstr(c->err, "explains"));
	const JsonValue *v = parse(c, c->err);
	assert_true(json_text(json_get(v, "code"), &code) &&
		    json_text(json_get(v, "file"), &file) && json_text(json_get(v, "hint"), &hint));
	assert_true(json_int(json_get(v, "line"), &line) &&
		    json_int(json_get(v, "column"), &column));
	assert_string_equal(code, "E2003");
	assert_string_equal(file, "bad.xml");
	assert_string_equal(hint, "did you mean <relu>?");
	assert_int_equal(line, 3);
	v = document(c, "check bad.xml", 3);
	assert_true(json_text(json_get(json_at(json_get(v, "diagnostics"), 0), "code"), &code));
	assert_string_equal(code, "E2003");
}

static void documents(void **state)
{
	static const char *const command[] = {
		"check " EXAMPLES "/lenet.xml",
		"inspect " EXAMPLES "/lenet.xml",
		"convert " EXAMPLES "/lenet.xml -o copy.xml",
		"compile " LENET " -o m.o",
		"inspect m.o",
		"run " LENET,
		"verify " LENET " --inputs 1",
		"cache ls",
		"cache size",
		"cache verify",
		"cache clear",
		"ops",
		"ops --onnx",
		"ops conv2d",
		"schema",
		"help",
		"version",
	};
	Cli *c = *state;
	for (size_t i = 0; i < sizeof command / sizeof *command; i++)
		document(c, command[i], 0);
	const JsonValue *v = document(c, "check " EXAMPLES "/lenet.xml", 0);
	const JsonValue *file = json_at(json_get(v, "files"), 0);
	int64_t parameters = 0;
	assert_true(json_int(json_get(file, "parameters"), &parameters));
	assert_int_equal(parameters, 61706);
	expect(c, "ops softmax", 0, "gradient own", "");
	expect(c, "ops linear", 0, "gradient expansion", "");
	expect(c, "ops floor", 0, "gradient zero", "");
	expect(c, "ops argmax", 0, "gradient none", "");
	expect(c, "version --json=v.json", 0, "burin 0", "");
	parse(c, read_file(c, "v.json"));
	expect(c, "version --json=no/v.json", 5, NULL, "E1003");
}

static void colour(void **state)
{
	Cli *c = *state;
	expect(c, "check missing.xml --color always", 5, "", "\033[");
	expect(c, "check missing.xml", 5, "", "E1001");
	assert_null(strstr(c->err, "\033["));
	assert_int_equal(shell(c, "CLICOLOR_FORCE=1 $B check missing.xml"), 5);
	assert_non_null(strstr(c->err, "\033["));
	assert_int_equal(shell(c, "NO_COLOR=1 CLICOLOR_FORCE=1 $B check missing.xml"), 5);
	assert_null(strstr(c->err, "\033["));
}

static void lost_output(void **state)
{
	Cli *c = *state;
	if (access("/dev/full", W_OK) != 0)
		skip_because("no /dev/full");
	assert_int_equal(shell(c, "$B help >/dev/full"), 5);
}

/* Whenever the interrupt comes: 130 or done, and nothing half-written. */
static void interrupts(void **state)
{
	Cli *c = *state;
	int stopped = 0;
	if (shell(c, "command -v timeout") != 0)
		skip_because("no timeout");
	for (int ms = 20; ms < 2000; ms += ms < 200 ? 40 : 300) {
		int status = shell(
			c, arena_printf(c->arena,
					"mkdir i%d && timeout --preserve-status -s INT 0.%03d $B "
					"compile " EXAMPLES "/resnet18.xml --batch 1 --weights "
					"random:seed=1 --set weights=beside --cache off -j 1 -o "
					"i%d/m.so; s=$?; ls -A i%d; "
					"exit $s",
					ms, ms < 1000 ? ms : 999, ms, ms));
		if (status != 130 && status != 0)
			fail_msg("status %d after %d ms: %s", status, ms, c->err);
		stopped += status == 130;
		if (status == 130 && *c->out && strcmp(c->out, "m.h\nm.so\nm.weights\n") != 0)
			fail_msg("after an interrupt at %d ms: %s", ms, c->out);
		if (status == 0)
			break;
	}
	assert_true(stopped > 0);
}

/* What stands there stays as it is, all of it, whenever the end comes; and what a killed process
 * leaves goes with the next one. */
#define SET_OF(seed) \
	"compile " EXAMPLES "/resnet18.xml --batch 1 --mcpu native --weights random:seed=" seed \
	" --set weights=beside --cache off -q -o s/m.so"
static void sets_of_files(void **state)
{
	Cli *c = *state;
	if (shell(c, "command -v timeout") != 0)
		skip();
	assert_int_equal(shell(c, "mkdir s"), 0);
	expect(c, SET_OF("1"), 0, NULL, "");
	assert_int_equal(shell(c, "sha256sum s/* >sums"), 0);
	for (int ms = 100; ms < 1500; ms += 170) {
		const char *name = ms % 4 ? "TERM" : "KILL";
		int status = shell(c, arena_printf(c->arena,
						   "timeout --preserve-status -s %s %d.%03d $B %s",
						   name, ms / 1000, ms % 1000, SET_OF("2")));
		if (status == 0)
			break;
		if (shell(c, "sha256sum -c sums") == 0)
			continue;
		if (strcmp(name, "TERM") == 0)
			fail_msg("SIG%s after %d ms: %s", name, ms, c->out);
		/* nothing holds off a SIGKILL between two renames: then each file is whole */
		expect(c, "inspect s/m.weights", 0, "checksum: right", "");
		expect(c, "inspect s/m.so", 0, NULL, "");
		break;
	}
	expect(c, SET_OF("2"), 0, NULL, "");
	assert_int_equal(shell(c, "ls -A s"), 0);
	assert_string_equal(c->out, "m.h\nm.so\nm.weights\n");
	expect(c, "inspect s/m.weights", 0, "checksum: right", "");
	assert_int_equal(shell(c, "printf x | dd of=s/m.weights bs=1 seek=1000000 conv=notrunc "
				  "status=none"),
			 0);
	expect(c, "inspect s/m.weights", 3, "", "E4001");
	expect(c, "run s/m.so", 3, "", "the weights in 's/m.weights' are damaged");
}

/* A disk that fills is called so, whoever meets it; nothing is left, what was there stays. */
static void full_disk(void **state)
{
	Cli *c = *state;
	if (shell(c, "unshare -rm true")) {
		print_message("unshare: %s, not tried\n", c->err);
		return;
	}
	assert_int_equal(shell(c, "mkdir d"), 0);
	for (int kb = 12; kb < 1200; kb += kb / 3) {
		int rc = shell(
			c,
			arena_printf(c->arena,
				     "unshare -rm sh -c 'mount -t tmpfs -o size=%dk tmpfs d && "
				     "cd d && echo old >m.h && $B compile " LENET
				     " --set weights=beside --cache off -q -o m.so; rc=$?; ls -A; "
				     "cat m.h; exit $rc'",
				     kb));
		if (rc == 0) {
			assert_true(kb > 12);
			return;
		}
		if (rc != 5 || !strstr(c->err, "E1003") ||
		    !strstr(c->err, "no space left on device") || strstr(c->err, "LLVM") ||
		    strcmp(c->out, "m.h\nold\n") != 0)
			fail_msg("%d KiB: status %d, %s%s", kb, rc, c->out, c->err);
	}
	fail_msg("no disk was large enough: %s", c->err);
}

static void other_verbs(void **state)
{
	Cli *c = *state;
	expect(c, "ops conv2d", 0, "filters", "");
	expect(c, "ops --markdown", 0, "| `conv2d` |", "");
	expect(c, "ops --onnx --markdown", 0, "| Conv |", "");
	expect(c, "cache size", 0, "entries", "");
	expect(c, "doctor", 0, "LLVM", NULL);
	const JsonValue *v = document(c, "doctor", 0);
	assert_non_null(json_get(v, "cpu"));
	assert_non_null(json_get(v, "linker"));
	assert_non_null(json_get(json_get(v, "env"), "cpus"));
	assert_int_equal(shell(c, "BURIN_CACHE_DIR=relative $B cache size"), 0);
	assert_non_null(strstr(c->out, "not used"));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(usage_errors),
		TEST(options_without_effect),
		TEST(lists_are_not_cut),
		TEST(values_of_options),
		TEST(missing_files),
		TEST(documents_of_usage_errors),
		TEST(options_stand_anywhere),
		TEST(examples_are_checked),
		TEST(every_verb_explains_itself),
		TEST(options_are_in_every_form),
		TEST(completion_in_bash),
		TEST(faults_of_a_model),
		TEST(diagnostics_as_json),
		TEST(documents),
		TEST(colour),
		TEST(lost_output),
		TEST(interrupts),
		TEST(sets_of_files),
		TEST(full_disk),
		TEST(other_verbs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
