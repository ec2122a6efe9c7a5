# Rows shorter than a warp: a thread for each.
# run: burin-opt --cuda
graph @s(%x: f32[100,10]) {
  %y = softmax %x {axis=1} : f32[100,10]
  return %y as y
}
=====

BURIN_KERNEL(64) k_e86c08ba62c3118d(const f32 *__restrict__ b0, f32 *__restrict__ b1)
{
	const i32 lane = burin_lane();
	const i32 a0 = burin_block();
	const i32 t0 = (a0 * 64) + lane;
	if (t0 < 100) {
		f32 v0 = -burin_inf_f32();
		BURIN_UNROLL for (i32 a1 = 0; a1 < 10; a1++) {
			v0 = burin_max_f32(v0, b0[t0 * 10 + a1]);
		}
		f32 v1 = 0.0f;
		BURIN_UNROLL for (i32 a2 = 0; a2 < 10; a2++) {
			v1 = v1 + burin_exp_f32((b0[t0 * 10 + a2] - v0));
		}
		for (i32 a3 = 0; a3 < 10; a3++) {
			b1[t0 * 10 + a3] = burin_exp_f32((b0[t0 * 10 + a3] - v0)) / v1;
		}
	}
}
