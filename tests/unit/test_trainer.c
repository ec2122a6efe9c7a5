/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Training in memory: compiled steps against the step's graph evaluated in double precision, any
 * number of threads, stopping and going on, judging between steps, checkpoints good and broken. */
#include "tests/unit/bound_check.h"
#include "base/sha256.h"
#include "include/burin.h"
#include "ir/eval.h"
#include "ir/model.h"
#include "ir/ops/random.h"
#include "passes/expand.h"
#include "passes/train.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FOLDER BURIN_BUILD_DIR "/test_trainer"
#define CONVOLUTIONS \
	"<conv2d id=\"c1\" filters=\"6\" kernel=\"3\" pad=\"1\" bias=\"0\"/> " \
	"<batchnorm id=\"b1\"/> <relu id=\"r1\"/> <maxpool2d id=\"p1\" kernel=\"2\"/> " \
	"<flatten id=\"f\"/> <dropout id=\"d\" p=\"0.25\"/> <linear id=\"fc\" units=\"4\"/>"
#define DENSE \
	"<flatten id=\"f\"/> <linear id=\"l1\" units=\"24\"/> <tanh id=\"t1\"/> " \
	"<linear id=\"fc\" units=\"4\"/>"

enum { PIXELS = 64, MOST = 33 };

typedef struct School {
	burin_graph *g;
	burin_trainer *t;
	float x[MOST * PIXELS];
	int64_t label[MOST];
	uint64_t random;
} School;

/* --- set up ---------------------------------------------------------------------------------- */

static void write_model(const char *path, const char *layers, const char *optimizer)
{
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fprintf(f,
		"<graph name=\"m\" xmlns=\"urn:burin:graph:1\">"
		"<input id=\"x\" type=\"f32\" shape=\"N,1,8,8\"/> %s <output id=\"y\" in=\"fc\"/>\n"
		"<training loss=\"loss\"> <input id=\"label\" type=\"i64\" shape=\"N\"/>"
		"<cross_entropy id=\"loss\" in=\"fc label\"/>"
		"<argmax id=\"guess\" in=\"fc\" axis=\"1\"/> <eq id=\"hit\" in=\"guess label\"/>"
		"<cast id=\"hits\" in=\"hit\" to=\"f32\"/> <reduce_mean id=\"rate\" in=\"hits\"/>"
		"<output id=\"accuracy\" in=\"rate\"/> %s </training></graph>\n",
		layers, optimizer);
	fclose(f);
}

static burin_opts *options(const char *threads)
{
	burin_opts *o;
	assert_int_equal(burin_opts_new(&o, NULL), BURIN_OK);
	const char *set[][2] = { { "size", "1" },
				 { "model-weights", "init:seed=3" },
				 { "threads", threads },
				 { "seed", "11" },
				 { "cache", "off" } };
	for (size_t i = 0; i < sizeof set / sizeof *set; i++)
		assert_int_equal(burin_opts_set(o, set[i][0], set[i][1], NULL), BURIN_OK);
	return o;
}

static void check_status(burin_status s, const burin_error *e)
{
	if (s != BURIN_OK)
		fail_msg("%s: %s", burin_status_name(s), e->message);
}

static void enrol(School *s, const char *layers, const char *optimizer, const char *threads)
{
	burin_error e = { .size = sizeof e };
	burin_opts *o = options(threads);
	const char *path = FOLDER ".xml";
	*s = (School){ .random = 7 };
	write_model(path, layers, optimizer);
	check_status(burin_read(&s->g, path, o, NULL, &e), &e);
	check_status(burin_trainer_new(&s->t, s->g, o, NULL, &e), &e);
	burin_opts_free(o);
}

static void leave(School *s)
{
	burin_trainer_free(s->t);
	burin_graph_free(s->g);
}

static void next_batch(School *s, int n)
{
	for (int i = 0; i < n * PIXELS; i++) {
		s->random = s->random * 6364136223846793005u + 1442695040888963407u;
		s->x[i] = (float)(int64_t)(s->random >> 40) * 0x1p-23f - 1;
	}
	for (int i = 0; i < n; i++) { /* something to be learned: where the largest pixel lies */
		int best = 0;
		for (int k = 0; k < PIXELS; k++)
			best = s->x[i * PIXELS + k] > s->x[i * PIXELS + best] ? k : best;
		s->label[i] = best / 16;
	}
}

