# Weights that come with the run: for very many tiles they are transformed before, for less many by the convolution's kernel, for few
# the convolution stays.
# run: burin-opt --passes=expand,layout,pad,winograd
graph @changing(%x: f32[17,18,18,32], %w: f32[3,3,32,32], %y: f32[6,18,18,32], %z: f32[1,18,18,32]) {
  %most = conv %x, %w {channels_last=yes} : f32[17,16,16,32]
  %many = conv %y, %w {channels_last=yes} : f32[6,16,16,32]
  %few = conv %z, %w {channels_last=yes} : f32[1,16,16,32]
  return %most as most, %many as many, %few as few
}
=====
graph @changing(%x: f32[17,18,18,32],
      %w: f32[3,3,32,32],
      %y: f32[6,18,18,32],
      %z: f32[1,18,18,32]) {
  %0 = reshape %w {shape=[9, 1024]} : f32[9,1024]
  %1 = const {data=dense("", 0xf5cf9b343e227930)} : f32[36,9]
  %2 = matmul %1, %0 : f32[36,1024]
  %3 = reshape %2 {shape=[1, 36, 32, 32]} : f32[1,36,32,32]
  %most = winograd %x, %3 {size=[16, 16, 32]} : f32[17,16,16,32]
  %many = winograd %y, %w {size=[16, 16, 32], plain=yes} : f32[6,16,16,32]
  %few = conv %z, %w {channels_last=yes} : f32[1,16,16,32]
  return %most as most, %many as many, %few as few
}
