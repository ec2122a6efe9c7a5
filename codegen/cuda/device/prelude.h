/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Prelude of all generated kernels: the names they are written in, each with two bodies. A GPU's
 * compiler (NVRTC; clang in a test) takes the first, the system's C compiler for the emulation the
 * second. What it says in plain C, it says once for both. Integers wrap, division by zero gives 0,
 * minimum and maximum keep NaN, conversions to integers saturate. */
typedef float f32;
typedef double f64;
typedef signed char i8;
typedef unsigned char u8;
typedef short i16;
typedef unsigned short u16;
typedef int i32;
typedef unsigned int u32;
typedef long long i64;
typedef unsigned long long u64;

/* --- the machine ----------------------------------------------------------------------------- */

#ifdef __CUDA_ARCH__

#ifndef __CUDACC_RTC__ /* clang without its headers */
#define __global__ __attribute__((global))
#define __device__ __attribute__((device))
#define __shared__ __attribute__((shared))
#define __launch_bounds__(n) __attribute__((launch_bounds(n)))
#define __align__(n) __attribute__((aligned(n)))
#define BURIN_MATH(name) __nv_##name
extern "C" {
__device__ float __nv_expf(float), __nv_logf(float), __nv_sinf(float), __nv_cosf(float);
__device__ float __nv_tanhf(float), __nv_erff(float), __nv_powf(float, float);
__device__ float __nv_expm1f(float), __nv_log1pf(float);
__device__ float __nv_fmodf(float, float), __nv_fmaf(float, float, float), __nv_sqrtf(float);
__device__ float __nv_fabsf(float), __nv_floorf(float), __nv_ceilf(float), __nv_rintf(float);
__device__ double __nv_exp(double), __nv_log(double), __nv_sin(double), __nv_cos(double);
__device__ double __nv_tanh(double), __nv_erf(double), __nv_pow(double, double);
__device__ double __nv_expm1(double), __nv_log1p(double);
__device__ double __nv_fmod(double, double), __nv_fma(double, double, double), __nv_sqrt(double);
__device__ double __nv_fabs(double), __nv_floor(double), __nv_ceil(double), __nv_rint(double);
}
#else
#define BURIN_MATH(name) name
#endif

#define BURIN_KERNEL(threads) extern "C" __global__ void __launch_bounds__(threads)
#define BURIN_FN static __device__ __inline__
#define BURIN_SHARED(type, name, number, count) __shared__ __align__(16) type name[count]
#define BURIN_UNROLL _Pragma("unroll")

BURIN_FN i32 burin_lane(void)
{
	i32 r;
	asm("mov.u32 %0, %%tid.x;" : "=r"(r));
	return r;
}

BURIN_FN i32 burin_block(void)
{
	i32 r;
	asm("mov.u32 %0, %%ctaid.x;" : "=r"(r));
	return r;
}

BURIN_FN i32 burin_blocks(void)
{
	i32 r;
	asm("mov.u32 %0, %%nctaid.x;" : "=r"(r));
	return r;
}

BURIN_FN void burin_barrier(void)
{
	asm volatile("barrier.sync 0;" : : : "memory");
}

BURIN_FN u32 burin_exchange_u32(u32 x, i32 mask)
{
	u32 r;
	asm volatile("shfl.sync.bfly.b32 %0, %1, %2, 31, 0xffffffff;"
		     : "=r"(r)
		     : "r"(x), "r"(mask));
	return r;
}

BURIN_FN f32 burin_f32_of_f16(u16 x)
{
	f32 r;
	asm("cvt.f32.f16 %0, %1;" : "=f"(r) : "h"(x));
	return r;
}

BURIN_FN u16 burin_f16_of_f32(f32 x)
{
	u16 r;
	asm("cvt.rn.f16.f32 %0, %1;" : "=h"(r) : "f"(x));
	return r;
}

/* c[16][8] += a[16][16] b[16][8] by the warp; each thread's share as ir/kernel.h says. The shares are
 * whole arrays, so that the compiler refuses others. */
#if __CUDA_ARCH__ >= 800
BURIN_FN void burin_mma_bf16(f32 (*c)[4], i32 (*a)[4], i32 (*b)[2])
{
	asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
		     "{%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
		     : "+f"((*c)[0]), "+f"((*c)[1]), "+f"((*c)[2]), "+f"((*c)[3])
		     : "r"((*a)[0]), "r"((*a)[1]), "r"((*a)[2]), "r"((*a)[3]), "r"((*b)[0]),
		       "r"((*b)[1]));
}