static void tensors(School *s, int n, burin_tensor in[2], int64_t shape[5])
{
	int64_t sizes[5] = { n, 1, 8, 8, n };
	memcpy(shape, sizes, sizeof sizes);
	in[0] = (burin_tensor){
		.data = s->x, .device = { 1, 0 }, .ndim = 4, .dtype = { 2, 32, 1 }, .shape = shape
	};
	in[1] = (burin_tensor){ .data = s->label,
				.device = { 1, 0 },
				.ndim = 1,
				.dtype = { 0, 64, 1 },
				.shape = shape + 4 };
}

static double step(School *s, int n, double rate)
{
	burin_error e = { .size = sizeof e };
	burin_tensor in[2];
	int64_t shape[5];
	double metrics[2];
	tensors(s, n, in, shape);
	check_status(burin_train_step(s->t, rate, in, 2, metrics, 2, &e), &e);
	return metrics[0];
}

static double judge(School *s, int n, double *accuracy)
{
	burin_error e = { .size = sizeof e };
	burin_tensor in[2];
	int64_t shape[5];
	double metrics[2];
	tensors(s, n, in, shape);
	check_status(burin_eval_step(s->t, in, 2, metrics, 2, &e), &e);
	if (accuracy)
		*accuracy = metrics[1];
	return metrics[0];
}

/* --- against the reference ------------------------------------------------------------------- */

typedef struct Reference {
	Graph *core;
	EvalTensor *param; /* what the trainer's state is before the step */
	Known known;
} Reference;

static Reference reference(School *s, int batch)
{
	Context *c = s->g->ctx;
	PassOptions o = { 0 };
	Pass p = { .ctx = c, .o = &o };
	Reference r = { 0 };
	Graph *g = s->g->rebuild(s->g, batch, true);
	r.core = expand_macros(train_graph(&p, g, c->arena), c->arena);
	r.param = ARENA_ARRAY(c->arena, EvalTensor, r.core->param.n);
	return r;
}

static EvalTensor state_of(School *s, const Node *param)
{
	const burin_port *p;
	size_t n = burin_trainer_state(s->t, &p);
	for (size_t i = 0; i < n; i++)
		if (str_eq(p[i].name, ATTR_OF(param, param)->name))
			return eval_from_data(s->g->ctx->arena, param->type, p[i].spec.data);
	fail_msg("the state lacks %s", ATTR_OF(param, param)->name);
	return (EvalTensor){ 0 };
}

/* At the beginning: what the graph says, and the seed that the options give. */
static void check_start(School *s, const Reference *r)
{
	const burin_port *p;
	assert_int_equal(burin_trainer_state(s->t, &p), r->core->param.n);
	for (int i = 0; i < r->core->param.n; i++) {
		const Node *n = r->core->param.at[i];
		const Blob *b = ATTR_OF(n, param)->data;
		EvalTensor have = state_of(s, n);
		bool seed = str_eq(ATTR_OF(n, param)->name, ".seed");
		for (int64_t k = 0; k < n->type->count; k++)
			if (have.f)
				assert_true(have.f[k] == (b ? blob_f64(b, k) : 0));
			else
				assert_int_equal(have.i[k], seed ? 11 : b ? blob_i64(b, k) : 0);
	}
}

/* One step from the state that the trainer has: its loss and each element of the next state, that
 * of whole numbers too, must be within the bound. */
static void follow_step(School *s, Reference *r, int batch, double rate)
{
	Arena *a = s->g->ctx->arena;
	const Graph *g = r->core;
	EvalTensor in[3], loss;
	Bounded out[2], *next = ARENA_ARRAY(a, Bounded, g->update.n);
	assert_int_equal(g->input.n, 3);
	in[0] = eval_from_data(a, g->input.at[0]->type, s->x);
	in[1] = eval_from_data(a, g->input.at[1]->type, s->label);
	in[2] = eval_tensor(a, g->input.at[2]->type);
	in[2].f[0] = rate;
	for (int i = 0; i < g->param.n; i++)
		r->param[i] = state_of(s, g->param.at[i]);
	assert_true(bound_graph(g, a, in, out, (BoundOptions){ .param = r->param, .next = next }));
	loss = eval_tensor(a, out[0].value.type);
	loss.f[0] = step(s, batch, rate);
	assert_bounded("the loss", &out[0], &loss, &r->known);
	for (int u = 0; u < g->update.n; u++) {
		EvalTensor have = state_of(s, g->update.at[u].state);
		assert_bounded(ATTR_OF(g->update.at[u].state, param)->name, &next[u], &have,
			       &r->known);
	}
}

