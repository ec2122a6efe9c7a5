# Narrow floats are computed in f32 and rounded after each operator, integers wrap, truth values are bytes.
# run: burin-opt --cuda
graph @t(%x: f16[40], %i: i32[40], %p: bool[40]) {
  %a = mul %x, %x : f16[40]
  %b = add %a, %x : f16[40]
  %j = mul %i, %i : i32[40]
  %k = cast %b {to=i32} : i32[40]
  %l = select %p, %j, %k : i32[40]
  %q = lt %l, %i : bool[40]
  %r = and %p, %q : bool[40]
  return %b as b, %l as l, %r as r
}
=====

BURIN_KERNEL(32) k_c1fba30a4342e862(const u16 *__restrict__ b0, u16 *__restrict__ b1, const u8 *__restrict__ b2, const i32 *__restrict__ b3, i32 *__restrict__ b4, u8 *__restrict__ b5)
{
	const i32 lane = burin_lane();
	const i32 a0 = burin_block();
	const i32 t0 = (a0 * 32) + lane;
	if (t0 < 40) {
		const f32 t1 = burin_f32_of_f16(b0[t0]);
		const f32 t2 = burin_round_f16(burin_fma_f32(t1, t1, t1));
		b1[t0] = burin_f16_of_f32(t2);
		const i32 t3 = b2[t0] != 0;
		i32 t4;
		if (t3) {
			const i32 t5 = b3[t0];
			t4 = burin_mul_i32(t5, t5);
		} else {
			t4 = burin_i32_from_f32(t2);
		}
		b4[t0] = t4;
		const i32 t6 = b3[t0];
		b5[t0] = t3 & (t4 < t6);
	}
}