/* two numbers as a word: one instruction, where the tiles of such products are filled */
BURIN_FN i32 burin_pack_bf16(f32 low, f32 high)
{
	i32 r;
	asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(r) : "f"(high), "f"(low));
	return r;
}
#define BURIN_PACKS
#endif

#else /* the emulation */

#include <math.h>
#define BURIN_MATH(name) name
#define BURIN_KERNEL(threads) void
#define BURIN_FN static inline __attribute__((unused))
#define BURIN_SHARED(type, name, number, count) type *const name = burin_emu_shared(number)
#define BURIN_UNROLL

i32 burin_emu_lane(void), burin_emu_block(void), burin_emu_blocks(void);
void *burin_emu_shared(i32 number);
void burin_emu_barrier(i32 line);
void burin_emu_mma_bf16(f32 (*c)[4], i32 (*a)[4], i32 (*b)[2], i32 line);
u32 burin_emu_exchange(u32 x, i32 mask, i32 line);
#define burin_lane() burin_emu_lane()
#define burin_block() burin_emu_block()
#define burin_blocks() burin_emu_blocks()
#define burin_barrier() burin_emu_barrier(__LINE__)
#define burin_exchange_u32(x, mask) burin_emu_exchange((x), (mask), __LINE__)

BURIN_FN f32 burin_f32_of_f16(u16 x)
{
	union {
		u32 u;
		f32 f;
	} r;
	u32 sign = (u32)(x & 0x8000) << 16, rest = x & 0x7fff;
	if (rest >= 0x7c00)
		r.u = 0x7f800000 | rest << 13;
	else if (rest >= 0x400)
		r.u = (rest << 13) + (112u << 23);
	else
		r.f = (f32)rest * 0x1p-24f;
	r.u |= sign;
	return r.f;
}

BURIN_FN u16 burin_f16_of_f32(f32 x)
{
	union {
		f32 f;
		u32 u;
	} r = { x };
	u32 sign = r.u >> 16 & 0x8000, rest = r.u & 0x7fffffff;
	r.u = rest;
	if (rest > 0x7f800000)
		return (u16)(sign | 0x7e00);
	if (rest >= 0x477ff000)
		return (u16)(sign | 0x7c00);
	if (rest < 0x38800000) /* subnormal: rounded by the addition */
		r.f += 0.5f, r.u -= 0x3f000000;
	else
		r.u = (r.u - (112u << 23) + 0xfff + (r.u >> 13 & 1)) >> 13;
	return (u16)(sign | r.u);
}

#define burin_mma_bf16(c, a, b) burin_emu_mma_bf16((c), (a), (b), __LINE__)

#endif

/* --- bits ------------------------------------------------------------------------------------ */

BURIN_FN f32 burin_f32_bits(u32 x)
{
	union {
		u32 u;
		f32 f;
	} r;
	r.u = x;
	return r.f;
}

BURIN_FN u32 burin_bits_f32(f32 x)
{
	union {
		f32 f;
		u32 u;
	} r;
	r.f = x;
	return r.u;
}

BURIN_FN f64 burin_f64_bits(u64 x)
{
	union {
		u64 u;
		f64 f;
	} r;
	r.u = x;
	return r.f;
}

BURIN_FN u64 burin_bits_f64(f64 x)
{
	union {
		f64 f;
		u64 u;
	} r;
	r.f = x;
	return r.u;
}

#define burin_inf_f32() burin_f32_bits(0x7f800000u)
#define burin_nan_f32() burin_f32_bits(0x7fc00000u)
#define burin_inf_f64() burin_f64_bits(0x7ff0000000000000ull)
#define burin_nan_f64() burin_f64_bits(0x7ff8000000000000ull)

BURIN_FN f32 burin_f32_of_bf16(u16 x)
{
	return burin_f32_bits((u32)x << 16);
}

BURIN_FN u16 burin_bf16_of_f32(f32 x)
{
	u32 u = burin_bits_f32(x);
	if (x != x)
		return (u16)(u >> 16 | 0x40);
	return (u16)((u + 0x7fff + (u >> 16 & 1)) >> 16);
}

#ifndef BURIN_PACKS
BURIN_FN i32 burin_pack_bf16(f32 low, f32 high)
{
	return (i32)((u32)burin_bf16_of_f32(high) << 16 | burin_bf16_of_f32(low));
}
#endif

BURIN_FN f32 burin_round_f16(f32 x)
{
	return burin_f32_of_f16(burin_f16_of_f32(x));
}

BURIN_FN f32 burin_round_bf16(f32 x)
{
	return burin_f32_of_bf16(burin_bf16_of_f32(x));
}

/* --- floats ---------------------------------------------------------------------------------- */

