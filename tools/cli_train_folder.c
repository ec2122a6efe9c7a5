/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The folder of a training:
 *
 *   train.json              what it was told: data, split, seed, batch, epochs, rate
 *   checkpoint.safetensors  the whole state; its note says where the training stands
 *   best.safetensors        the state after the epoch with the best validation loss
 *   metrics.csv, loss.svg   the curves
 *   weights.safetensors     at the end: the parameters of the best epoch
 *
 * Every file is replaced as a whole. The curves are written before the checkpoint that counts them,
 * so they may be ahead of it: then the rows beyond are dropped and come again. */
#include "tools/cli_train.h"
#include "base/io.h"
#include "base/json.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

const char *train_file(const Train *t, const char *name)
{
	return path_join(t->c->arena, t->folder, name);
}

/* --- settings --------------------------------------------------------------------------------- */

static int differs(Train *t, const char *option, const char *was)
{
	return cli_error(t->c, E6405, "leave the option out, or begin anew with another --out",
			 "the training in '%s' was begun with --%s %s", t->folder, option, was);
}

static bool text_setting(const JsonValue *v, const char *key, const char **out)
{
	return json_text(json_get(v, key), out);
}

static int take_settings(Train *t, const JsonValue *v)
{
	Settings was = { 0 }, *now = &t->set;
	Cli *c = t->c;
	if (!text_setting(v, "data", &was.data) || !text_setting(v, "split", &was.split) ||
	    !json_int(json_get(v, "seed"), &was.seed) ||
	    !json_int(json_get(v, "batch"), &was.batch) ||
	    !json_int(json_get(v, "epochs"), &was.epochs) ||
	    !json_real(json_get(v, "lr"), &was.lr) || was.batch < 1 || was.batch > MAX_BATCH ||
	    was.epochs < 1 || was.epochs > MAX_EPOCHS || !(was.lr >= 0))
		return cli_error(c, E6405, NULL, "'%s' is damaged", train_file(t, "train.json"));
	if (opt_given(c, OPT_seed) && now->seed != was.seed)
		return differs(t, "seed", arena_printf(c->arena, "%lld", (long long)was.seed));
	if (opt_given(c, OPT_batch) && now->batch != was.batch)
		return differs(t, "batch", arena_printf(c->arena, "%lld", (long long)was.batch));
	if (opt_given(c, OPT_split) && !str_eq(now->split, was.split))
		return differs(t, "split", was.split);
	now->seed = was.seed;
	now->batch = was.batch;
	now->split = was.split;
	now->data = opt_given(c, OPT_data) ? now->data : was.data;
	now->epochs = opt_given(c, OPT_epochs) ? now->epochs : was.epochs;
	now->lr = opt_given(c, OPT_lr) ? now->lr : was.lr;
	return EXIT_YES;
}

int train_settings(Train *t)
{
	IoText text;
	IoError e;
	JsonError je;
	const char *path = train_file(t, "train.json");
	if (!t->resume)
		return EXIT_YES;
	if (!io_read(path, t->c->arena, 1 << 20, &text, &e))
		return cli_error(t->c, E6405, "--out names the folder; leave --resume out to begin",
				 "'%s' holds no training", t->folder);
	const JsonValue *v = json_parse(t->c->arena, text.at, text.n, &je);
	return take_settings(t, v);
}

static int write_settings(Train *t)
{
	IoError e;
	Str s;
	JsonWriter w;
	const Settings *set = &t->set;
	const char *path = train_file(t, "train.json");
	str_init(&s, t->c->arena);
	json_write(&w, &s, true);
	json_put_object(&w);
	json_put_key(&w, "model");
	json_put_text(&w, t->model_path);
	json_put_key(&w, "data");
	json_put_text(&w, set->data);
	json_put_key(&w, "split");
	json_put_text(&w, set->split);
	json_put_key(&w, "seed");
	json_put_int(&w, set->seed);
	json_put_key(&w, "batch");
	json_put_int(&w, set->batch);
	json_put_key(&w, "epochs");
	json_put_int(&w, set->epochs);
	json_put_key(&w, "lr");
	json_put_real(&w, set->lr);
	json_end(&w);
	str_char(&s, '\n');
	if (io_write_file(path, str_text(&s), s.n, &e))
		return EXIT_YES;
	return cli_error(t->c, e.code, NULL, "cannot write '%s': %s", path, e.text);
}

