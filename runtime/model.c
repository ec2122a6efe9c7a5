/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Models: the program of an artefact, checked, with its ports as the API shows them. An artefact is
 * first read as a file (its note names the descriptor), then loaded. Weights that lie beside it are
 * mapped, or copied into large pages. */
#include "base/io_error.h"
#include "runtime/cpu/rt.h"
#include "runtime/model.h"
#include "runtime/note.h"
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LARGE_PAGE = 2 << 20, PATH_LIMIT = 4096 };

/* In the order of ir/dtypes.def. */
const DlType dl_types[DL_TYPES] = {
	{ "f32", 2, 32 }, { "f64", 2, 64 }, { "f16", 2, 16 }, { "bf16", 4, 16 }, { "i8", 0, 8 },
	{ "u8", 1, 8 },   { "i16", 0, 16 }, { "i32", 0, 32 }, { "i64", 0, 64 },  { "bool", 6, 8 },
};

/* --- memory ----------------------------------------------------------------------------------- */

static size_t whole_pages(size_t bytes)
{
	size_t page = bytes >= 2 * (size_t)LARGE_PAGE ? LARGE_PAGE : 4096;
	return (bytes + page - 1) & ~(page - 1);
}

/* Aligned by mapping more and giving the ends back, so that pages_free needs the size only. */
void *pages_new(size_t bytes)
{
	size_t n = whole_pages(bytes ? bytes : 1), extra = n >= LARGE_PAGE ? LARGE_PAGE : 0;
	if (n < bytes)
		return NULL;
	char *p = mmap(NULL, n + extra, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return NULL;
	if (extra == 0)
		return p;
	size_t before = (LARGE_PAGE - ((uintptr_t)p & (LARGE_PAGE - 1))) & (LARGE_PAGE - 1);
	if (before > 0)
		munmap(p, before);
	if (extra > before)
		munmap(p + before + n, extra - before);
	madvise(p + before, n, MADV_HUGEPAGE);
	return p + before;
}

void pages_free(void *p, size_t bytes)
{
	if (p)
		munmap(p, whole_pages(bytes ? bytes : 1));
}

/* --- ports ------------------------------------------------------------------------------------ */

static bool ports_valid(const BurinPort *port, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (!port[i].name || port[i].dtype < 0 || port[i].dtype >= DL_TYPES ||
		    port[i].rank < 0 || port[i].rank > 64 || port[i].align < 1 ||
		    (port[i].rank > 0 && !port[i].dim))
			return false;
	return true;
}

static int64_t count_sizes(const BurinPort *port, uint32_t n)
{
	int64_t sizes = 0;
	for (uint32_t i = 0; i < n; i++)
		sizes += port[i].rank;
	return sizes;
}

/* Each port has three rows of sizes: shape, least, most. */
static int64_t *fill_ports(burin_port *to, const BurinPort *from, uint32_t n, int64_t *sizes)
{
	for (uint32_t i = 0; i < n; i++) {
		int64_t rank = from[i].rank, *least = sizes + rank, *most = least + rank;
		for (int64_t d = 0; d < rank; d++) {
			bool is_free = from[i].dim[d] < 0;
			sizes[d] = from[i].dim[d];
			least[d] = is_free ? 0 : sizes[d];
			most[d] = is_free ? INT64_MAX : sizes[d];
		}
		const DlType *t = &dl_types[from[i].dtype];
		to[i] = (burin_port){ .size = sizeof(to[i]),
				      .name = from[i].name,
				      .spec = { .device = { .type = 1 },
						.ndim = (int32_t)rank,
						.dtype = { t->code, t->bits, 1 },
						.shape = sizes },
				      .min_shape = least,
				      .max_shape = most };
		sizes = most + rank;
	}
	return sizes;
}

static burin_status make_ports(burin_model *m, burin_error *err)
{
	const BurinProgram *p = m->program;
	int64_t sizes = count_sizes(p->in, p->n_in) + count_sizes(p->out, p->n_out);
	m->port = calloc((size_t)p->n_in + p->n_out + 1, sizeof(*m->port));
	m->sizes = calloc((size_t)sizes * 3 + 1, sizeof(*m->sizes));
	if (!m->port || !m->sizes)
		return rt_fail(err, BURIN_E_MEMORY, 1008, "out of memory");
	int64_t *next = fill_ports(m->port, p->in, p->n_in, m->sizes);
	fill_ports(m->port + p->n_in, p->out, p->n_out, next);
	return BURIN_OK;
}

size_t burin_inputs(const burin_model *m, const burin_port **ports)
{
	if (ports)
		*ports = m ? m->port : NULL;
	return m ? m->program->n_in : 0;
}

size_t burin_outputs(const burin_model *m, const burin_port **ports)
{
	if (ports)
		*ports = m ? m->port + m->program->n_in : NULL;
	return m ? m->program->n_out : 0;
}

const char *burin_metadata_json(const burin_model *m)
{
	return m && m->program->metadata ? m->program->metadata : "{}";
}

/* --- programs --------------------------------------------------------------------------------- */

static burin_status check_program(const BurinProgram *p, burin_error *err)
{
	if (p->version != BURIN_PROGRAM_VERSION || p->size != sizeof(*p)) {
		rt_fail(err, BURIN_E_VERSION, 6101,
			"the model is of another version of Burin (format %u, here %d)", p->version,
			BURIN_PROGRAM_VERSION);
		rt_hint(err, "compile it again, or use the functions of its own header");
		return BURIN_E_VERSION;
	}
	if (!ports_valid(p->in, p->n_in) || !ports_valid(p->out, p->n_out))
		return rt_fail(err, BURIN_E_INVALID, 6102, "the model's table is damaged");
	if (burin_rt_supported(p) == BURIN_RT_OK)
		return BURIN_OK;
	rt_fail(err, BURIN_E_TARGET, 6103,
		"this CPU lacks instructions that the model was compiled for");
	rt_hint(err, "compile it with --mcpu=x86-64-v2 (or with several, --multiversion)");
	return BURIN_E_TARGET;
}

void burin_model_free(burin_model *m)
{
	if (!m)
		return;
	if (m->weights)
		munmap(m->weights, whole_pages(m->weights_bytes));
	free(m->port);
	free(m->sizes);
	if (m->library)
		dlclose(m->library);
	if (m->release)
		m->release(m->owner);
	free(m);
}

burin_status model_of_program(burin_model **out, const BurinProgram *p,
			      void (*release)(void *owner), void *owner, burin_error *err)
{
	*out = NULL;
	burin_status s = check_program(p, err);
	burin_model *m = s == BURIN_OK ? calloc(1, sizeof(*m)) : NULL;
	if (s == BURIN_OK && !m)
		s = rt_fail(err, BURIN_E_MEMORY, 1008, "out of memory");
	if (s != BURIN_OK) {
		if (release)
			release(owner);
		return s;
	}
	*m = (burin_model){ .program = p, .release = release, .owner = owner };
	s = make_ports(m, err);
	if (s == BURIN_OK)
		*out = m;
	else
		burin_model_free(m);
	return s;
}

/* --- weights ---------------------------------------------------------------------------------- */

static bool read_all(int fd, char *to, size_t bytes)
{
	for (size_t done = 0; done < bytes;) {
		ssize_t n = pread(fd, to + done, bytes - done, (off_t)done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		done += (size_t)n;
	}
	return true;
}

static void *map_weights(int fd, size_t bytes, bool copy)
{
	if (!copy) {
		void *p = mmap(NULL, bytes, PROT_READ, MAP_PRIVATE, fd, 0);
		return p == MAP_FAILED ? NULL : p;
	}
	char *p = pages_new(bytes);
	if (p && !read_all(fd, p, bytes)) {
		pages_free(p, bytes);
		p = NULL;
	}
	return p;
}

/* With the system's reason, in the words that the compiler's half uses too. */
static void cannot_open(burin_error *err, const char *what, const char *path)
{
	IoError why;
	io_fail_errno(&why, E1001, errno);
	rt_fail(err, BURIN_E_IO, 1001, "cannot open %s'%s': %s", what, path, why.text);
}

static burin_status open_weights(burin_model *m, const char *path, bool copy, burin_error *err)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0) {
		cannot_open(err, "the weights ", path);
		rt_hint(err, "the option 'packed-weights' says where they are; of a library that "
			     "trains, they are what its _prepare writes");
		return BURIN_E_IO;
	}
	burin_status s = BURIN_OK;
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size < BURIN_WEIGHTS_AT) {
		s = rt_fail(err, BURIN_E_INVALID, 4001, "'%s' is not a file of packed weights",
			    path);
	} else {
		m->weights_bytes = (size_t)st.st_size;
		m->weights = map_weights(fd, m->weights_bytes, copy);
		if (!m->weights)
			s = rt_fail(err, BURIN_E_MEMORY, 1008,
				    "the weights '%s' do not fit into memory", path);
	}
	close(fd);
	return s;
}

