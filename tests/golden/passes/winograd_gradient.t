# The gradient of weights by transformed tiles: enough channels, enough tiles. What does not fit the cache is summed in parts of the
# batch, and in parts of the input's channels. One with few channels and one of stride 2 stay as they are.
# run: burin-opt --passes=winograd
graph @gradient(%x: f32[4,17,18,64], %dy: f32[4,15,16,64], %large: f32[7,18,18,64], %dlarge: f32[7,16,16,64], %many: f32[36,6,6,64], %dmany: f32[36,4,4,160], %few: f32[4,17,18,32], %half: f32[4,8,8,64]) {
  %a = conv_dw %x, %dy {kernel=[3, 3, 64], channels_last=yes} : f32[3,3,64,64]
  %b = conv_dw %large, %dlarge {kernel=[3, 3, 64], channels_last=yes} : f32[3,3,64,64]
  %c = conv_dw %many, %dmany {kernel=[3, 3, 160], channels_last=yes} : f32[3,3,64,160]
  %d = conv_dw %few, %dy {kernel=[3, 3, 64], channels_last=yes} : f32[3,3,32,64]
  %e = conv_dw %x, %half {stride=[2, 2], kernel=[3, 3, 64], channels_last=yes} : f32[3,3,64,64]
  return %a as a, %b as b, %c as c, %d as d, %e as e
}
=====
graph @gradient(%x: f32[4,17,18,64],
      %dy: f32[4,15,16,64],
      %large: f32[7,18,18,64],
      %dlarge: f32[7,16,16,64],
      %many: f32[36,6,6,64],
      %dmany: f32[36,4,4,160],
      %few: f32[4,17,18,32],
      %half: f32[4,8,8,64]) {
  %0 = const {data=0} : f32
  %1 = pad %x, %0 {low=[0, 0, 0, 0], high=[0, 1, 0, 0]} : f32[4,18,18,64]
  %2 = pad %dy, %0 {low=[0, 0, 0, 0], high=[0, 1, 0, 0]} : f32[4,16,16,64]
  %3 = winograd_tiles %1 : f32[36,64,64]
  %4 = winograd_tiles %2 {gradient=yes} : f32[36,64,64]
  %5 = matmul %3, %4 {trans_x=yes} : f32[36,64,64]
  %6 = reshape %5 {shape=[36, 4096]} : f32[36,4096]
  %7 = const {data=dense("", 0xe2e182d489683292)} : f32[9,36]
  %8 = matmul %7, %6 : f32[9,4096]
  %a = reshape %8 {shape=[3, 3, 64, 64]} : f32[3,3,64,64]
  %9 = slice %large {begin=[0, 0, 0, 0], count=[4, 18, 18, 64], step=[1, 1, 1, 1]} : f32[4,18,18,64]
  %10 = winograd_tiles %9 : f32[36,64,64]
  %11 = slice %dlarge {begin=[0, 0, 0, 0], count=[4, 16, 16, 64], step=[1, 1, 1, 1]} : f32[4,16,16,64]
  %12 = winograd_tiles %11 {gradient=yes} : f32[36,64,64]
  %13 = matmul %10, %12 {trans_x=yes} : f32[36,64,64]
  %14 = slice %large {begin=[4, 0, 0, 0], count=[3, 18, 18, 64], step=[1, 1, 1, 1]} : f32[3,18,18,64]
  %15 = winograd_tiles %14 : f32[36,48,64]
  %16 = slice %dlarge {begin=[4, 0, 0, 0], count=[3, 16, 16, 64], step=[1, 1, 1, 1]} : f32[3,16,16,64]
  %17 = winograd_tiles %16 {gradient=yes} : f32[36,48,64]
  %18 = matmul %15, %17 {trans_x=yes} : f32[36,64,64]
  %19 = add %18, %13 : f32[36,64,64]
  %20 = reshape %19 {shape=[36, 4096]} : f32[36,4096]
  %21 = matmul %7, %20 : f32[9,4096]
  %b = reshape %21 {shape=[3, 3, 64, 64]} : f32[3,3,64,64]
  %22 = winograd_tiles %many : f32[36,36,64]
  %23 = winograd_tiles %dmany {gradient=yes} : f32[36,36,160]
  %24 = slice %22 {begin=[0, 0, 0], count=[36, 36, 32], step=[1, 1, 1]} : f32[36,36,32]
  %25 = matmul %24, %23 {trans_x=yes} : f32[36,32,160]
  %26 = reshape %25 {shape=[36, 5120]} : f32[36,5120]
  %27 = matmul %7, %26 : f32[9,5120]
  %28 = slice %22 {begin=[0, 0, 32], count=[36, 36, 32], step=[1, 1, 1]} : f32[36,36,32]
  %29 = matmul %28, %23 {trans_x=yes} : f32[36,32,160]
  %30 = reshape %29 {shape=[36, 5120]} : f32[36,5120]
  %31 = matmul %7, %30 : f32[9,5120]
  %32 = concat %27, %31 {axis=1} : f32[9,10240]
  %c = reshape %32 {shape=[3, 3, 64, 160]} : f32[3,3,64,160]
  %d = conv_dw %few, %dy {channels_last=yes, kernel=[3, 3, 64]} : f32[3,3,32,64]
  %e = conv_dw %x, %half {stride=[2, 2], channels_last=yes, kernel=[3, 3, 64]} : f32[3,3,64,64]
  return %a as a, %b as b, %c as c, %d as d, %e as e
}
