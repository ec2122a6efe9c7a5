# A block for each row: folds over its threads, exponentials kept in shared memory.
# run: burin-opt --cuda
graph @s(%x: f32[8,300]) {
  %y = softmax %x {axis=1} : f32[8,300]
  return %y as y
}
=====

BURIN_KERNEL(256) k_f2d47c178645bc52(const f32 *__restrict__ b1, f32 *__restrict__ b2)
{
	BURIN_SHARED(f32, b0, 0, 300);
	BURIN_SHARED(u64, room, 1, 32);
	const i32 lane = burin_lane();
	const i32 a0 = burin_block();
	f32 v0 = -burin_inf_f32();
	v0 = burin_max_f32(v0, b1[a0 * 300 + lane]);
	v0 = (lane < 44) ? burin_max_f32(v0, b1[a0 * 300 + (lane + 256)]) : v0;
	const f32 t0 = burin_fold_max_f32(v0, 8, room);
	f32 v1 = t0;
	b0[lane] = burin_exp_f32((b1[a0 * 300 + lane] - v1));
	if (lane < 44) {
		const i32 t1 = lane + 256;
		b0[t1] = burin_exp_f32((b1[a0 * 300 + t1] - v1));
	}
	f32 v2 = 0.0f;
	v2 = v2 + b0[lane];
	v2 = (lane < 44) ? (v2 + b0[(lane + 256)]) : v2;
	const f32 t2 = burin_fold_sum_f32(v2, 8, room);
	f32 v3 = t2;
	b2[a0 * 300 + lane] = b0[lane] / v3;
	if (lane < 44) {
		const i32 t3 = lane + 256;
		b2[a0 * 300 + t3] = b0[t3] / v3;
	}
}
