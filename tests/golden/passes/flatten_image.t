# What a pool or convolution reads is not merged, although a product reads it too: that is for the layout pass.
# run: burin-opt --passes=expand,flatten
graph @image(%x: f32[2,3,4,4], %w: f32[4,5] param) {
  %a = relu %x : f32[2,3,4,4]
  %p = maxpool2d %a {kernel=[2]} : f32[2,3,2,2]
  %y = product %a, %w : f32[2,3,4,5]
  return %p as p, %y as y
}
=====
graph @image(%x: f32[2,3,4,4],
      %w: f32[4,5] param) {
  %a = relu %x : f32[2,3,4,4]
  %p = window_max %a {kernel=[2, 2], stride=[2, 2]} : f32[2,3,2,2]
  %0 = reshape %a {shape=[24, 4]} : f32[24,4]
  %1 = matmul %0, %w : f32[24,5]
  %y = reshape %1 {shape=[2, 3, 4, 5]} : f32[2,3,4,5]
  return %p as p, %y as y
}
