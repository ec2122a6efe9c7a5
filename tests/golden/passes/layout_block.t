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
graph @block(%x: f32[2,3,6,6],
      %w1: f32[4,3,3,3] param,
      %b1: f32[4] param,
      %w2: f32[4,4,1,1] param,
      %fc: f32[4,5] param) {
  %0 = transpose %w1 {perm=[2, 3, 1, 0]} : f32[3,3,3,4]
  %1 = transpose %x {perm=[0, 2, 3, 1]} : f32[2,6,6,3]
  %2 = conv %1, %0 {pad=[1, 1, 1, 1], channels_last=yes} : f32[2,6,6,4]
  %3 = broadcast %b1 {shape=[2, 6, 6, 4]} : f32[2,6,6,4]
  %c = add %2, %3 : f32[2,6,6,4]
  %r = relu %c : f32[2,6,6,4]
  %m = window_max %r {kernel=[2, 2], stride=[2, 2], channels_last=yes} : f32[2,3,3,4]
  %4 = reduce_sum %m {axes=[1, 2], keepdims=yes} : f32[2,1,1,4]
  %5 = fill {shape=[2, 1, 1, 4], value=9} : f32[2,1,1,4]
  %g = div %4, %5 : f32[2,1,1,4]
  %6 = transpose %w2 {perm=[2, 3, 1, 0]} : f32[1,1,4,4]
  %e = conv %g, %6 {channels_last=yes} : f32[2,1,1,4]
  %s = sigmoid %e : f32[2,1,1,4]
  %t = broadcast %s {shape=[2, 3, 3, 4]} : f32[2,3,3,4]
  %y = mul %m, %t : f32[2,3,3,4]
  %z = add %y, %m : f32[2,3,3,4]
  %7 = reduce_sum %z {axes=[1, 2], keepdims=yes} : f32[2,1,1,4]
  %p = div %7, %5 : f32[2,1,1,4]
  %8 = reshape %p {shape=[2, 4]} : f32[2,4]
  %o = matmul %8, %fc : f32[2,5]
  %9 = transpose %z {perm=[0, 3, 1, 2]} : f32[2,4,3,3]
  return %o as logits, %9 as features
}
