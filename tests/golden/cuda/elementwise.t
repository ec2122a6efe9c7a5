# A thread for each element; a bias is read by the position in its dimension. Products that only a sum needs are fused.
# run: burin-opt --cuda
graph @e(%x: f32[3,40], %b: f32[40]) {
  %c = broadcast %b {shape=[3, 40]} : f32[3,40]
  %s = mul %x, %c : f32[3,40]
  %t = add %s, %x : f32[3,40]
  %y = tanh %t : f32[3,40]
  return %y as y
}
=====

BURIN_KERNEL(64) k_13a26b9d956bce8f(const f32 *__restrict__ b0, const f32 *__restrict__ b1, f32 *__restrict__ b2)
{
	const i32 lane = burin_lane();
	const i32 a0 = burin_block();
	const i32 t0 = (a0 * 64) + lane;
	if (t0 < 120) {
		const i32 t1 = t0 / 40;
		const i32 t2 = t0 % 40;
		const f32 t3 = b0[t1 * 40 + t2];
		b2[t1 * 40 + t2] = burin_tanh_f32(burin_fma_f32(t3, b1[t2], t3));
	}
}