static void follow(const char *layers, const char *optimizer, double rate)
{
	School s;
	enum { BATCH = 6, STEPS = 8 };
	enrol(&s, layers, optimizer, "1");
	Reference r = reference(&s, BATCH);
	check_start(&s, &r);
	for (int i = 0; i < STEPS; i++) {
		next_batch(&s, BATCH);
		follow_step(&s, &r, BATCH, rate);
	}
	assert_known(r.known);
	leave(&s);
}

static void follows_reference(void **state)
{
	(void)state;
	follow(DENSE, "<sgd/>", 0.1);
	follow(DENSE, "<momentum nesterov=\"1\" weight_decay=\"0.01\"/>", 0.05);
	follow(DENSE, "<adam eps=\"1e-3\"/>", 0.01);
	follow(CONVOLUTIONS, "<momentum/>", 0.05);
	follow(CONVOLUTIONS, "<adamw eps=\"1e-3\"/>", 0.01);
}

/* --- the same bits --------------------------------------------------------------------------- */

static char *copy_state(School *s, size_t *bytes)
{
	const burin_port *p;
	size_t n = burin_trainer_state(s->t, &p), at = 0;
	char *all = NULL;
	for (size_t i = 0; i < n; i++) {
		size_t size = p[i].spec.dtype.bits / 8;
		for (int d = 0; d < p[i].spec.ndim; d++)
			size *= (size_t)p[i].spec.shape[d];
		all = realloc(all, at + size + 1);
		memcpy(all + at, p[i].spec.data, size);
		at += size;
	}
	*bytes = at;
	return all;
}

static char *train_on(School *s, int steps, size_t *bytes)
{
	for (int i = 0; i < steps; i++) {
		next_batch(s, i % 7 == 6 ? 5 : 16);
		step(s, i % 7 == 6 ? 5 : 16, 0.02);
	}
	return copy_state(s, bytes);
}

static void threads_do_not_show(void **state)
{
	static const char *const threads[] = { "1", "2", "3" };
	char *first = NULL;
	size_t bytes, want = 0;
	(void)state;
	for (int i = 0; i < 3; i++) {
		School s;
		enrol(&s, CONVOLUTIONS, "<adam/>", threads[i]);
		char *have = train_on(&s, 100, &bytes);
		if (i == 0) {
			first = have;
			want = bytes;
		} else {
			assert_int_equal(bytes, want);
			assert_memory_equal(have, first, bytes);
			free(have);
		}
		leave(&s);
	}
	free(first);
}

static void goes_on_bit_for_bit(void **state)
{
	School a, b;
	burin_error e = { .size = sizeof e };
	const char *note, *path = FOLDER ".ckpt";
	size_t bytes, more;
	(void)state;
	enrol(&a, CONVOLUTIONS, "<adamw/>", "2");
	free(train_on(&a, 50, &bytes));
	check_status(burin_checkpoint_save(a.t, path, "{\"epoch\": 3}", &e), &e);
	enrol(&b, CONVOLUTIONS, "<adamw/>", "1");
	check_status(burin_checkpoint_load(b.t, path, &note, &e), &e);
	assert_string_equal(note, "{\"epoch\": 3}");
	b.random = a.random;
	char *x = train_on(&a, 50, &bytes), *y = train_on(&b, 50, &more);
	assert_int_equal(bytes, more);
	assert_memory_equal(x, y, bytes);
	free(x);
	free(y);
	leave(&a);
	leave(&b);
	unlink(path);
}

/* --- judging --------------------------------------------------------------------------------- */

static void learns(void **state)
{
	School s;
	double before, after, accuracy;
	(void)state;
	enrol(&s, DENSE, "<adam/>", "2");
	next_batch(&s, 32);
	before = judge(&s, 32, &accuracy);
	for (int i = 0; i < 200; i++)
		step(&s, 32, 0.01);
	after = judge(&s, 32, &accuracy);
	assert_true(after < before / 4);
	assert_true(accuracy > 0.95);
	assert_true(judge(&s, 5, NULL) > 0); /* another batch size */
	leave(&s);
}

