# The sum has no operand that lies channels last, but the convolution that alone reads it wants it so; the exponential is a result and
# stays.
# run: burin-opt --passes=layout
graph @wanted(%x: f32[1,3,4,4], %w: f32[2,3,1,1] param, %b: f32[3,1,1] param) {
  %e = exp %x : f32[1,3,4,4]
  %v = broadcast %b {shape=[1, 3, 4, 4]} : f32[1,3,4,4]
  %s = add %e, %v : f32[1,3,4,4]
  %c = conv %s, %w : f32[1,2,4,4]
  return %c as c, %e as e
}
=====
graph @wanted(%x: f32[1,3,4,4],
      %w: f32[2,3,1,1] param,
      %b: f32[3,1,1] param) {
  %e = exp %x : f32[1,3,4,4]
  %0 = transpose %e {perm=[0, 2, 3, 1]} : f32[1,4,4,3]
  %1 = reshape %b {shape=[3]} : f32[3]
  %2 = broadcast %1 {shape=[1, 4, 4, 3]} : f32[1,4,4,3]
  %s = add %0, %2 : f32[1,4,4,3]
  %3 = transpose %w {perm=[2, 3, 1, 0]} : f32[1,1,3,2]
  %c = conv %s, %3 {channels_last=yes} : f32[1,4,4,2]
  %4 = transpose %c {perm=[0, 3, 1, 2]} : f32[1,2,4,4]
  return %4 as c, %e as e
}
