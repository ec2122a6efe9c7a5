/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What ONNX models compute, to the bit: by the reference evaluation and compiled, from the model as
 * it is and from the XML made of it.
 *
 * Constants reach the elements they are meant for with all their bits: each operator that takes a
 * number is given one that no other type holds (an integer beyond 2^53, a double between two floats,
 * a float whose decimal text is another double). Names are no numbers. Where sizes agree by chance
 * or a coordinate lies on a tie, the result is ONNX Runtime's. */
#include "tests/unit/onnx_make.h"
#include "tests/unit/program_run.h"
#include <string.h>

enum { MAX_PORTS = 4 };

typedef struct Sample {
	OnnxText text; /* inputs and the result as "name:type[sizes]" */
	const char *in[MAX_PORTS], *want;
} Sample;

/* The elements of "1,2,3" as the type has them. */
static void *elements(Fixture *f, const Type *t, const char *text)
{
	Num v[64];
	int n = number_list(text, v, 64);
	char *data = room(f, (size_t)type_bytes(t) + 8);
	assert_int_equal(n, t->count);
	for (int i = 0; i < n; i++)
		num_store(t->dtype, data, i, v[i]);
	return data;
}

static void check_result(Fixture *f, const Sample *s, const Type *t, const void *got,
			 const char *way)
{
	const char *want = elements(f, t, s->want);
	size_t bytes = (size_t)dtype_info[t->dtype].bytes;
	for (int64_t i = 0; i < t->count; i++) {
		Str text;
		if (memcmp((const char *)got + (size_t)i * bytes, want + (size_t)i * bytes,
			   bytes) == 0)
			continue;
		str_init(&text, f->c->arena);
		num_print(&text, num_load(t->dtype, got, i));
		fail_msg("%s, %s: element %lld is %s, wanted %s", s->text.node, way, (long long)i,
			 str_text(&text), s->want);
	}
}

static void check_graph(Fixture *f, const Sample *s, const Graph *g, const char *way)
{
	EvalTensor in[MAX_PORTS], out[1];
	void *ports[MAX_PORTS + 1];
	int n = g->input.n;
	for (int i = 0; i < n; i++) {
		ports[i] = elements(f, g->input.at[i]->type, s->in[i]);
		in[i] = eval_from_data(f->c->arena, g->input.at[i]->type, ports[i]);
	}
	const Type *t = g->result.at[0]->type;
	void *data = room(f, (size_t)type_bytes(t) + 8);
	CompileOptions o = { .threads = 1, .pass.verify = true };
	assert_true(target_find("native", &o.pass.target));
	Program *p = program_compile(f->c, g, &o);
	if (!p)
		fail_msg("%s, %s: %s", s->text.node, way, messages(f->c));
	ports[n] = data;
	run(f, p, 1, ports);
	check_result(f, s, t, data, arena_printf(f->c->arena, "%s, compiled", way));
	assert_true(eval_graph(program_graph(p), f->c->arena, in, out, (EvalOptions){ 0 }));
	eval_to_data(&out[0], data);
	check_result(f, s, t, data, arena_printf(f->c->arena, "%s, evaluated", way));
	program_destroy(p);
}

static void check_sample(const Sample *s, FpMode fp)
{
	Fixture *f;
	WeightSet *weights = NULL;
	ReadOptions o = { 0 };
	Str xml;
	setup((void **)&f);
	f->c->fp = fp;
	Str model = onnx_model(f->c->arena, &s->text);
	ElemList *l = onnx_read(f->c, f->c->arena, "m.onnx", model.at, model.n, &weights);
	Graph *g = l ? build_graph(f->c, f->c->arena, l, weights, &o) : NULL;
	if (!g)
		fail_msg("%s: %s", s->text.node, messages(f->c));
	check_graph(f, s, g, "ONNX");
	str_init(&xml, f->c->arena);
	assert_true(xml_write(f->c, l, &xml, NULL));
	ElemList *again = xml_read(f->c, f->c->arena, "m.xml", str_text(&xml), xml.n);
	g = again ? build_graph(f->c, f->c->arena, again, weights, &o) : NULL;
	if (!g)
		fail_msg("%s: %s%s", s->text.node, messages(f->c), str_text(&xml));
	check_graph(f, s, g, "XML");
	weights_close(weights);
	teardown((void **)&f);
}