/* --- notes ------------------------------------------------------------------------------------ */

static void put_int(JsonWriter *w, const char *key, int64_t v)
{
	json_put_key(w, key);
	json_put_int(w, v);
}

/* Numbers are written so that they read back to the same bits; what is not finite becomes null. */
static const char *note_text(Train *t)
{
	const Position *p = &t->at;
	Str s;
	JsonWriter w;
	str_init(&s, t->c->arena);
	json_write(&w, &s, false);
	json_put_object(&w);
	put_int(&w, "data_hash", (int64_t)t->data.hash);
	put_int(&w, "epoch", p->epoch);
	put_int(&w, "batch", p->batch);
	put_int(&w, "step", p->step);
	json_put_key(&w, "sum");
	json_put_array(&w);
	for (int i = 0; i < t->n_metrics; i++)
		json_put_real(&w, p->means.sum[i]);
	json_end(&w);
	json_put_key(&w, "rows");
	json_put_real(&w, p->means.rows);
	json_put_key(&w, "counted");
	json_put_real(&w, p->means.counted);
	json_put_key(&w, "best");
	json_put_real(&w, p->best);
	put_int(&w, "best_epoch", p->best_epoch);
	put_int(&w, "waited", p->waited);
	json_end(&w);
	return str_text(&s);
}

static bool read_note(const Train *t, const JsonValue *v, Position *p)
{
	const JsonValue *sum = json_get(v, "sum");
	*p = (Position){ .best = INFINITY };
	if (!json_int(json_get(v, "epoch"), &p->epoch) ||
	    !json_int(json_get(v, "batch"), &p->batch) ||
	    !json_int(json_get(v, "step"), &p->step) || !sum || sum->kind != JSON_ARRAY ||
	    sum->n != t->n_metrics || !json_real(json_get(v, "rows"), &p->means.rows) ||
	    !json_real(json_get(v, "counted"), &p->means.counted) ||
	    !json_int(json_get(v, "best_epoch"), &p->best_epoch) ||
	    !json_int(json_get(v, "waited"), &p->waited))
		return false;
	for (int i = 0; i < t->n_metrics; i++)
		if (!json_real(json_at(sum, i), &p->means.sum[i]))
			p->means.sum[i] = NAN; /* JSON has no way to write it */
	json_real(json_get(v, "best"), &p->best);
	return p->epoch >= 0 && p->epoch <= MAX_EPOCHS && p->batch >= 0 &&
	       p->batch <= t->steps_per_epoch &&
	       p->step == p->epoch * t->steps_per_epoch + p->batch && p->best_epoch >= 0 &&
	       p->best_epoch <= p->epoch && p->waited >= 0;
}

/* --- states ----------------------------------------------------------------------------------- */

static int save(Train *t, const char *name)
{
	burin_error e = { .size = sizeof e };
	ArenaMark m = arena_mark(t->c->arena);
	burin_status s = burin_checkpoint_save(t->trainer, train_file(t, name), note_text(t), &e);
	arena_release(t->c->arena, m);
	return s == BURIN_OK ? EXIT_YES : cli_runtime_error(t->c, &e);
}

/* When the line appears the checkpoint is on the disk, and so is its name. */
int train_checkpoint(Train *t)
{
	int rc = save(t, "checkpoint.safetensors");
	if (rc == EXIT_YES)
		cli_verbose(t->c, "checkpoint %lld", (long long)t->at.step);
	return rc;
}

