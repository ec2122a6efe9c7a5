# A window: index arithmetic in 32 bits, the loop over it unrolled.
# run: burin-opt --cuda
graph @p(%x: f32[1,3,9,9]) {
  %y = maxpool2d %x {kernel=[3, 3], stride=[2, 2], pad="1"} : f32[1,3,5,5]
  return %y as y
}
=====

BURIN_KERNEL(64) k_0dd561318948d6f0(const f32 *__restrict__ b0, f32 *__restrict__ b1)
{
	const i32 lane = burin_lane();
	const i32 a0 = burin_block();
	const i32 t0 = (a0 * 64) + lane;
	if (t0 < 75) {
		f32 v0 = -burin_inf_f32();
		BURIN_UNROLL for (i32 a1 = 0; a1 < 3; a1++) {
			BURIN_UNROLL for (i32 a2 = 0; a2 < 3; a2++) {
				const i32 t1 = t0 / 3;
				const i32 t2 = t1 / 5;
				const i32 t3 = t2 / 5;
				const i32 t4 = t0 % 3;
				const i32 t5 = t2 % 5;
				const i32 t6 = t1 % 5;
				v0 = burin_max_f32(v0, b0[t3 * 243 + t4 * 81 + burin_min_i32(burin_max_i32((((t5 * 2) + a1) + (-1)), 0), 8) * 9 + burin_min_i32(burin_max_i32((((t6 * 2) + a2) + (-1)), 0), 8)]);
			}
		}
		const i32 t7 = t0 / 3;
		const i32 t8 = t7 / 5;
		const i32 t9 = t8 / 5;
		const i32 t10 = t8 % 5;
		const i32 t11 = t7 % 5;
		const i32 t12 = t0 % 3;
		b1[t9 * 75 + t10 * 15 + t11 * 3 + t12] = v0;
	}
}

BURIN_KERNEL(64) k_afb7ed530750eafe(f32 *__restrict__ b0, const f32 *__restrict__ b1)
{
	const i32 lane = burin_lane();
	const i32 a0 = burin_block();
	const i32 t0 = (a0 * 64) + lane;
	if (t0 < 75) {
		const i32 t1 = t0 / 5;
		const i32 t2 = t1 / 5;
		const i32 t3 = t2 / 3;
		const i32 t4 = t2 % 3;
		const i32 t5 = t1 % 5;
		const i32 t6 = t0 % 5;
		b0[t3 * 75 + t4 * 25 + t5 * 5 + t6] = b1[t3 * 75 + t5 * 15 + t6 * 3 + t4];
	}
}
