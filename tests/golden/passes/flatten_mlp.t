# The rows between two products stay [6,...]: the reshapes around the elementwise operators cancel, bias and residual meet their
# product with equal shapes. Only the graph's own input and result are reshaped.
# run: burin-opt --passes=expand,flatten
graph @mlp(%x: f32[2,3,4], %w1: f32[4,8] param, %b1: f32[8] param, %w2: f32[8,4] param) {
  %h = product %x, %w1 : f32[2,3,8]
  %b = broadcast %b1 {shape=[2, 3, 8]} : f32[2,3,8]
  %s = add %h, %b : f32[2,3,8]
  %a = relu %s : f32[2,3,8]
  %p = product %a, %w2 : f32[2,3,4]
  %y = add %p, %x : f32[2,3,4]
  return %y as y
}
=====
graph @mlp(%x: f32[2,3,4],
      %w1: f32[4,8] param,
      %b1: f32[8] param,
      %w2: f32[8,4] param) {
  %0 = reshape %x {shape=[6, 4]} : f32[6,4]
  %1 = matmul %0, %w1 : f32[6,8]
  %2 = broadcast %b1 {shape=[6, 8]} : f32[6,8]
  %s = add %1, %2 : f32[6,8]
  %a = relu %s : f32[6,8]
  %3 = matmul %a, %w2 : f32[6,4]
  %y = add %3, %0 : f32[6,4]
  %4 = reshape %y {shape=[2, 3, 4]} : f32[2,3,4]
  return %4 as y
}
