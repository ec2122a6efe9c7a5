# A 3x3 convolution of stride 1 with enough channels and pixels: the border grows to whole tiles of 4x4, the weights are transformed
# into panels. One of stride 2, one with few channels and one of 1x1 stay as they are.
# run: burin-opt --passes=winograd
graph @winograd(%x: f32[1,16,15,32], %w: f32[3,3,32,40] param, %v: f32[3,3,32,32] param, %u: f32[3,3,32,16] param, %p: f32[1,1,32,32] param) {
  %0 = const {data=0} : f32
  %1 = pad %x, %0 {low=[0, 1, 1, 0], high=[0, 1, 1, 0]} : f32[1,18,17,32]
  %a = conv %1, %w {channels_last=yes} : f32[1,16,15,40]
  %b = conv %1, %v {stride=[2, 2], channels_last=yes} : f32[1,8,8,32]
  %c = conv %1, %u {channels_last=yes} : f32[1,16,15,16]
  %d = conv %x, %p {channels_last=yes} : f32[1,16,15,32]
  return %a, %b, %c, %d
}
=====
graph @winograd(%x: f32[1,16,15,32],
      %w: f32[3,3,32,40] param,
      %v: f32[3,3,32,32] param,
      %u: f32[3,3,32,16] param,
      %p: f32[1,1,32,32] param) {
  %0 = const {data=0} : f32
  %1 = pad %x, %0 {low=[0, 1, 1, 0], high=[0, 1, 1, 0]} : f32[1,18,17,32]
  %2 = pad %x, %0 {low=[0, 1, 1, 0], high=[0, 1, 2, 0]} : f32[1,18,18,32]
  %3 = reshape %w {shape=[9, 1280]} : f32[9,1280]
  %4 = const {data=dense("", 0xf5cf9b343e227930)} : f32[36,9]
  %5 = matmul %4, %3 : f32[36,1280]
  %6 = reshape %5 {shape=[1152, 40]} : f32[1152,40]
  %7 = pad %6, %0 {low=[0, 0], high=[0, 24]} : f32[1152,64]
  %8 = reshape %7 {shape=[36, 32, 2, 32]} : f32[36,32,2,32]
  %9 = transpose %8 {perm=[2, 0, 1, 3]} : f32[2,36,32,32]
  %a = winograd %2, %9 {size=[16, 15, 40]} : f32[1,16,15,40]
  %b = conv %1, %v {stride=[2, 2], channels_last=yes} : f32[1,8,8,32]
  %c = conv %1, %u {channels_last=yes} : f32[1,16,15,16]
  %d = conv %x, %p {channels_last=yes} : f32[1,16,15,32]
  return %a, %b, %c, %d
}