/* 2^53 + 1, the first integer that no double is; 2^55 + 1; the ends of i64 */
#define ODD "9007199254740993"
#define FAR "36028797018963969"
#define LOWEST "-9223372036854775808"
#define HIGHEST "9223372036854775807"
/* no float, and not what the decimals of the float beside it say */
#define FINE "1000000000.1"

static const Sample integers[] = {
	{ { 13, "Add x c -> y", "c:i64=" ODD, "x:i64[2]", "y" },
	  { "0,2" },
	  ODD ",9007199254740995" },
	{ { 13, "Add c x -> y", "c:i64=" LOWEST, "x:i64[2]", "y" },
	  { "0,1" },
	  LOWEST ",-9223372036854775807" },
	{ { 13, "Sub x c -> y", "c:i64=" FAR, "x:i64[1]", "y" }, { "0" }, "-" FAR },
	{ { 13, "Mul x c -> y", "c:i64=" ODD, "x:i64[2]", "y" }, { "1,-1" }, ODD ",-" ODD },
	{ { 13, "Div x c -> y", "c:i64=" ODD, "x:i64[2]", "y" },
	  { "9007199254740992," ODD },
	  "0,1" },
	{ { 13, "Mod x c -> y", "c:i64=" ODD, "x:i64[2]", "y" },
	  { "9007199254740992," ODD },
	  "9007199254740992,0" },
	{ { 13, "Mod x c -> y fmod:i=1", "c:i64=" ODD, "x:i64[1]", "y" },
	  { "-9007199254740994" },
	  "-1" },
	{ { 13, "Max x c -> y", "c:i64=" ODD, "x:i64[2]", "y" },
	  { "9007199254740992," FAR },
	  ODD "," FAR },
	{ { 13, "Min x c -> y", "c:i64=" ODD, "x:i64[2]", "y" },
	  { "9007199254740992," FAR },
	  "9007199254740992," ODD },
	{ { 15, "Pow x c -> y", "c:i64=1", "x:i64[1]", "y" }, { ODD }, ODD },
	{ { 15, "Pow x c -> y", "c:i64=" ODD, "x:i64[2]", "y" }, { "-1,1" }, "-1,1" },
	{ { 15, "Pow x c -> y", "c:f32=1", "x:i64[1]", "y" }, { "16777217" }, "16777217" },
	{ { 15, "Pow x c -> y", "c:f32=2", "x:i64[1]", "y" }, { "94906265" }, "9007199136250225" },
	{ { 13, "Equal x c -> y", "c:i64=" ODD, "x:i64[2]", "y" },
	  { "9007199254740992," ODD },
	  "0,1" },
	{ { 13, "Greater x c -> y", "c:i64=" ODD, "x:i64[2]", "y" },
	  { ODD ",9007199254740994" },
	  "0,1" },
	{ { 13, "Less x c -> y", "c:i64=" ODD, "x:i64[2]", "y" },
	  { "9007199254740992," ODD },
	  "1,0" },
	{ { 16, "Where p c x -> y", "c:i64=" ODD, "p:bool[2];x:i64[2]", "y" },
	  { "1,0", "5,7" },
	  ODD ",7" },
	{ { 16, "Where p x c -> y", "c:i64=" FAR, "p:bool[2];x:i64[2]", "y" },
	  { "1,0", "5,7" },
	  "5," FAR },
	{ { 18, "BitwiseAnd x c -> y", "c:i64=" ODD, "x:i64[1]", "y" }, { "-1" }, ODD },
	{ { 18, "BitwiseXor x c -> y", "c:i64=" ODD, "x:i64[1]", "y" }, { "0" }, ODD },
	{ { 13, "Clip x a b -> y", "a:i64=" ODD ";b:i64=" FAR, "x:i64[3]", "y" },
	  { "-5,9007199254740994,36028797018963970" },
	  ODD ",9007199254740994," FAR },
	{ { 13, "Clip x a b -> y", "a:i64=" LOWEST ";b:i64=" HIGHEST, "x:i64[2]", "y" },
	  { LOWEST "," HIGHEST },
	  LOWEST "," HIGHEST },
	{ { 13, "Clip x - b -> y", "b:i32=2147483646", "x:i32[2]", "y" },
	  { "2147483647,-2147483648" },
	  "2147483646,-2147483648" },
	{ { 13, "Pad x p c -> y", "p:i64[2]=1,1;c:i64=" FAR, "x:i64[1]", "y" },
	  { "5" },
	  FAR ",5," FAR },
	{ { 13, "ConstantOfShape s -> c value:t=i64[1]=" FAR ";Add x c -> y", "s:i64[1]=2",
	    "x:i64[2]", "y" },
	  { "0,1" },
	  FAR ",36028797018963970" },
	{ { 13, "ConstantOfShape s -> c value:t=i64[1]=" LOWEST ";Add x c -> y", "s:i64[1]=1",
	    "x:i64[1]", "y" },
	  { "0" },
	  LOWEST },
	{ { 13, "Constant -> c value_int:i=" ODD ";Add x c -> y", NULL, "x:i64[1]", "y" },
	  { "0" },
	  ODD },
	{ { 13, "Constant -> c value_ints:I=" ODD "," FAR ";Add x c -> y", NULL, "x:i64[2]", "y" },
	  { "0,0" },
	  ODD "," FAR },
	{ { 13, "OneHot i d v -> y", "d:i64=2;v:i64[2]=-" FAR "," ODD, "i:i64[2]", "y" },
	  { "0,1" },
	  ODD ",-" FAR ",-" FAR "," ODD },
	{ { 13, "OneHot i d v -> y", "d:i64=2;v:i32[2]=16777217,-16777219", "i:i64[1]", "y" },
	  { "0" },
	  "-16777219,16777217" },
	{ { 13, "Range a b c -> r;Add x r -> y", "a:i64=" FAR ";b:i64=36028797018963972;c:i64=1",
	    "x:i64[3]", "y" },
	  { "0,0,0" },
	  FAR ",36028797018963970,36028797018963971" },
	{ { 13, "Range a b c -> r;Add x r -> y",
	    "a:i64=" HIGHEST ";b:i64=" LOWEST ";c:i64=-" HIGHEST, "x:i64[3]", "y" },
	  { "0,0,0" },
	  HIGHEST ",0,-" HIGHEST },
	{ { 13, "Range a b c -> r;Add x r -> y", "a:i32=2147483645;b:i32=2147483647;c:i32=1",
	    "x:i32[2]", "y" },
	  { "0,0" },
	  "2147483645,2147483646" },
	{ { 14, "Trilu x k -> y", "k:i64=" LOWEST, "x:i64[1,2]", "y" }, { "5,6" }, "5,6" },
	{ { 14, "Trilu x k -> y", "k:i64=" HIGHEST, "x:i64[1,2]", "y" }, { "5,6" }, "0,0" },
	{ { 13, "Slice x s e -> y", "s:i64[1]=" LOWEST ";e:i64[1]=" HIGHEST, "x:i64[2]", "y" },
	  { "5,6" },
	  "5,6" },
	{ { 13, "Slice x s e a t -> y",
	    "s:i64[1]=" HIGHEST ";e:i64[1]=" LOWEST ";a:i64[1]=0;t:i64[1]=-1", "x:i64[2]", "y" },
	  { "5,6" },
	  "6,5" },
	{ { 13, "ScatterND x i u -> y", "i:i64[1,1]=1;u:i64[1]=" ODD, "x:i64[2]", "y" },
	  { "0,0" },
	  "0," ODD },
	{ { 13, "Cast c -> d to:i=7;Add x d -> y", "c:f64=4503599627370497", "x:i64[1]", "y" },
	  { "0" },
	  "4503599627370497" },
};

