# Weights in panels: 40 outputs in two of 32, 10 in one of 16; a transposed matrix is turned first. Grouped weights and those that are
# computed at run time stay.
# run: burin-opt --passes=expand,layout,pack
graph @pack(%x: f32[1,2,4,4], %v: f32[3,6], %u: f32[6,2], %w1: f32[40,2,3,3] param, %w2: f32[40,1,1,1] param, %w3: f32[10,6] param) {
  %c = conv2d %x, %w1 {bias=no} : f32[1,40,2,2]
  %d = conv2d %c, %w2 {groups=40, bias=no} : f32[1,40,2,2]
  %m = matmul %v, %w3 {trans_w=yes} : f32[3,10]
  %n = matmul %v, %u : f32[3,2]
  return %d as d, %m as m, %n as n
}
=====
graph @pack(%x: f32[1,2,4,4],
      %v: f32[3,6],
      %u: f32[6,2],
      %w1: f32[40,2,3,3] param,
      %w2: f32[40,1,1,1] param,
      %w3: f32[10,6] param) {
  %0 = transpose %w1 {perm=[2, 3, 1, 0]} : f32[3,3,2,40]
  %1 = transpose %x {perm=[0, 2, 3, 1]} : f32[1,4,4,2]
  %2 = reshape %0 {shape=[18, 40]} : f32[18,40]
  %3 = const {data=0} : f32
  %4 = pad %2, %3 {low=[0, 0], high=[0, 24]} : f32[18,64]
  %5 = reshape %4 {shape=[18, 2, 32]} : f32[18,2,32]
  %6 = transpose %5 {perm=[1, 0, 2]} : f32[2,18,32]
  %c = conv %1, %6 {channels_last=yes, panel=32, kernel=[3, 3, 40]} : f32[1,2,2,40]
  %7 = reshape %w2 {shape=[1, 1, 1, 40]} : f32[1,1,1,40]
  %d = conv %c, %7 {groups=40, channels_last=yes} : f32[1,2,2,40]
  %8 = transpose %w3 {perm=[1, 0]} : f32[6,10]
  %9 = pad %8, %3 {low=[0, 0], high=[0, 6]} : f32[6,16]
  %10 = reshape %9 {shape=[1, 6, 16]} : f32[1,6,16]
  %m = matmul %v, %10 {panel=16, n=10} : f32[3,10]
  %n = matmul %v, %u : f32[3,2]
  %11 = transpose %d {perm=[0, 3, 1, 2]} : f32[1,40,2,2]
  return %11 as d, %m as m, %n as n
}