/* Without dropout and with frozen averages inference of the trained parameters is what the weight
 * file gives when it is read again. */
static void judges_as_inference(void **state)
{
	School s, again;
	burin_error e = { .size = sizeof e };
	const char *path = FOLDER ".safetensors", *model = FOLDER ".xml";
	size_t bytes;
	(void)state;
	enrol(&s, CONVOLUTIONS, "<momentum/>", "1");
	free(train_on(&s, 20, &bytes));
	next_batch(&s, 9);
	double want = judge(&s, 9, NULL);
	check_status(burin_trainer_weights(s.t, path, &e), &e);
	burin_opts *o = options("1");
	burin_opts_set(o, "model-weights", path, NULL);
	again = s;
	check_status(burin_read(&again.g, model, o, NULL, &e), &e);
	check_status(burin_trainer_new(&again.t, again.g, o, NULL, &e), &e);
	assert_true(judge(&again, 9, NULL) == want);
	burin_opts_free(o);
	leave(&again);
	leave(&s);
	unlink(path);
}

/* --- refusals -------------------------------------------------------------------------------- */

/* Refused before anything is changed. */
static void no_such_class(School *s, const burin_tensor in[2], const char *message)
{
	burin_error e = { .size = sizeof e };
	double metrics[2];
	size_t bytes;
	char *before = copy_state(s, &bytes);
	assert_int_equal(burin_train_step(s->t, 0.1, in, 2, metrics, 2, &e), BURIN_E_INDEX);
	assert_non_null(strstr(e.message, message));
	assert_int_equal(burin_eval_step(s->t, in, 2, metrics, 2, &e), BURIN_E_INDEX);
	char *after = copy_state(s, &bytes);
	assert_memory_equal(before, after, bytes);
	free(before);
	free(after);
}

/* A batch of which no target counts: the loss is 0 and so are all gradients. */
static void nothing_counts(void **state)
{
	School s;
	size_t bytes;
	(void)state;
	enrol(&s, DENSE, "<sgd/>", "1");
	next_batch(&s, 6);
	for (int i = 0; i < 6; i++)
		s.label[i] = -100;
	char *before = copy_state(&s, &bytes);
	assert_true(judge(&s, 6, NULL) == 0);
	assert_true(step(&s, 6, 0.1) == 0);
	char *after = copy_state(&s, &bytes);
	assert_memory_equal(before, after, bytes);
	free(before);
	free(after);
	leave(&s);
}

static void refuses(void **state)
{
	School s, other;
	burin_error e = { .size = sizeof e };
	burin_tensor in[2];
	int64_t shape[5];
	double metrics[2];
	const char *path = FOLDER ".ckpt";
	(void)state;
	enrol(&s, DENSE, "<sgd/>", "1");
	next_batch(&s, 4);
	tensors(&s, 4, in, shape);
	assert_int_equal(burin_train_step(s.t, 0.1, in, 1, metrics, 2, &e), BURIN_E_ARG);
	assert_int_equal(burin_train_step(s.t, 0.1, in, 2, metrics, 1, &e), BURIN_E_ARG);
	shape[4] = 3;
	assert_int_equal(burin_train_step(s.t, 0.1, in, 2, metrics, 2, &e), BURIN_E_SHAPE);
	shape[4] = shape[0] = 0;
	assert_int_equal(burin_train_step(s.t, 0.1, in, 2, metrics, 2, &e), BURIN_E_SHAPE);
	s.label[2] = 4;
	tensors(&s, 4, in, shape);
	no_such_class(&s, in, "input 'label', row 2 (from 0): 4 is none of the classes 0 to 3");
	s.label[0] = -1;
	no_such_class(&s, in, "row 0 (from 0): -1 is none");
	s.label[0] = INT64_MIN;
	no_such_class(&s, in, "row 0 (from 0): -9223372036854775808 is none");
	s.label[0] = 0;
	s.label[2] = -100;
	check_status(burin_train_step(s.t, 0.1, in, 2, metrics, 2, &e), &e);
	check_status(burin_checkpoint_save(s.t, path, NULL, &e), &e);
	enrol(&other, DENSE, "<adam/>", "1");
	assert_int_equal(burin_checkpoint_load(other.t, path, NULL, &e), BURIN_E_ARG);
	assert_int_equal(e.code, 6201);
	assert_int_equal(burin_checkpoint_load(other.t, FOLDER ".none", NULL, &e), BURIN_E_IO);
	assert_int_not_equal(burin_checkpoint_save(s.t, FOLDER "/no/folder", NULL, &e), BURIN_OK);
	leave(&other);
	leave(&s);
	unlink(path);
}