int train_keep_best(Train *t)
{
	return save(t, "best.safetensors");
}

static int load(Train *t, const char *name, Position *p)
{
	burin_error e = { .size = sizeof e };
	JsonError je;
	const char *note = NULL, *path = train_file(t, name);
	int64_t hash = 0;
	if (burin_checkpoint_load(t->trainer, path, &note, &e) != BURIN_OK)
		return cli_runtime_error(t->c, &e);
	const JsonValue *v =
		note ? json_parse(t->c->arena, arena_strdup(t->c->arena, note), strlen(note), &je)
		     : NULL;
	if (!v || !json_int(json_get(v, "data_hash"), &hash) || !read_note(t, v, p))
		return cli_error(t->c, E6405, NULL, "the note of '%s' does not fit this training",
				 path);
	if ((uint64_t)hash != t->data.hash)
		return cli_error(t->c, E6405, "give the same --data and --columns",
				 "'%s' belongs to other data", path);
	return EXIT_YES;
}

int train_restore_best(Train *t)
{
	Position best;
	int rc = load(t, "best.safetensors", &best);
	if (rc == EXIT_YES && (best.epoch < 1 || best.epoch != t->at.best_epoch))
		rc = cli_error(t->c, E6405, NULL, "'%s' is of epoch %lld, not of the best, %lld",
			       train_file(t, "best.safetensors"), (long long)best.epoch,
			       (long long)t->at.best_epoch);
	return rc;
}

/* --- beginning -------------------------------------------------------------------------------- */

static bool exists(const char *path)
{
	struct stat s;
	return stat(path, &s) == 0;
}

/* What a training that was killed while it wrote has left. */
static void sweep(const Train *t)
{
	DIR *d = opendir(t->folder);
	for (struct dirent *e; d && (e = readdir(d)) != NULL;)
		if (e->d_name[0] == '.' && str_ends(e->d_name, ".tmp"))
			unlink(train_file(t, e->d_name));
	if (d)
		closedir(d);
}

/* One training at a time works in a folder: the lock ends with the process. */
static int enter_folder(Train *t)
{
	if (mkdir(t->folder, 0777) != 0 && errno != EEXIST)
		return cli_error(t->c, E1003, NULL, "cannot make the folder '%s': %s", t->folder,
				 strerror(errno));
	int fd = open(t->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return cli_error(t->c, E1003, NULL, "cannot open the folder '%s': %s", t->folder,
				 strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
		return cli_error(t->c, E6406, "wait for its end, or name another folder by --out",
				 "another training works in '%s'", t->folder);
	sweep(t);
	return EXIT_YES;
}

/* A training that was killed between writing its best state and its checkpoint has a best state of
 * an epoch that the checkpoint does not know. The epoch comes again; if it comes otherwise, by
 * another rate, there is no best state before it any more. */
static int take_up(Train *t)
{
	Position best;
	int rc = load(t, "checkpoint.safetensors", &t->at);
	if (rc || !t->at.best_epoch)
		return rc;
	rc = load(t, "best.safetensors", &best);
	rc = rc ? rc : load(t, "checkpoint.safetensors", &t->at);
	if (rc == EXIT_YES && best.epoch > t->at.epoch)
		t->at.best_epoch = 0;
	return rc;
}

bool train_goes_on(const Train *t)
{
	return t->resume && exists(train_file(t, "checkpoint.safetensors"));
}

int train_begin(Train *t)
{
	const char *checkpoint = train_file(t, "checkpoint.safetensors");
	int rc = enter_folder(t);
	t->at = (Position){ .best = INFINITY };
	if (rc)
		return rc;
	if (train_goes_on(t)) {
		rc = take_up(t);
		return rc || log_read_history(t, t->at.epoch) ? rc : EXIT_INPUT;
	}
	if (exists(checkpoint))
		return cli_error(t->c, E6406, "--resume goes on; --out names another folder",
				 "'%s' holds a training already", t->folder);
	return write_settings(t);
}
