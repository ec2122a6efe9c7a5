/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* verify --against onnxruntime: inputs and outputs travel as .npy files in a folder of our own, and
 * a small program in Python runs the model in between. */
#include "tools/cli_verify.h"
#include "base/io.h"
#include "codegen/process.h"
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* Arguments: model, folder, then for each input its name, or name=value for one that is bound. For
 * a program that is an argument Python looks for modules in the current folder first, where anybody
 * may have put them. */
static const char program[] =
	"import sys\n"
	"sys.path = [folder for folder in sys.path if folder]\n"
	"import re\n"
	"try:\n"
	"    import numpy as np, onnxruntime as ort\n"
	"except ImportError as e:\n"
	"    sys.exit(f'{e}')\n"
	"model, folder, names = sys.argv[1], sys.argv[2], sys.argv[3:]\n"
	"plain = lambda s: re.sub(r'[^A-Za-z0-9]', '_', s)\n"
	"options = ort.SessionOptions()\n"
	"options.log_severity_level = 3\n"
	"session = ort.InferenceSession(model, options, providers=['CPUExecutionProvider'])\n"
	"kinds = {'tensor(int64)': np.int64, 'tensor(int32)': np.int32, 'tensor(bool)': np.bool_,\n"
	"         'tensor(double)': np.float64}\n"
	"files = {plain(n): f'{folder}/in{i}.npy' for i, n in enumerate(names) if '=' not in n}\n"
	"bound = {plain(n.split('=')[0]): float(n.split('=')[1]) for n in names if '=' in n}\n"
	"feed = {}\n"
	"for i in session.get_inputs():\n"
	"    key = plain(i.name)\n"
	"    if key in files:\n"
	"        feed[i.name] = np.load(files[key])\n"
	"    elif key in bound:\n"
	"        feed[i.name] = np.array(bound[key], kinds.get(i.type, np.float32))\n"
	"    else:\n"
	"        sys.exit(f'no value for the input {i.name}')\n"
	"for i, y in enumerate(session.run(None, feed)):\n"
	"    np.save(f'{folder}/out{i}.npy', np.asarray(y))\n";

typedef struct Exchange {
	Cli *c;
	Verify *v;
	char folder[64];
} Exchange;

static const char *file_of(Exchange *x, const char *kind, int i)
{
	return arena_printf(x->c->arena, "%s/%s%d.npy", x->folder, kind, i);
}

static bool write_inputs(Exchange *x)
{
	const Model *m = &x->v->m;
	for (int i = 0; i < m->n_in; i++)
		if (!npy_write(x->c->ctx, file_of(x, "in", i), m->in[i].type, m->in[i].data))
			return false;
	return true;
}

static void remove_files(Exchange *x)
{
	for (int i = 0; i < x->v->m.n_in; i++)
		unlink(file_of(x, "in", i));
	for (int i = 0; i < x->v->m.n_out; i++)
		unlink(file_of(x, "out", i));
	rmdir(x->folder);
}

static char **arguments(Exchange *x, const char *python)
{
	VEC(const char *) arg = { 0 };
	Cli *c = x->c;
	const char *head[] = { python, "-c", program, x->v->m.path, x->folder };
	for (size_t i = 0; i < sizeof head / sizeof *head; i++)
		vec_push(c->arena, &arg, head[i]);
	for (int i = 0; i < x->v->m.n_in; i++)
		vec_push(c->arena, &arg, x->v->m.in[i].name);
	for (int i = 0; i < opts_count(c->opts); i++) {
		const char *key, *value;
		opts_at(c->opts, i, &key, &value);
		if (str_starts(key, "bind."))
			vec_push(c->arena, &arg, arena_printf(c->arena, "%s=%s", key + 5, value));
	}
	vec_push(c->arena, &arg, NULL);
	return (char **)(void *)arg.at;
}

static int run_python(Exchange *x)
{
	const char *python = getenv("BURIN_PYTHON");
	pid_t child;
	int status;
	const char *name = python && *python ? python : "python3";
	python = strchr(name, '/') ? name : process_find(x->c->arena, name);
	if (!python)
		return cli_error(x->c, E5214, NULL, "there is no '%s' in PATH", name);
	progress_show(x->c, "running ONNX Runtime", 0, 1, "");
	int failed = posix_spawn(&child, python, NULL, NULL, arguments(x, python), environ);
	if (failed)
		return cli_error(x->c, E5214, NULL, "cannot run '%s': %s", python,
				 strerror(failed));
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	progress_wipe(x->c);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return EXIT_YES;
	return cli_error(x->c, E5214, "set BURIN_PYTHON to a Python that has onnxruntime and numpy",
			 "'%s' could not run the model with ONNX Runtime", python);
}

static int read_outputs(Exchange *x, Arena *a, EvalTensor *out)
{
	const Model *m = &x->v->m;
	for (int i = 0; i < m->n_out; i++) {
		const Blob *b = npy_read(x->c->ctx, a, file_of(x, "out", i));
		if (!b)
			return cli_diagnostics(x->c, x->c->ctx->diag);
		if (b->type != m->out[i].type)
			return cli_error(x->c, E6001, NULL,
					 "ONNX Runtime gives '%s' another shape or type",
					 m->out[i].name);
		out[i] = eval_from_data(a, b->type, b->data);
	}
	return EXIT_YES;
}

int onnxruntime_outputs(Verify *v, Arena *a, EvalTensor *out)
{
	Exchange x = { .c = v->c, .v = v };
	const char *place = getenv("TMPDIR");
	if (!str_ends(v->m.path, ".onnx"))
		return cli_usage(v->c, NULL, "--against onnxruntime needs an .onnx file");
	if (opts_get(v->c->opts, "model-weights"))
		return cli_usage(v->c, NULL,
				 "--weights does not reach ONNX Runtime, which reads its own");
	snprintf(x.folder, sizeof x.folder, "%.40s/burin-XXXXXX",
		 place && strlen(place) < 40 ? place : "/tmp");
	cli_hold_interrupts();
	if (!mkdtemp(x.folder))
		return cli_error(v->c, E1003, NULL, "cannot make a folder in '%s': %s", x.folder,
				 strerror(errno));
	int rc = write_inputs(&x) ? run_python(&x) : cli_diagnostics(v->c, v->c->ctx->diag);
	if (rc == EXIT_YES)
		rc = read_outputs(&x, a, out);
	remove_files(&x);
	return cli_interrupted() ? EXIT_INTERRUPTED : rc;
}
