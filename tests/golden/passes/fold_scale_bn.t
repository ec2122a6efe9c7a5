# Two convolutions with their batch norms: scales go into the weights, what is added becomes one vector. The norm in front of a rectifier
# stays, as one product and one sum.
# run: burin-opt --passes=expand,layout,fold_scale
graph @bn(%x: f32[1,2,4,4], %w: f32[2,2,1,1] param, %b: f32[2] param, %scale: f32[2] param, %shift: f32[2] param, %mean: f32[2] param, %var: f32[2] param) {
  %c = conv2d %x, %w, %b : f32[1,2,4,4]
  %n = batchnorm %c, %scale, %shift, %mean, %var : f32[1,2,4,4]
  %t = tanh %n : f32[1,2,4,4]
  %m = batchnorm %t, %scale, %shift, %mean, %var : f32[1,2,4,4]
  %y = relu %m : f32[1,2,4,4]
  return %y as y
}
=====
error:
sh: 1: burin-opt: not found
