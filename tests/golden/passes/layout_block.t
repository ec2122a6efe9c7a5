# A residual block with a gate: one transposition of the input, none between, the vectors along channels at the end. Pooled to
# one pixel, both orders are the same memory.
# run: burin-opt --passes=expand,layout
graph @block(%x: f32[2,3,6,6], %w1: f32[4,3,3,3] param, %b1: f32[4] param, %w2: f32[4,4,1,1] param, %fc: f32[4,5] param) {
  %c = conv2d %x, %w1, %b1 {pad="1"} : f32[2,4,6,6]
  %r = relu %c : f32[2,4,6,6]
  %m = maxpool2d %r {kernel=[2]} : f32[2,4,3,3]
  %g = global_avgpool %m : f32[2,4,1,1]
  %e = conv2d %g, %w2 {bias=no} : f32[2,4,1,1]
  %s = sigmoid %e : f32[2,4,1,1]
  %t = broadcast %s {shape=[2, 4, 3, 3]} : f32[2,4,3,3]
  %y = mul %m, %t : f32[2,4,3,3]
  %z = add %y, %m : f32[2,4,3,3]
  %p = global_avgpool %z : f32[2,4,1,1]
  %f = reshape %p {shape=[2, 4]} : f32[2,4]
  %o = matmul %f, %fc : f32[2,5]
  return %o as logits, %z as features
}
=====
error:
sh: 1: burin-opt: not found