static const Sample doubles[] = {
	{ { 13, "Add x c -> y", "c:f64=" FINE, "x:f64[1]", "y" }, { "0" }, FINE },
	{ { 13, "Mul x c -> y", "c:f64=" FINE, "x:f64[1]", "y" }, { "1" }, FINE },
	{ { 13, "Max x c -> y", "c:f64=" FINE, "x:f64[1]", "y" }, { "0" }, FINE },
	{ { 13, "Equal x c -> y", "c:f64=0.1", "x:f64[2]", "y" },
	  { "0.1,0.10000000149011612" },
	  "1,0" },
	{ { 16, "Where p c x -> y", "c:f64=" FINE, "p:bool[2];x:f64[2]", "y" },
	  { "1,0", "5,7" },
	  FINE ",7" },
	{ { 13, "Clip x a b -> y", "a:f64=0.1;b:f64=" FINE, "x:f64[2]", "y" },
	  { "0,2e9" },
	  "0.1," FINE },
	{ { 13, "Pad x p c -> y", "p:i64[2]=1,0;c:f64=" FINE, "x:f64[1]", "y" },
	  { "5" },
	  FINE ",5" },
	{ { 13, "ConstantOfShape s -> c value:t=f64[1]=" FINE ";Add x c -> y", "s:i64[1]=1",
	    "x:f64[1]", "y" },
	  { "0" },
	  FINE },
	{ { 13, "OneHot i d v -> y", "d:i64=2;v:f64[2]=0.1," FINE, "i:i64[1]", "y" },
	  { "1" },
	  "0.1," FINE },
	{ { 13, "Range a b c -> r;Add x r -> y", "a:f64=" FINE ";b:f64=1000000003;c:f64=2",
	    "x:f64[2]", "y" },
	  { "0,0" },
	  FINE ",1000000002.1" },
	/* attributes of ONNX are floats: 0.1 is the float, also beside doubles */
	{ { 16, "LeakyRelu x -> y alpha:f=0.1", NULL, "x:f64[1]", "y" },
	  { "-1" },
	  "-0.10000000149011612" },
	{ { 16, "LeakyRelu x -> y", NULL, "x:f64[1]", "y" }, { "-1" }, "-0.009999999776482582" },
	{ { 22, "ThresholdedRelu x -> y alpha:f=0.1", NULL, "x:f64[2]", "y" },
	  { "0.1,0.10000000149011613" },
	  "0,0.10000000149011613" },
	{ { 9, "Shrink x -> y lambd:f=0.1 bias:f=0.1", NULL, "x:f64[2]", "y" },
	  { "1,0.1" },
	  "0.8999999985098839,0" },
	{ { 6, "HardSigmoid x -> y", NULL, "x:f64[1]", "y" }, { "1" }, "0.7000000029802322" },
	{ { 6, "HardSigmoid x -> y alpha:f=0.1 beta:f=0.1", NULL, "x:f64[1]", "y" },
	  { "0" },
	  "0.10000000149011612" },
	{ { 6, "Clip x -> y min:f=0.1 max:f=0.7", NULL, "x:f64[2]", "y" },
	  { "0,1" },
	  "0.10000000149011612,0.699999988079071" },
	{ { 10, "Pad x -> y pads:I=1,0 value:f=0.1", NULL, "x:f64[1]", "y" },
	  { "5" },
	  "0.10000000149011612,5" },
	{ { 13, "Gemm a b c -> y alpha:f=0.1 beta:f=0", NULL, "a:f64[1,1];b:f64[1,1];c:f64[1]",
	    "y" },
	  { "1", "1", "1" },
	  "0.10000000149011612" },
	{ { 13, "Gemm a b c -> y alpha:f=0 beta:f=0.1", NULL, "a:f64[1,1];b:f64[1,1];c:f64[1]",
	    "y" },
	  { "1", "1", "1" },
	  "0.10000000149011612" },
	{ { 13, "Constant -> c value_float:f=0.1;Cast c -> d to:i=11;Add x d -> y", NULL,
	    "x:f64[1]", "y" },
	  { "0" },
	  "0.10000000149011612" },
	{ { 15, "Pow x c -> y", "c:f32=1", "x:f64[1]", "y" }, { FINE }, FINE },
	{ { 13, "Elu x -> y alpha:f=0.1", NULL, "x:f64[1]", "y" },
	  { "-1000" },
	  "-0.10000000149011612" },
	{ { 15, "BatchNormalization x s b m v -> y epsilon:f=0.1",
	    "s:f64[1]=1;b:f64[1]=0;m:f64[1]=0;v:f64[1]=0.149999998509883881", "x:f64[1,1]", "y" },
	  { "0.5" },
	  "1" },
};