#define BURIN_FLOAT(t, f) \
	BURIN_FN t burin_min_##t(t x, t y) \
	{ \
		return x < y || x != x ? x : y; \
	} \
	BURIN_FN t burin_max_##t(t x, t y) \
	{ \
		return x > y || x != x ? x : y; \
	} \
	BURIN_FN t burin_pow_##t(t x, t y) \
	{ \
		return BURIN_MATH(pow##f)(x, y); \
	} \
	BURIN_FN t burin_fmod_##t(t x, t y) \
	{ \
		return BURIN_MATH(fmod##f)(x, y); \
	} \
	BURIN_FN t burin_mod_##t(t x, t y) \
	{ \
		t r = BURIN_MATH(fmod##f)(x, y); \
		return (r < 0) != (y < 0) && (r < 0 || r > 0) ? r + y : r; \
	} \
	BURIN_FN t burin_fma_##t(t x, t y, t z) \
	{ \
		return BURIN_MATH(fma##f)(x, y, z); \
	} \
	BURIN_FN t burin_abs_##t(t x) \
	{ \
		return BURIN_MATH(fabs##f)(x); \
	} \
	BURIN_FN t burin_sign_##t(t x) \
	{ \
		return x > 0 ? (t)1 : x < 0 ? (t)-1 : x; \
	} \
	BURIN_FN t burin_relu_##t(t x) \
	{ \
		return x < 0 ? 0 : x; \
	} \
	BURIN_FN t burin_exp_##t(t x) \
	{ \
		return BURIN_MATH(exp##f)(x); \
	} \
	BURIN_FN t burin_log_##t(t x) \
	{ \
		return BURIN_MATH(log##f)(x); \
	} \
	BURIN_FN t burin_expm1_##t(t x) \
	{ \
		return BURIN_MATH(expm1##f)(x); \
	} \
	BURIN_FN t burin_log1p_##t(t x) \
	{ \
		return BURIN_MATH(log1p##f)(x); \
	} \
	BURIN_FN t burin_sqrt_##t(t x) \
	{ \
		return BURIN_MATH(sqrt##f)(x); \
	} \
	BURIN_FN t burin_sin_##t(t x) \
	{ \
		return BURIN_MATH(sin##f)(x); \
	} \
	BURIN_FN t burin_cos_##t(t x) \
	{ \
		return BURIN_MATH(cos##f)(x); \
	} \
	BURIN_FN t burin_tanh_##t(t x) \
	{ \
		return BURIN_MATH(tanh##f)(x); \
	} \
	BURIN_FN t burin_erf_##t(t x) \
	{ \
		return BURIN_MATH(erf##f)(x); \
	} \
	BURIN_FN t burin_sigmoid_##t(t x) /* by e^-|x|, which cannot overflow */ \
	{ \
		t q = BURIN_MATH(exp##f)(x < 0 ? x : -x); \
		return (x < 0 ? q : (t)1) / (q + 1); \
	} \
	BURIN_FN t burin_floor_##t(t x) \
	{ \
		return BURIN_MATH(floor##f)(x); \
	} \
	BURIN_FN t burin_ceil_##t(t x) \
	{ \
		return BURIN_MATH(ceil##f)(x); \
	} \
	BURIN_FN t burin_round_##t(t x) /* ties to even */ \
	{ \
		return BURIN_MATH(rint##f)(x); \
	} \
	BURIN_FN i32 burin_isnan_##t(t x) \
	{ \
		return x != x; \
	} \
	BURIN_FN i32 burin_isinf_##t(t x) \
	{ \
		return BURIN_MATH(fabs##f)(x) == burin_inf_##t(); \
	} \
	BURIN_FN t burin_and_##t(t x, t y) \
	{ \
		return x != 0 && y != 0 ? (t)1 : (t)0; \
	} \
	BURIN_FN t burin_or_##t(t x, t y) \
	{ \
		return x != 0 || y != 0 ? (t)1 : (t)0; \
	} \
	BURIN_FN t burin_xor_##t(t x, t y) \
	{ \
		return (x != 0) != (y != 0) ? (t)1 : (t)0; \
	} \
	BURIN_FN t burin_not_##t(t x) \
	{ \
		return x == 0 ? (t)1 : (t)0; \
	}
BURIN_FLOAT(f32, f)
BURIN_FLOAT(f64, )

/* --- integers -------------------------------------------------------------------------------- */

/* u: the unsigned type that sums and products wrap in; least: 0 or the least value */
#define BURIN_INT(t, u, least) \
	BURIN_FN t burin_add_##t(t x, t y) \
	{ \
		return (t)((u)x + (u)y); \
	} \
	BURIN_FN t burin_sub_##t(t x, t y) \
	{ \
		return (t)((u)x - (u)y); \
	} \
	BURIN_FN t burin_mul_##t(t x, t y) \
	{ \
		return (t)((u)x * (u)y); \
	} \
	BURIN_FN t burin_neg_##t(t x) \
	{ \
		return (t)(0 - (u)x); \
	} \
	BURIN_FN t burin_min_##t(t x, t y) \
	{ \
		return x < y ? x : y; \
	} \
	BURIN_FN t burin_max_##t(t x, t y) \
	{ \
		return x > y ? x : y; \
	} \
	BURIN_FN t burin_abs_##t(t x) \
	{ \
		return x < 0 ? burin_neg_##t(x) : x; \
	} \
	BURIN_FN t burin_sign_##t(t x) \
	{ \
		return (t)((x > 0) - (x < 0)); \
	} \
	BURIN_FN t burin_relu_##t(t x) \
	{ \
		return x < 0 ? (t)0 : x; \
	} \
	BURIN_FN i32 burin_divides_##t(t x, t y) /* without a trap */ \
	{ \
		return y != 0 && !(least < 0 && x == (t)(least) && y == (t)-1); \
	} \
	BURIN_FN t burin_div_##t(t x, t y) \
	{ \
		return burin_divides_##t(x, y) ? (t)(x / y) : y == 0 ? (t)0 : x; \
	} \
	BURIN_FN t burin_fmod_##t(t x, t y) \
	{ \
		return burin_divides_##t(x, y) ? (t)(x % y) : (t)0; \
	} \
	BURIN_FN t burin_mod_##t(t x, t y) \
	{ \
		t r = burin_fmod_##t(x, y); \
		return r != 0 && (r < 0) != (y < 0) ? (t)(r + y) : r; \
	} \
	BURIN_FN t burin_pow_##t(t x, t y) \
	{ \
		t r = 1; \
		if (y < 0) \
			return x == 1                    ? (t)1 \
			       : least < 0 && x == (t)-1 ? (t)(y & 1 ? -1 : 1) \
							 : (t)0; \
		for (; y; y = (t)(y >> 1)) { \
			if (y & 1) \
				r = burin_mul_##t(r, x); \
			x = burin_mul_##t(x, x); \
		} \
		return r; \
	}
#define BURIN_I64_LEAST (-9223372036854775807ll - 1)
BURIN_INT(i8, u32, -128)
BURIN_INT(u8, u32, 0)
BURIN_INT(i16, u32, -32768)
BURIN_INT(i32, u32, -2147483647 - 1)
BURIN_INT(i64, u64, BURIN_I64_LEAST)

/* top: the first number beyond the largest value, as a float */
#define BURIN_FROM(t, f, least, top, most) \
	BURIN_FN t burin_##t##_from_##f(f x) \
	{ \
		return x >= (f)(top)      ? (t)(most) \
		       : x > (f)(least)-1 ? (t)x \
		       : x != x           ? (t)0 \
					  : (t)(least); \
	}
BURIN_FROM(i8, f32, -128, 128, 127)
BURIN_FROM(u8, f32, 0, 256, 255)
BURIN_FROM(i16, f32, -32768, 32768, 32767)
BURIN_FROM(i8, f64, -128, 128, 127)
BURIN_FROM(u8, f64, 0, 256, 255)
BURIN_FROM(i16, f64, -32768, 32768, 32767)
BURIN_FROM(i32, f64, -2147483648.0, 2147483648.0, 2147483647)

/* where the least value minus one is not a number of the float type */
#define BURIN_FROM_WIDE(t, f, least_value, top, most) \
	BURIN_FN t burin_##t##_from_##f(f x) \
	{ \
		return x >= (f)(top)    ? (t)(most) \
		       : x >= -(f)(top) ? (t)x \
		       : x != x         ? (t)0 \
					: (t)(least_value); \
	}
BURIN_FROM_WIDE(i32, f32, -2147483647 - 1, 2147483648.0f, 2147483647)
BURIN_FROM_WIDE(i64, f32, BURIN_I64_LEAST, 9223372036854775808.0f, 9223372036854775807ll)
BURIN_FROM_WIDE(i64, f64, BURIN_I64_LEAST, 9223372036854775808.0, 9223372036854775807ll)

/* --- threads together ------------------------------------------------------------------------ */

#define burin_exchange_i32(x, mask) ((i32)burin_exchange_u32((u32)(x), (mask)))
#define burin_exchange_f32(x, mask) burin_f32_bits(burin_exchange_u32(burin_bits_f32(x), (mask)))

BURIN_FN u64 burin_exchange_u64(u64 x, i32 mask)
{
	u32 low = burin_exchange_u32((u32)x, mask), high = burin_exchange_u32((u32)(x >> 32), mask);
	return (u64)high << 32 | low;
}

#define burin_exchange_i64(x, mask) ((i64)burin_exchange_u64((u64)(x), (mask)))
#define burin_exchange_f64(x, mask) burin_f64_bits(burin_exchange_u64(burin_bits_f64(x), (mask)))

#define BURIN_ADD_FLOAT(x, y) ((x) + (y))
#define BURIN_MUL_FLOAT(x, y) ((x) * (y))

/* All threads of the block combine their x, in a fixed tree, and get the result. room: memory that
 * all of them share, a word for each warp. */
#define BURIN_FOLD(name, t, combine) \
	BURIN_FN t burin_fold_##name##_##t(t x, i32 warps, u64 *room) \
	{ \
		t *all = (t *)room; \
		BURIN_UNROLL for (i32 mask = 16; mask; mask >>= 1) \
		{ \
			t y = burin_exchange_##t(x, mask); \
			x = combine(x, y); \
		} \
		if (warps == 1) \
			return x; \
		burin_barrier(); \
		if ((burin_lane() & 31) == 0) \
			all[burin_lane() >> 5] = x; \
		burin_barrier(); \
		x = all[0]; \
		for (i32 w = 1; w < warps; w++) \
			x = combine(x, all[w]); \
		return x; \
	}
BURIN_FOLD(sum, f32, BURIN_ADD_FLOAT)
BURIN_FOLD(prod, f32, BURIN_MUL_FLOAT)
BURIN_FOLD(max, f32, burin_max_f32)
BURIN_FOLD(min, f32, burin_min_f32)
BURIN_FOLD(sum, f64, BURIN_ADD_FLOAT)
BURIN_FOLD(prod, f64, BURIN_MUL_FLOAT)
BURIN_FOLD(max, f64, burin_max_f64)
BURIN_FOLD(min, f64, burin_min_f64)
BURIN_FOLD(sum, i32, burin_add_i32)
BURIN_FOLD(prod, i32, burin_mul_i32)
BURIN_FOLD(max, i32, burin_max_i32)
BURIN_FOLD(min, i32, burin_min_i32)
BURIN_FOLD(sum, i64, burin_add_i64)
BURIN_FOLD(prod, i64, burin_mul_i64)
BURIN_FOLD(max, i64, burin_max_i64)
BURIN_FOLD(min, i64, burin_min_i64)

/* Narrow types in a wide one. */
#define burin_fold_sum_f16(x, warps, room) burin_round_f16(burin_fold_sum_f32(x, warps, room))
#define burin_fold_prod_f16(x, warps, room) burin_round_f16(burin_fold_prod_f32(x, warps, room))
#define burin_fold_max_f16 burin_fold_max_f32
#define burin_fold_min_f16 burin_fold_min_f32
#define burin_fold_sum_bf16(x, warps, room) burin_round_bf16(burin_fold_sum_f32(x, warps, room))
#define burin_fold_prod_bf16(x, warps, room) burin_round_bf16(burin_fold_prod_f32(x, warps, room))
#define burin_fold_max_bf16 burin_fold_max_f32
#define burin_fold_min_bf16 burin_fold_min_f32
#define burin_fold_sum_i16(x, warps, room) ((i16)burin_fold_sum_i32(x, warps, room))
#define burin_fold_prod_i16(x, warps, room) ((i16)burin_fold_prod_i32(x, warps, room))
#define burin_fold_max_i16 burin_fold_max_i32
#define burin_fold_min_i16 burin_fold_min_i32
#define burin_fold_sum_i8(x, warps, room) ((i8)burin_fold_sum_i32(x, warps, room))
#define burin_fold_prod_i8(x, warps, room) ((i8)burin_fold_prod_i32(x, warps, room))
#define burin_fold_max_i8 burin_fold_max_i32
#define burin_fold_min_i8 burin_fold_min_i32
#define burin_fold_sum_u8(x, warps, room) ((u8)burin_fold_sum_i32(x, warps, room))
#define burin_fold_prod_u8(x, warps, room) ((u8)burin_fold_prod_i32(x, warps, room))
#define burin_fold_max_u8 burin_fold_max_i32
#define burin_fold_min_u8 burin_fold_min_i32
#define burin_fold_sum_bool burin_fold_max_i32
#define burin_fold_prod_bool burin_fold_min_i32
#define burin_fold_max_bool burin_fold_max_i32
#define burin_fold_min_bool burin_fold_min_i32
