# The gradients of two layers under a squared error: products with transposed operands, sums for the biases, and for the rectifier a
# choice. The input's gradient is not asked for, so nothing computes it.
# run: burin-opt --gradient
graph @mlp(%x: f32[4,3], %t: f32[4,2], %w: f32[5,3] param, %b: f32[5] param, %v: f32[2,5] param) {
  %h = linear %x, %w, %b : f32[4,5]
  %r = relu %h : f32[4,5]
  %y = linear %r, %v : f32[4,2]
  %d = sub %y, %t : f32[4,2]
  %loss = reduce_sumsq %d : f32
  return %loss as loss
}
=====
graph @mlp(%x: f32[4,3],
      %t: f32[4,2],
      %w: f32[5,3] param,
      %b: f32[5] param,
      %v: f32[2,5] param) {
  %0 = matmul %x, %w {trans_w=yes} : f32[4,5]
  %1 = broadcast %b {shape=[4, 5]} : f32[4,5]
  %h = add %0, %1 : f32[4,5]
  %r = relu %h : f32[4,5]
  %y = matmul %r, %v {trans_w=yes} : f32[4,2]
  %d = sub %y, %t : f32[4,2]
  %2 = mul %d, %d : f32[4,2]
  %loss = reduce_sum %2 : f32
  %3 = add %d, %d : f32[4,2]
  %4 = matmul %3, %v : f32[4,5]
  %5 = matmul %3, %r {trans_x=yes} : f32[2,5]
  %6 = fill {shape=[4, 5]} : f32[4,5]
  %7 = le %r, %6 : bool[4,5]
  %8 = select %7, %6, %4 : f32[4,5]
  %9 = reduce_sum %8 {axes=[0]} : f32[5]
  %10 = matmul %8, %x {trans_x=yes} : f32[5,3]
  return %loss as loss, %10 as d.w, %9 as d.b, %5 as d.v
}
