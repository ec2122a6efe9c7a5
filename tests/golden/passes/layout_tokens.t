# Pixels as tokens: merging the spatial dimensions and moving the channels last is a reshape of what lies channels last.
# run: burin-opt --passes=expand,layout
graph @tokens(%x: f32[1,3,8,8], %w: f32[4,3,4,4] param, %b: f32[4] param) {
  %c = conv2d %x, %w, %b {stride=[4]} : f32[1,4,2,2]
  %f = reshape %c {shape=[1, 4, 4]} : f32[1,4,4]
  %t = transpose %f {perm=[0, 2, 1]} : f32[1,4,4]
  %y = softmax %t : f32[1,4,4]
  return %y as y
}
=====
graph @tokens(%x: f32[1,3,8,8],
      %w: f32[4,3,4,4] param,
      %b: f32[4] param) {
  %0 = transpose %w {perm=[2, 3, 1, 0]} : f32[4,4,3,4]
  %1 = transpose %x {perm=[0, 2, 3, 1]} : f32[1,8,8,3]
  %2 = conv %1, %0 {stride=[4, 4], channels_last=yes} : f32[1,2,2,4]
  %3 = broadcast %b {shape=[1, 2, 2, 4]} : f32[1,2,2,4]
  %c = add %2, %3 : f32[1,2,2,4]
  %t = reshape %c {shape=[1, 4, 4]} : f32[1,4,4]
  %4 = reduce_max %t {axes=[2], keepdims=yes} : f32[1,4,1]
  %5 = broadcast %4 {shape=[1, 4, 4]} : f32[1,4,4]
  %6 = sub %t, %5 : f32[1,4,4]
  %7 = exp %6 : f32[1,4,4]
  %8 = reduce_sum %7 {axes=[2], keepdims=yes} : f32[1,4,1]
  %9 = broadcast %8 {shape=[1, 4, 4]} : f32[1,4,4]
  %y = div %7, %9 : f32[1,4,4]
  return %y as y
}
