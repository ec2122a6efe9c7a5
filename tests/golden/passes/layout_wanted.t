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
error:
sh: 1: burin-opt: not found