/* Floats whose decimals are other doubles: how many numbers a range has, and that they stay. */
static const Sample floats[] = {
	{ { 13, "Range a b c -> r;Mul x r -> y", "a:f32=0;b:f32=0.3;c:f32=0.1", "x:f32[4]", "y" },
	  { "1,1,1,1" },
	  "0,0.1,0.2,0.3" },
	{ { 13, "Range a b c -> r;Add x r -> y", "a:f32=1.2;b:f32=1.8;c:f32=0.3", "x:f32[2]", "y" },
	  { "0,0" },
	  "1.2,1.5" },
	{ { 13, "Range a b c -> r;Shape r -> y", "a:f32=0;b:f32=2.1;c:f32=0.3", "x:f32[1]", "y" },
	  { "0" },
	  "7" },
	{ { 13, "Range a b c -> r;Shape r -> y", "a:f32=0;b:f32=1;c:f32=0.1", "x:f32[1]", "y" },
	  { "0" },
	  "10" },
	{ { 13, "Add x c -> y", "c:f32=1e20", "x:f32[1]", "y" }, { "0" }, "1e20" },
	{ { 13, "Add x c -> y", "c:f32=16777217", "x:f32[1]", "y" }, { "0" }, "16777216" },
	{ { 13, "Max x c -> y", "c:f32=1.1754944e-38", "x:f32[1]", "y" },
	  { "0" },
	  "1.1754944e-38" },
	{ { 13, "Clip x a b -> y", "a:f32=0.1;b:f32=0.7", "x:f32[2]", "y" }, { "0,1" }, "0.1,0.7" },
	{ { 13, "OneHot i d v -> y", "d:i64=2;v:f32[2]=0.1,0.7", "i:i64[1]", "y" },
	  { "1" },
	  "0.1,0.7" },
	{ { 16, "LeakyRelu x -> y alpha:f=0.1", NULL, "x:f32[1]", "y" }, { "-1" }, "-0.1" },
};

