# Under strict arithmetic nothing moves into weights.
# run: burin-opt --fp=strict --passes=fold_scale
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
graph @front(%x: f32[4,8],
      %gamma: f32[8] param,
      %beta: f32[8] param,
      %w: f32[8,3] param,
      %b: f32[3] param,
      %u: f32[8,3] param) {
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
