# Two readers with one border share its padding; a maximum keeps its own border. The first convolution's input is padded as it comes,
# before it is transposed.
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
error:
sh: 1: burin-opt: not found