/* --- broken checkpoints ---------------------------------------------------------------------- */

typedef struct Saved {
	School s;
	char *want, *data; /* the state, the file */
	size_t bytes, n;
} Saved;

static const char *const saved_path = FOLDER ".ckpt";

static void save_one(Saved *k)
{
	burin_error e = { .size = sizeof e };
	enrol(&k->s, DENSE, "<momentum/>", "1");
	check_status(burin_checkpoint_save(k->s.t, saved_path, "note", &e), &e);
	k->want = copy_state(&k->s, &k->bytes);
	FILE *f = fopen(saved_path, "rb");
	k->data = malloc(1 << 16);
	k->n = fread(k->data, 1, 1 << 16, f);
	assert_true(k->n > 4096 && k->n < 1 << 16);
	fclose(f);
}

static void forget(Saved *k)
{
	free(k->want);
	free(k->data);
	leave(&k->s);
	unlink(saved_path);
}

/* Loads the first n bytes; a refusal names the file and leaves the state alone. */
static bool loads(Saved *k, size_t n)
{
	size_t bytes;
	burin_error e = { .size = sizeof e };
	FILE *f = fopen(saved_path, "wb");
	fwrite(k->data, 1, n, f);
	fclose(f);
	if (burin_checkpoint_load(k->s.t, saved_path, NULL, &e) == BURIN_OK)
		return true;
	char *have = copy_state(&k->s, &bytes);
	assert_int_equal(e.code, 6201);
	assert_non_null(strstr(e.message, saved_path));
	assert_memory_equal(have, k->want, k->bytes);
	free(have);
	return false;
}

static size_t some(School *s, size_t below)
{
	s->random = s->random * 6364136223846793005u + 1442695040888963407u;
	return (size_t)(s->random >> 33) % below;
}

/* Every bit counts, in the head as in the data, and so does the length. */
static void damage_is_seen(void **state)
{
	Saved k;
	(void)state;
	save_one(&k);
	size_t head = 8 + (unsigned char)k.data[0] + 256u * (unsigned char)k.data[1];
	for (int i = 0; i < 600; i++) {
		size_t at = i % 2 ? some(&k.s, head) : head + some(&k.s, k.n - head);
		char bit = (char)(1 << some(&k.s, 8));
		k.data[at] ^= bit;
		if (loads(&k, k.n))
			fail_msg("bit %d of byte %zu does not count", bit, at);
		k.data[at] ^= bit;
	}
	for (int i = 0; i < 100; i++)
		assert_false(loads(&k, some(&k.s, k.n)));
	k.data[k.n] = 0;
	assert_false(loads(&k, k.n + 1));
	assert_true(loads(&k, k.n));
	forget(&k);
}

/* The checksum of a file that was changed on purpose, as documented in checkpoint.c. */
static void mend_sum(Saved *k)
{
	static const char key[] = "\"sha256\":\"";
	unsigned char digest[SHA256_BYTES];
	char hex[SHA256_HEX], *at = k->data + 8;
	while (memcmp(at, key, sizeof key - 1) != 0)
		at++;
	at += sizeof key - 1;
	memset(at, '0', sizeof hex - 1);
	sha256_bytes(k->data, k->n, digest);
	sha256_hex(digest, hex);
	memcpy(at, hex, sizeof hex - 1);
}

/* A strange head under a right checksum is refused or read as something of the right sizes. */
static void strange_heads(void **state)
{
	Saved k;
	int refused = 0;
	(void)state;
	save_one(&k);
	size_t head = 8 + (unsigned char)k.data[0] + 256u * (unsigned char)k.data[1];
	for (size_t at = 160; at < head; at++) { /* from behind the checksum on */
		char was = k.data[at];
		k.data[at] ^= (char)(1 << some(&k.s, 7));
		mend_sum(&k);
		refused += !loads(&k, k.n);
		k.data[at] = was;
		mend_sum(&k);
		assert_true(loads(&k, k.n));
	}
	assert_true(refused > 300);
	forget(&k);
}

