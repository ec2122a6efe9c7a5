/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The parts of burin train: data (cli_train_data.c, cli_train_csv.c), which rows are for what
 * (cli_train_split.c), what is told on the way (cli_train_log.c, cli_train_plot.c), the folder that
 * a stopped training goes on from (cli_train_folder.c), what stands before the first step
 * (cli_train_setup.c), the loop and the verb (cli_train.c). */
#ifndef TOOLS_CLI_TRAIN_H
#define TOOLS_CLI_TRAIN_H
#include "codegen/targets.h"
#include "frontend/frontend.h"
#include "tools/cli.h"

/* --- data ------------------------------------------------------------------------------------- */

/* All rows of one input of a step. */
typedef struct DataColumn {
	const char *name; /* of the input */
	const Type *row;
	int axis;     /* where the batch stands in the input's shape */
	size_t bytes; /* of a row */
	char *data;
	bool label; /* beyond the model's inputs, one whole number a row */
	TargetRange range;
} DataColumn;

typedef struct Dataset {
	const char *path;
	int64_t n; /* rows */
	int n_col;
	DataColumn *col;
	const DataColumn *label;      /* the only one of its kind, or NULL */
	VEC(const char *) class_name; /* texts of a table that became numbers 0, 1 ... */
	uint64_t hash;                /* of names, types and contents */
} Dataset;

/* The columns that are wanted: name, row, label, classes are set. An exit code. */
int dataset_read(Cli *c, const char *path, Dataset *d);
/* What is in the data and strange about it, printed; --check-data. */
int dataset_report(Cli *c, const Dataset *d);
/* One value into row `row`, element i; false when the type cannot hold it. */
bool column_store(DataColumn *col, int64_t row, int64_t i, double v);

/* cli_train_csv.c: columns separated by ',' ';' or tabs. */
int dataset_read_table(Cli *c, const char *text, size_t n, Dataset *d);

/* --- rows ------------------------------------------------------------------------------------- */

typedef struct Rows {
	int64_t n;
	int64_t *at;
} Rows;
enum { PART_TRAIN, PART_VALIDATE, PART_TEST, PARTS };
typedef struct DataSplit {
	double share[PARTS]; /* of the rows, sum 1 */
	Rows part[PARTS];
} DataSplit;
/* "60/20/20", "80/20" */
bool split_parse(const char *text, DataSplit *s);
/* Each class is shared out alike, as far as whole rows go. Depends on the seed alone. */
void split_rows(Arena *a, const Dataset *d, uint64_t seed, DataSplit *s);
/* The order of an epoch: a function of seed and epoch. out has room for all rows. */
void shuffle_rows(Arena *scratch, const Rows *rows, uint64_t seed, int64_t epoch, int64_t *out);

/* --- the training ----------------------------------------------------------------------------- */

enum { MAX_METRICS = 32, MAX_EPOCHS = 1000000000, MAX_BATCH = 1 << 24 };

/* Means over many batches. Each batch's metrics are means over its rows; those of the loss over its
 * targets that count, when it is a cross_entropy that passes over some. */
typedef struct Means {
	double sum[MAX_METRICS], rows, counted;
} Means;

/* Where the training stands; what a checkpoint's note holds. */
typedef struct Position {
	int64_t epoch, batch;       /* being worked on; batches done of it */
	int64_t step;               /* of all epochs */
	Means means;                /* of the epoch so far */
	double best;                /* validation loss */
	int64_t best_epoch, waited; /* 1: the first, 0: none yet; epochs since */
} Position;

typedef struct EpochRow {
	int64_t epoch, step;
	double rate, train[MAX_METRICS], validate[MAX_METRICS], seconds;
} EpochRow;

/* What a training is told once and keeps when it goes on: train.json. */
typedef struct Settings {
	const char *data, *split;
	int64_t seed, batch, epochs;
	double lr;
} Settings;

typedef struct Train {
	Cli *c;
	const char *model_path;
	burin_graph *graph;
	const Graph *lesson; /* built for training, macros kept */
	burin_trainer *trainer;
	Attr_training how; /* as the model says */
	Settings set;
	bool resume;
	int64_t steps_per_epoch, checkpoint_every;
	Dataset data;
	DataSplit split;
	int n_metrics;
	const char *metric[MAX_METRICS]; /* the first is the loss */
	const char *folder;
	Position at;
	VEC(EpochRow) history;
	/* of this run */
	int64_t started, done_rows, first_step;
	double spent_before; /* seconds of the runs before */
	Diag *diag;          /* knows the model's text */
	char *kept;          /* the state before batch kept_batch of this epoch */
	int64_t kept_epoch, kept_batch;
	bool stopped_early, stops; /* stops: after this step, a signal asks for it */
} Train;

/* --- cli_train.c --- */
/* Memory for one batch of each input. */
typedef struct Batch {
	int n;
	burin_tensor *in;
	char **data;
} Batch;
void batch_create(const Train *t, int64_t rows, Batch *b);
void batch_fill(const Train *t, Batch *b, const int64_t *row, int64_t n);
double train_rate(const Train *t, int64_t step);
/* Batch number `batch` of the epoch, at the rate of step number `step`. */
burin_status train_batch(Train *t, Batch *b, const int64_t *order, int64_t batch, int64_t step,
			 double *metrics, burin_error *e);
/* What a call of the trainer reports: compiling may have said more. An exit code. */
int train_failed(Train *t, const burin_error *e);
/* --- cli_train_setup.c --- */
int train_set_up(Train *t); /* options, model, trainer, data */
int train_share_rows(Train *t);
int train_write_classes(Train *t); /* texts that became numbers, if there are any */
/* --- cli_train_nan.c --- */
void blame_begin(Train *t);
/* Called before each batch: keeps the state now and then, to go back to. */
void blame_keep(Train *t);
bool blame_finite(const Train *t); /* all of the state */
/* The loss of the batch that was just done, or the state after it, is not finite: says where that
 * began. */
int blame_step(Train *t, Batch *b, const int64_t *order, double loss);
int blame_validation(Train *t, const Batch *b, double loss);
/* --- cli_train_log.c --- */
void add_metric(Str *s, double v);                           /* as text for people */
void log_step(Train *t, const double *metrics, double rate); /* the line of a terminal */
void log_epoch(Train *t, const EpochRow *row);
bool log_write_history(Train *t); /* metrics.csv; false after a report */
bool log_read_history(Train *t, int64_t epochs);
/* --- cli_train_plot.c --- */
void plot_history(const Train *t, Str *svg);
/* --- cli_train_folder.c --- */
const char *train_file(const Train *t, const char *name);
/* With --resume: what the training was told at first goes before the model and after the options.
 */
int train_settings(Train *t);
bool train_goes_on(const Train *t); /* --resume, and there is a checkpoint */
int train_begin(Train *t);          /* made, or taken up again where its checkpoint is */
int train_checkpoint(Train *t);
int train_keep_best(Train *t);
int train_restore_best(Train *t);
#endif
