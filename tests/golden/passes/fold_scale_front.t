# A division by one number goes into the weights of the product behind it, a scale and shift likewise; the shift becomes a sum with the
# bias. Strict arithmetic keeps all as it is.
# run: burin-opt --passes=fold_scale --explain 2>&1
graph @front(%x: f32[4,8], %gamma: f32[8] param, %beta: f32[8] param, %w: f32[8,3] param, %b: f32[3] param, %u: f32[8,3] param) {
  %e = exp %x : f32[4,8]
  %g = broadcast %gamma {shape=[4, 8]} : f32[4,8]
  %h = broadcast %beta {shape=[4, 8]} : f32[4,8]
  %s = mul %e, %g : f32[4,8]
  %n = add %s, %h : f32[4,8]
  %m = matmul %n, %w : f32[4,3]
  %c = broadcast %b {shape=[4, 3]} : f32[4,3]
  %y = add %m, %c : f32[4,3]
  %six = fill {shape=[4, 8], value=6} : f32[4,8]
  %d = div %e, %six : f32[4,8]
  %z = matmul %d, %u : f32[4,3]
  return %y as y, %z as z
}
=====
folded: scale of 'n' into 'm'
folded: scale of 'd' into 'z'
graph @front(%x: f32[4,8],
      %gamma: f32[8] param,
      %beta: f32[8] param,
      %w: f32[8,3] param,
      %b: f32[3] param,
      %u: f32[8,3] param) {
  %e = exp %x : f32[4,8]
  %0 = reshape %beta {shape=[8, 1]} : f32[8,1]
  %1 = broadcast %0 {shape=[8, 3]} : f32[8,3]
  %2 = mul %w, %1 : f32[8,3]
  %3 = reduce_sum %2 {axes=[0]} : f32[3]
  %4 = reshape %gamma {shape=[8, 1]} : f32[8,1]
  %5 = broadcast %4 {shape=[8, 3]} : f32[8,3]
  %6 = mul %w, %5 : f32[8,3]
  %7 = add %3, %b : f32[3]
  %8 = fill {shape=[8, 3], value=0.16666667} : f32[8,3]
  %9 = mul %u, %8 : f32[8,3]
  %m = matmul %e, %6 : f32[4,3]
  %10 = broadcast %7 {shape=[4, 3]} : f32[4,3]
  %y = add %m, %10 : f32[4,3]
  %z = matmul %e, %9 : f32[4,3]
  return %y as y, %z as z
}