/* Offsets whose difference is right in 64 bits alone. */
static void offsets_wrap(void **state)
{
	static const char first[] = "\"data_offsets\":[0,";
	static const char far[] = "[9223372036854775807,%lld]";
	Saved k;
	char text[64], *from, *end;
	(void)state;
	save_one(&k);
	size_t head = 8 + (unsigned char)k.data[0] + 256u * (unsigned char)k.data[1];
	k.data[k.n] = 0;
	for (from = k.data + 8; memcmp(from, first, sizeof first - 1) != 0; from++)
		assert_true(from < k.data + head);
	from += sizeof first - 4;
	end = strchr(from, ']') + 1;
	int64_t bytes = strtoll(from + 3, NULL, 10);
	size_t n = (size_t)snprintf(text, sizeof text, far, (long long)(INT64_MIN + bytes - 1));
	size_t more = (n - (size_t)(end - from) + 7) / 8 * 8;
	memmove(from + more + (end - from), end, k.n - (size_t)(end - k.data));
	memset(from, ' ', more + (size_t)(end - from));
	memcpy(from, text, n);
	k.n += more;
	k.data[0] = (char)((head - 8 + more) % 256);
	k.data[1] = (char)((head - 8 + more) / 256);
	mend_sum(&k);
	assert_false(loads(&k, k.n));
	forget(&k);
}

/* --- random words ---------------------------------------------------------------------------- */

/* The known answers of Random123. */
static void philox_known_answers(void **state)
{
	static const struct {
		uint32_t counter[4], key[2], want[4];
	} row[] = {
		{ { 0 }, { 0 }, { 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8 } },
		{ { ~0u, ~0u, ~0u, ~0u },
		  { ~0u, ~0u },
		  { 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd } },
		{ { 0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344 },
		  { 0xa4093822, 0x299f31d0 },
		  { 0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1 } },
	};
	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		uint32_t out[4];
		philox4x32(row[i].counter, row[i].key, out);
		assert_memory_equal(out, row[i].want, sizeof out);
	}
}

typedef struct Seen {
	int kernels;
	uint64_t calls, ns, flops;
} Seen;

static void see_kernel(void *user, const burin_kernel_time *k)
{
	Seen *s = user;
	s->kernels++;
	s->calls = k->calls;
	s->ns += k->ns;
	s->flops += k->flops;
}

/* The last batch size's steps since it was met, and none before the first. */
static void test_profile(void **state)
{
	burin_error e = { .size = sizeof e };
	School s;
	Seen two = { 0 }, one = { 0 };
	(void)state;
	enrol(&s, DENSE, "<sgd lr=\"0.1\"/>", "1");
	next_batch(&s, 8);
	step(&s, 8, 0.1);
	assert_int_equal(burin_trainer_profile(s.t, see_kernel, &two, &e), BURIN_E_ARG);
	check_status(burin_trainer_profile(s.t, NULL, NULL, &e), &e);
	assert_int_equal(burin_trainer_profile(s.t, see_kernel, &two, &e), BURIN_E_ARG);
	step(&s, 8, 0.1);
	step(&s, 8, 0.1);
	check_status(burin_trainer_profile(s.t, see_kernel, &two, &e), &e);
	assert_true(two.kernels > 3 && two.calls == 2 && two.ns > 0);
	/* two layers: forward and two gradients, less that of the image */
	assert_true(two.flops / 2 >= (uint64_t)2 * 8 * (2 * 64 * 24 + 3 * 24 * 4));
	step(&s, 4, 0.1);
	step(&s, 8, 0.1);
	check_status(burin_trainer_profile(s.t, see_kernel, &one, &e), &e);
	assert_int_equal(one.calls, 1);
	leave(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_profile),
		cmocka_unit_test(philox_known_answers),
		cmocka_unit_test(follows_reference),
		cmocka_unit_test(threads_do_not_show),
		cmocka_unit_test(goes_on_bit_for_bit),
		cmocka_unit_test(learns),
		cmocka_unit_test(judges_as_inference),
		cmocka_unit_test(nothing_counts),
		cmocka_unit_test(refuses),
		cmocka_unit_test(damage_is_seen),
		cmocka_unit_test(strange_heads),
		cmocka_unit_test(offsets_wrap),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
