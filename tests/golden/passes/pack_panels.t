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
error:
sh: 1: burin-opt: not found
