# The gradient of weights by transformed tiles: enough channels, enough tiles. What does not fit the cache is summed in parts of the
# batch. One with few channels and one of stride 2 stay as they are.
# run: burin-opt --passes=winograd
graph @gradient(%x: f32[4,17,18,64], %dy: f32[4,15,16,64], %large: f32[5,34,34,128], %dlarge: f32[5,32,32,128], %few: f32[4,17,18,32], %half: f32[4,8,8,64]) {
  %a = conv_dw %x, %dy {kernel=[3, 3, 64], channels_last=yes} : f32[3,3,64,64]
  %b = conv_dw %large, %dlarge {kernel=[3, 3, 128], channels_last=yes} : f32[3,3,128,128]
  %c = conv_dw %few, %dy {kernel=[3, 3, 64], channels_last=yes} : f32[3,3,32,64]
  %d = conv_dw %x, %half {stride=[2, 2], kernel=[3, 3, 64], channels_last=yes} : f32[3,3,64,64]
  return %a as a, %b as b, %c as c, %d as d
}
=====
graph @gradient(%x: f32[4,17,18,64],
      %dy: f32[4,15,16,64],
      %large: f32[5,34,34,128],
      %dlarge: f32[5,32,32,128],
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
  %9 = slice %large {begin=[0, 0, 0, 0], count=[3, 34, 34, 128], step=[1, 1, 1, 1]} : f32[3,34,34,128]
  %10 = winograd_tiles %9 : f32[36,192,128]
  %11 = slice %dlarge {begin=[0, 0, 0, 0], count=[3, 32, 32, 128], step=[1, 1, 1, 1]} : f32[3,32,32,128]
  %12 = winograd_tiles %11 {gradient=yes} : f32[36,192,128]
  %13 = matmul %10, %12 {trans_x=yes} : f32[36,128,128]
  %14 = slice %large {begin=[3, 0, 0, 0], count=[2, 34, 34, 128], step=[1, 1, 1, 1]} : f32[2,34,34,128]
  %15 = winograd_tiles %14 : f32[36,128,128]
  %16 = slice %dlarge {begin=[3, 0, 0, 0], count=[2, 32, 32, 128], step=[1, 1, 1, 1]} : f32[2,32,32,128]
  %17 = winograd_tiles %16 {gradient=yes} : f32[36,128,128]
  %18 = matmul %15, %17 {trans_x=yes} : f32[36,128,128]
  %19 = add %18, %13 : f32[36,128,128]
  %20 = reshape %19 {shape=[36, 16384]} : f32[36,16384]
  %21 = matmul %7, %20 : f32[9,16384]
  %b = reshape %21 {shape=[3, 3, 128, 128]} : f32[3,3,128,128]
  %c = conv_dw %few, %dy {channels_last=yes, kernel=[3, 3, 64]} : f32[3,3,32,64]
  %d = conv_dw %x, %half {stride=[2, 2], channels_last=yes, kernel=[3, 3, 64]} : f32[3,3,64,64]
  return %a as a, %b as b, %c as c, %d as d
}