static burin_status damaged(const char *path, const char *how, burin_error *err)
{
	rt_fail(err, BURIN_E_INVALID, 4001, "the weights in '%s' are damaged: %s", path, how);
	rt_hint(err, "take another copy of the file, or compile the model again");
	return BURIN_E_INVALID;
}

static burin_status check_weights(const burin_model *m, const char *path, burin_error *err)
{
	bool sealed;
	if (burin_weights_in(m->program, m->weights, m->weights_bytes)) {
		const char *wrong = weights_check_file(m->weights, m->weights_bytes, &sealed);
		return wrong ? damaged(path, wrong, err) : BURIN_OK;
	}
	rt_fail(err, BURIN_E_INVALID, 4001, "'%s' holds no packed weights of this model", path);
	rt_hint(err, "it was written when the model was compiled, or packed from its training "
		     "state; make it again");
	return BURIN_E_INVALID;
}

/* path: of the artefact, or NULL. */
static burin_status add_weights(burin_model *m, const char *path, const burin_opts *o,
				burin_error *err)
{
	char beside[PATH_LIMIT];
	bool copy;
	if (m->program->weight_bytes == 0)
		return BURIN_OK;
	const char *wanted = opts_get(o, "packed-weights"), *dot = path ? strrchr(path, '.') : NULL;
	if (!wanted && m->program->weights)
		return BURIN_OK;
	burin_status s = opts_flag(o, "hugepages", &copy, err);
	if (s != BURIN_OK)
		return s;
	if (!wanted && dot) {
		snprintf(beside, sizeof(beside), "%.*s.weights", (int)(dot - path), path);
		wanted = beside;
	}
	if (!wanted) {
		rt_fail(err, BURIN_E_ARG, 4006,
			"the weights of this model lie in a file of their own");
		rt_hint(err, "the option 'packed-weights' says where");
		return BURIN_E_ARG;
	}
	s = open_weights(m, wanted, copy, err);
	return s == BURIN_OK ? check_weights(m, wanted, err) : s;
}