/* Sizes that agree by chance, coordinates on ties, lists that are longer than most. */
static const Sample shapes[] = {
	{ { 16, "PRelu x s -> y", "s:f32[2]=10,100", "x:f32[1,2,2,2]", "y" },
	  { "-1,-2,-3,-4,-5,-6,-7,-8" },
	  "-10,-200,-30,-400,-50,-600,-70,-800" },
	{ { 16, "PRelu x s -> y", NULL, "x:f32[1,2,2];s:f32[2]", "y" },
	  { "-1,-2,-3,-4", "10,100" },
	  "-10,-200,-30,-400" },
	{ { 16, "PRelu x s -> y", "s:f32[2,1]=10,100", "x:f32[1,2,2]", "y" },
	  { "-1,-2,-3,-4" },
	  "-10,-20,-300,-400" },
	{ { 6, "PRelu x s -> y", "s:f32[2]=10,100", "x:f32[1,2,2]", "y" },
	  { "-1,-2,-3,-4" },
	  "-10,-20,-300,-400" },
	{ { 13, "Gemm a b c -> y", "c:f32[2]=5,7", "a:f32[2,1];b:f32[1,2]", "y" },
	  { "0,0", "0,0" },
	  "5,7,5,7" },
	{ { 13, "Gemm a b c -> y", "c:f32[2,1]=5,7", "a:f32[2,1];b:f32[1,2]", "y" },
	  { "0,0", "0,0" },
	  "5,5,7,7" },
	{ { 6, "Add x c -> y axis:i=0 broadcast:i=1", "c:f32[2]=5,7", "x:f32[2,2]", "y" },
	  { "0,0,0,0" },
	  "5,5,7,7" },
	{ { 6, "Add x c -> y axis:i=1 broadcast:i=1", "c:f32[2]=5,7", "x:f32[2,2]", "y" },
	  { "0,0,0,0" },
	  "5,7,5,7" },
	{ { 13,
	    "Split x s -> o0 o1 o2 o3 o4 o5 o6 o7 o8 o9 o10 o11 o12 o13 o14 o15 o16 o17 o18 "
	    "o19;Sub o19 o0 -> y",
	    "s:i64[20]=1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1", "x:i64[20]", "y" },
	  { "0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19" },
	  "19" },
	{ { 13,
	    "Constant -> s value_ints:I=1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1;Split x s -> o0 o1 "
	    "o2 o3 o4 o5 o6 o7 o8 o9 o10 o11 o12 o13 o14 o15 o16 o17 o18 o19;Sub o19 o1 -> y",
	    NULL, "x:i64[20]", "y" },
	  { "0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19" },
	  "18" },
	{ { 13, "Resize x - - s -> y mode:s=nearest nearest_mode:s=round_prefer_ceil",
	    "s:i64[3]=1,1,6", "x:f32[1,1,20]", "y" },
	  { "0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19" },
	  "1,5,8,11,15,18" },
	{ { 13, "Resize x - - s -> y mode:s=nearest nearest_mode:s=round_prefer_floor",
	    "s:i64[3]=1,1,6", "x:f32[1,1,20]", "y" },
	  { "0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19" },
	  "1,4,8,11,14,18" },
	{ { 13, "Resize x - s -> y mode:s=nearest nearest_mode:s=round_prefer_ceil",
	    "s:f32[3]=1,1,0.3", "x:f32[1,1,20]", "y" },
	  { "0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19" },
	  "1,5,8,11,15,18" },
	{ { 13,
	    "Resize x - - s -> y mode:s=nearest nearest_mode:s=round_prefer_ceil "
	    "coordinate_transformation_mode:s=asymmetric",
	    "s:i64[3]=1,1,8", "x:f32[1,1,7]", "y" },
	  { "0,1,2,3,4,5,6" },
	  "0,1,2,3,4,4,5,6" },
	{ { 13,
	    "Resize x - s -> y mode:s=nearest nearest_mode:s=floor "
	    "coordinate_transformation_mode:s=asymmetric",
	    "s:f32[3]=1,1,1.3", "x:f32[1,1,10]", "y" },
	  { "0,1,2,3,4,5,6,7,8,9" },
	  "0,0,1,2,3,3,4,5,6,6,7,8,9" },
	{ { 13, "ConvTranspose x w b -> y strides:I=2 output_shape:I=6",
	    "w:f32[1,1,3]=1,2,3;b:f32[1]=1", "x:f32[1,1,2]", "y" },
	  { "1,10" },
	  "2,3,14,21,31,1" },
	{ { 13, "ConvTranspose x w -> y strides:I=3,2 output_shape:I=4,3", "w:f32[1,1,2,2]=1,2,3,4",
	    "x:f32[1,1,1,1]", "y" },
	  { "1" },
	  "1,2,0,3,4,0,0,0,0,0,0,0" },
	{ { 13, "ConvTranspose x w -> y strides:I=2 output_shape:I=4", "w:f32[1,1,3]=1,2,3",
	    "x:f32[1,1,2]", "y" },
	  { "1,10" },
	  "2,13,20,30" },
};

