/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The command `burin`: what its parts share. Verbs are rows of verbs.def, options rows of
 * options.def; parsing, help, manual page and completion are made from these tables alone.
 *
 * A verb prints text for people with cli_print and at the same time writes its JSON document with
 * c->json; which of the two reaches standard output is decided in one place (cli_report.c).
 * Everything else (diagnostics, notes, progress) goes to standard error. */
#ifndef TOOLS_CLI_H
#define TOOLS_CLI_H
#include "base/json.h"
#include "base/opts.h"
#include "base/vec.h"
#include "ir/model.h"

typedef struct Cli Cli;
/* Returns the exit code. */
typedef int VerbFn(Cli *c);

typedef enum VerbId {
#define VERB(name, ...) VERB_##name,
#include "tools/verbs.def"
#undef VERB
	VERB_COUNT
} VerbId;
typedef struct VerbInfo {
	const char *name, *args, *summary, *text;
	VerbFn *run;
	int min_args, max_args; /* max_args -1: any number */
} VerbInfo;
extern const VerbInfo verb_info[VERB_COUNT];

typedef enum OptId {
#define OPTION(id, ...) OPT_##id,
#include "tools/options.def"
#undef OPTION
	OPT_COUNT
} OptId;
typedef struct OptInfo {
	const char *name;
	char letter;     /* 0: none */
	const char *arg; /* "": none; "[F]": may be left out, needs '='; else its name */
	const char *key; /* of burin_opts, or NULL */
	const char *def; /* default, for people; "" none */
	uint64_t verbs;  /* bits of VerbId */
	const char *help;
} OptInfo;
extern const OptInfo opt_info[OPT_COUNT];
#define VERBS_ALL (~(uint64_t)0)

enum {
	EXIT_YES = 0,
	EXIT_NO = 1, /* the answer is no: a mismatch, a regression */
	EXIT_USAGE = 2,
	EXIT_INPUT = 3,
	EXIT_UNSUPPORTED = 4,
	EXIT_ENVIRONMENT = 5,
	EXIT_UNDECIDED = 6, /* the measurement does not tell */
	EXIT_BUG = 70,
	EXIT_INTERRUPTED = 130
};

typedef enum ProgressMode {
	PROGRESS_AUTO,
	PROGRESS_LINE,
	PROGRESS_PLAIN,
	PROGRESS_NONE
} ProgressMode;
typedef struct Progress {
	ProgressMode mode; /* never AUTO once set up */
	const char *stage;
	int64_t started, shown; /* nanoseconds; of the stage, of the last output */
	bool on_line;           /* a line is to be wiped */
} Progress;

typedef VEC(const char *) Texts;

/* An option of the library as the user gave it: by one of the command's, or by --set. */
typedef struct GivenSetting {
	const char *key, *written; /* "bind.N", "--bind N" */
	OptId by;
} GivenSetting;
struct Cli {
	Arena *arena;
	Context *ctx; /* for tensors that belong to no model; its diagnostics are the command's own
		       */
	VerbId verb;
	Texts arg;
	Texts value[OPT_COUNT]; /* "" for an option without argument */
	bool *asked;            /* of each option: whether the verb has looked at it */
	burin_opts *opts;
	VEC(GivenSetting) given;
	uint64_t seed; /* see cli_seed */
	int verbose;
	bool quiet, colour;
	bool any_size;         /* symbolic sizes are 1, or where that does not fit, larger */
	bool diag_json;        /* --diagnostics=json */
	bool json_to_stdout;   /* then text goes nowhere */
	const char *json_file; /* or NULL */
	Str document;
	JsonWriter json; /* inside the document's object */
	Progress progress;
	VEC(DiagEntry) said;
};

/* --- cli_args.c --- */
/* False: a usage error was reported. */
bool cli_parse(Cli *c, int argc, char **argv);
/* What asks for an option acts by it: an option that was given and that nothing asked for has no
 * effect, which is an error (cli_effect.c). */