/* --- loading ---------------------------------------------------------------------------------- */

static burin_status finish_load(burin_model **out, const char *path, const burin_opts *o,
				burin_error *err)
{
	burin_status s = add_weights(*out, path, o, err);
	if (s != BURIN_OK) {
		burin_model_free(*out);
		*out = NULL;
	}
	return s;
}

/* Those that lie in the library itself. */
static burin_status check_inside(const char *path, burin_error *err)
{
	bool any;
	const char *wrong = note_check_weights(path, &any);
	return wrong ? damaged(path, wrong, err) : BURIN_OK;
}

burin_status burin_load_static(burin_model **out, const void *descriptor, const burin_opts *o,
			       burin_error *err)
{
	if (!out || !descriptor)
		return rt_fail(err, BURIN_E_ARG, 0, "out or descriptor is NULL");
	burin_status s = model_of_program(out, descriptor, NULL, NULL, err);
	return s == BURIN_OK ? finish_load(out, NULL, o, err) : s;
}

static void close_library(void *library)
{
	dlclose(library);
}

/* Without a slash dlopen would search the system's folders. */
static void *open_library(const char *path)
{
	char here[PATH_LIMIT];
	if (strchr(path, '/'))
		return dlopen(path, RTLD_NOW | RTLD_LOCAL);
	snprintf(here, sizeof(here), "./%s", path);
	return dlopen(here, RTLD_NOW | RTLD_LOCAL);
}

static burin_status load_named(burin_model **out, const char *path, const char *prefix,
			       burin_error *err)
{
	char name[256];
	void *library = open_library(path);
	if (!library) {
		const char *why = dlerror();
		return rt_fail(err, BURIN_E_INVALID, 6102, "cannot load '%s': %s", path,
			       why ? why : "");
	}
	snprintf(name, sizeof(name), "%.200s_descriptor", prefix);
	const BurinProgram *const *descriptor = dlsym(library, name);
	if (!descriptor || !*descriptor) {
		dlclose(library);
		return rt_fail(err, BURIN_E_INVALID, 6102, "'%s' has no %s", path, name);
	}
	return model_of_program(out, *descriptor, close_library, library, err);
}

burin_status burin_load(burin_model **out, const char *path, const burin_opts *o, burin_error *err)
{
	Note note;
	int kept = errno;
	if (!out || !path)
		return rt_fail(err, BURIN_E_ARG, 0, "out or path is NULL");
	*out = NULL;
	if (access(path, R_OK) != 0) {
		cannot_open(err, "", path);
		errno = kept;
		return BURIN_E_IO;
	}
	const char *wrong = note_read(path, &note);
	if (wrong)
		return rt_fail(err, BURIN_E_INVALID, 6102, "cannot load '%s': %s", path, wrong);
	burin_status s = load_named(out, path, note.prefix, err);
	free(note.memory);
	if (s == BURIN_OK)
		s = check_inside(path, err);
	if (s == BURIN_OK)
		s = finish_load(out, path, o, err);
	if (s != BURIN_OK) {
		burin_model_free(*out);
		*out = NULL;
	}
	errno = kept;
	return s;
}
