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
error:
sh: 1: burin-opt: not found
