# Readers with one border of zeros share its padding; the border of a maximum is one of its own, of -inf. The first
# convolution's input is padded as it comes, before it is transposed.
# run: burin-opt --passes=expand,layout,pad
graph @pad(%x: f32[1,3,6,6], %w1: f32[4,3,3,3] param, %w2: f32[4,1,3,3] param) {
  %c = conv2d %x, %w1 {pad="0 0 1 1", stride=[2], bias=no} : f32[1,4,3,3]
  %r = tanh %c : f32[1,4,3,3]
  %d = conv2d %r, %w2 {pad="1", groups=4, bias=no} : f32[1,4,3,3]
  %a = avgpool2d %r {kernel=[3], stride=[1], pad="1", count_pad=yes} : f32[1,4,3,3]
  %m = maxpool2d %r {kernel=[3], stride=[1], pad="1"} : f32[1,4,3,3]
  %s = add %d, %a : f32[1,4,3,3]
  %y = add %s, %m : f32[1,4,3,3]
  return %y as y
}
=====
graph @pad(%x: f32[1,3,6,6],
      %w1: f32[4,3,3,3] param,
      %w2: f32[4,1,3,3] param) {
  %0 = transpose %w1 {perm=[2, 3, 1, 0]} : f32[3,3,3,4]
  %1 = const {data=0} : f32
  %2 = pad %x, %1 {low=[0, 0, 0, 0], high=[0, 0, 1, 1]} : f32[1,3,7,7]
  %3 = transpose %2 {perm=[0, 2, 3, 1]} : f32[1,7,7,3]
  %c = conv %3, %0 {stride=[2, 2], channels_last=yes} : f32[1,3,3,4]
  %r = tanh %c : f32[1,3,3,4]
  %4 = transpose %w2 {perm=[2, 3, 1, 0]} : f32[3,3,1,4]
  %5 = pad %r, %1 {low=[0, 1, 1, 0], high=[0, 1, 1, 0]} : f32[1,5,5,4]
  %d = conv %5, %4 {groups=4, channels_last=yes} : f32[1,3,3,4]
  %6 = window_sum %5 {kernel=[3, 3], channels_last=yes} : f32[1,3,3,4]
  %7 = fill {shape=[1, 3, 3, 4], value=9} : f32[1,3,3,4]
  %a = div %6, %7 : f32[1,3,3,4]
  %8 = const {data=-inf} : f32
  %9 = pad %r, %8 {low=[0, 1, 1, 0], high=[0, 1, 1, 0]} : f32[1,5,5,4]
  %m = window_max %9 {kernel=[3, 3], channels_last=yes} : f32[1,3,3,4]
  %s = add %d, %a : f32[1,3,3,4]
  %y = add %s, %m : f32[1,3,3,4]
  %10 = transpose %y {perm=[0, 3, 1, 2]} : f32[1,4,3,3]
  return %10 as y
}
