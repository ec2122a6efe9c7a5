# What a pool or convolution reads is not merged, although a product reads it too: that is for the layout pass.
# run: burin-opt --passes=expand,flatten
graph @image(%x: f32[2,3,4,4], %w: f32[4,5] param) {
  %a = relu %x : f32[2,3,4,4]
  %p = maxpool2d %a {kernel=[2]} : f32[2,3,2,2]
  %y = product %a, %w : f32[2,3,4,5]
  return %p as p, %y as y
}
=====
error:
sh: 1: burin-opt: not found