bool opt_given(const Cli *c, OptId o);
const char *opt_text(const Cli *c, OptId o); /* the last one given, or NULL */
const Texts *opt_all(const Cli *c, OptId o);
uint64_t cli_seed(const Cli *c); /* --seed */
/* Reports and returns false when the text is no such number; *out stays when it was not given. */
bool opt_int(Cli *c, OptId o, int64_t least, int64_t most, int64_t *out);
bool opt_real(Cli *c, OptId o, double *out); /* not negative; "3%" is 0.03 */
bool verb_find(const char *name, VerbId *out);
const char *verb_nearest(const char *name);
bool opt_takes_file(OptId o);

/* --- cli_effect.c --- */
/* EXIT_USAGE after a report that an option was given which nothing has asked for; file: what is
 * worked on. A verb calls it when it has read its options and has not written or measured anything
 * yet; for those that do not it is called at the end. */
int options_had_effect(Cli *c, const char *file);

/* --- cli_report.c --- */
void cli_print(Cli *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void cli_note(Cli *c, const char *fmt, ...)
	__attribute__((format(printf, 2, 3))); /* unless quiet */
void cli_verbose(Cli *c, const char *fmt, ...) __attribute__((format(printf, 2, 3))); /* with -v */
/* A diagnostic of the command itself, printed at once; returns the exit code for its class, for
 * usage EXIT_USAGE. hint NULL: none. */
int cli_error(Cli *c, DiagCode code, const char *hint, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* An option of the library. Without it another model would be read, so the command ends where it cannot
 * be set. */
void cli_option(Cli *c, const char *key, const char *value);
int cli_usage(Cli *c, const char *hint, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
int cli_runtime_error(Cli *c, const burin_error *e);
/* Prints what stands in d and keeps it for the document; the exit code for its errors. */
int cli_diagnostics(Cli *c, Diag *d);
/* An exit code, after a report when the file cannot be opened. */
int cli_can_open(Cli *c, const char *path);
void cli_warning(Cli *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void json_key_text(Cli *c, const char *key, const char *value);
void json_key_int(Cli *c, const char *key, int64_t value);
void json_key_real(Cli *c, const char *key, double value);
void json_key_bool(Cli *c, const char *key, bool value);
void json_key_array(Cli *c, const char *key);
void json_key_object(Cli *c, const char *key);
/* Before parsing, whose errors are told so too: where the document goes, the form of diagnostics. */
void cli_look_ahead(Cli *c, int argc, char **argv);
void cli_begin(Cli *c, const char *verb); /* colour, progress, the document's head */
int cli_finish(Cli *c, int exit_code);    /* the document's end; the exit code */

/* --- cli_progress.c --- */
void progress_begin(Cli *c);
void progress_show(Cli *c, const char *stage, int64_t done, int64_t total, const char *unit);
/* Has it been long enough since the last line? The caller shows one then. */
bool progress_is_due(Cli *c);
void progress_line(Cli *c, const char *line); /* on a terminal in place of the last */
void progress_wipe(Cli *c);

/* --- cli_signal.c --- */
void cli_signals(void);
/* From here on files are written: an interrupt only sets the flag. */
void cli_hold_interrupts(void);
bool cli_interrupted(void);
const volatile int *cli_stop_flag(void);

/* --- cli_format.c --- */
int64_t now_ns(void);
const char *text_time(Arena *a, double seconds); /* "7.9 s", "14.06 ms", "41.2 µs" */
const char *text_bytes(Arena *a, int64_t bytes); /* "9.19 MiB" */
const char *text_count(Arena *a, double n);      /* "25.6 M" */
const char *text_flop(Arena *a, double n);       /* "25.6 MFLOP" */
const char *text_shape(Arena *a, int rank, const int64_t *dim); /* "1x3x224x224" */

/* --- cli_elf.c --- */
const char *needed_libraries(Arena *a, const char *path); /* "libc.so.6 libm.so.6" */

/* One function per verb. */
#define VERB(name, ...) VerbFn verb_##name;
#include "tools/verbs.def"
#undef VERB
#endif
