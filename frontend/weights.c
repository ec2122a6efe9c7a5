/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Sets of named tensors. A weight file is mapped read-only and its tensors are looked at where they
 * lie; whatever is parsed (headers) is copied first, so that a file that changes meanwhile cannot
 * contradict itself. A file that the model names is opened beneath the model's folder; a path of
 * the user is taken as it is. */
#include "frontend/weights.h"

WeightSet *weights_create(Context *c, Arena *arena, const char *file)
{
	WeightSet *w = ARENA_NEW(arena, WeightSet);
	w->c = c;
	w->arena = arena;
	w->file = sym(c, file);
	w->index = map_create(arena);
	return w;
}

bool weights_add(WeightSet *w, const char *name, const Blob *blob)
{
	if (map_get_str(w->index, name))
		return false;
	name = sym(w->c, name);
	map_put_str(w->index, name, (void *)(uintptr_t)blob);
	vec_push(w->arena, &w->name, name);
	vec_push(w->arena, &w->blob, blob);
	return true;
}

const Blob *weights_find(const WeightSet *w, const char *name)
{
	return map_get_str(w->index, name);
}

int weights_count(const WeightSet *w)
{
	return w->name.n;
}

const Blob *weights_at(const WeightSet *w, int i, const char **name)
{
	*name = w->name.at[i];
	return w->blob.at[i];
}

const Blob *weights_raw(const WeightSet *w)
{
	return w->raw;
}

const char *weights_file(const WeightSet *w)
{
	return w->file;
}

void weights_keep(WeightSet *w, IoMap *map)
{
	vec_push(w->arena, &w->kept, map);
}

void weights_inherit(WeightSet *w, WeightSet *from)
{
	if (from->map)
		weights_keep(w, from->map);
	from->map = NULL;
	while (from->kept.n > 0)
		weights_keep(w, from->kept.at[--from->kept.n]);
}

void weights_rest(const WeightSet *w)
{
	if (w && w->map)
		io_map_rest(w->map);
	for (int i = 0; w && i < w->kept.n; i++)
		io_map_rest(w->kept.at[i]);
}

void weights_close(WeightSet *w)
{
	if (!w)
		return;
	io_unmap(w->map);
	w->map = NULL;
	for (int i = 0; i < w->kept.n; i++)
		io_unmap(w->kept.at[i]);
	w->kept.n = 0;
}

/* --- for the readers ------------------------------------------------------------------------- */

static bool are_truth_values(const unsigned char *p, int64_t n)
{
	for (int64_t i = 0; i < n; i++)
		if (p[i] > 1)
			return false;
	return true;
}

const Blob *weights_blob(Context *c, Arena *arena, const Type *t, const void *data,
			 const char *name)
{
	if (t->dtype == DT_bool && !are_truth_values(data, t->count))
		return NULL;
	if ((uintptr_t)data % (size_t)dtype_info[t->dtype].bytes != 0)
		data = arena_copy(arena, data, (size_t)type_bytes(t));
	return blob_wrap(c, t, data, name);
}

const Type *weights_type(Context *c, const char *file, const char *name, DType t, int rank,
			 const int64_t *dim)
{
	const Type *type = rank <= MAX_RANK ? type_get(c, t, rank, dim) : NULL;
	if (!type)
		diag_error(c->diag, (Loc){ .file = file }, E4001,
			   "'%.80s' has impossible sizes (at most 8 dimensions, 2^40 elements)",
			   name);
	return type;
}

/* --- opening --------------------------------------------------------------------------------- */

static bool read_raw(WeightSet *w, Bytes b)
{
	int64_t n = (int64_t)b.n;
	const Type *t = weights_type(w->c, w->file, w->file, DT_u8, 1, &n);
	w->raw = t ? blob_wrap(w->c, t, b.at, w->file) : NULL;
	return t != NULL;
}

static bool read_npy(WeightSet *w, Bytes b)
{
	const char *base = path_base(w->file);
	char *name = arena_strndup(w->arena, base, strlen(base) - strlen(path_suffix(base)));
	const Blob *blob = npy_parse(w->c, w->arena, b, w->file, sym(w->c, name));
	return blob && weights_add(w, name, blob);
}

static WeightSet *read_set(Context *c, Arena *arena, const char *path, int fd, Loc asked_at)
{
	static const struct {
		const char *suffix;
		bool (*read)(WeightSet *w, Bytes b);
	} formats[] = {
		{ ".safetensors", safetensors_read },
		{ ".npz", npz_read },
		{ ".npy", read_npy },
		{ ".bin", read_raw },
	};
	WeightSet *w = weights_create(c, arena, path);
	IoError e;
	w->map = io_map_fd(fd, &e);
	if (!w->map) {
		io_report(c->diag, asked_at, path, &e);
		return NULL;
	}
	Bytes b = { .at = io_map_data(w->map), .n = io_map_size(w->map) };
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (str_ends(path, formats[i].suffix)) {
			if (formats[i].read(w, b))
				return w;
			weights_close(w);
			return NULL;
		}
	weights_close(w);
	diag_error(c->diag, asked_at, E1007, "'%.200s' is not a kind of weight file", path);
	diag_hint(c->diag, "weights are read from .safetensors, .npz, .npy and .bin");
	return NULL;
}

WeightSet *weights_open(Context *c, Arena *arena, const char *path, Loc asked_at)
{
	IoError e;
	int fd = io_open(path, &e);
	if (fd < 0) {
		io_report(c->diag, asked_at, path, &e);
		return NULL;
	}
	return read_set(c, arena, path, fd, asked_at);
}

WeightSet *weights_open_beside(Context *c, Arena *arena, const char *model, const char *name,
			       Loc asked_at)
{
	IoError e;
	int fd = io_open_beside(model, name, &e);
	if (fd < 0) {
		io_report(c->diag, asked_at, name, &e);
		return NULL;
	}
	return read_set(c, arena, path_join(arena, path_folder(arena, model), name), fd, asked_at);
}