/* Inputs that are called as the numbers which stand beside them. */
static const Sample named[] = {
	{ { 13, "Sub c 0 -> t;Mul t 1 -> y", "c:f32=1", "0:f32[1];1:f32[1]", "y" },
	  { "3", "5" },
	  "-10" },
	{ { 13, "Mean 1 2 -> y", NULL, "1:f32[1];2:f32[1]", "y" }, { "6", "10" }, "8" },
	{ { 9, "Shrink 0 -> 1", NULL, "0:f32[3]", "1" }, { "-2,0.25,2" }, "-2,0,2" },
	{ { 10, "ThresholdedRelu 0 -> y", NULL, "0:f32[2]", "y" }, { "0.5,3" }, "0,3" },
	{ { 13, "Add x c -> t;Mul t 0.5 -> y", "c:f32=0.5", "0.5:f32[1];x:f32[1]", "y" },
	  { "7", "1" },
	  "10.5" },
	{ { 13, "IsInf 0 -> y detect_negative:i=0", NULL, "0:f32[2]", "y" },
	  { "inf,-inf" },
	  "1,0" },
	{ { 13, "Add inf c -> y", "c:f32=inf", "inf:f32[1]", "y" }, { "-1" }, "inf" },
	{ { 13, "Add nan c -> y", "c:f32=1e5", "1e5:f32[1];nan:f32[1]", "y" },
	  { "3", "4" },
	  "100004" },
	{ { 13, "Add true c -> y", "c:i64=-1", "-1:i64[1];true:i64[1]", "y" }, { "3", "4" }, "3" },
};

static void check_samples(const Sample *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		check_sample(&s[i], FP_CONTRACT);
		check_sample(&s[i], FP_STRICT);
	}
}

static void integers_are_exact(void **state)
{
	(void)state;
	check_samples(integers, sizeof integers / sizeof *integers);
}

static void doubles_are_exact(void **state)
{
	(void)state;
	check_samples(doubles, sizeof doubles / sizeof *doubles);
}

static void floats_are_exact(void **state)
{
	(void)state;
	check_samples(floats, sizeof floats / sizeof *floats);
}

static void shapes_are_those_of_onnx(void **state)
{
	(void)state;
	check_samples(shapes, sizeof shapes / sizeof *shapes);
}

static void names_are_no_numbers(void **state)
{
	(void)state;
	check_samples(named, sizeof named / sizeof *named);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(names_are_no_numbers),
					    cmocka_unit_test(shapes_are_those_of_onnx),
					    cmocka_unit_test(integers_are_exact),
					    cmocka_unit_test(doubles_are_exact),
					    cmocka_unit_test(floats_are_exact) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
