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
graph @bn(%x: f32[1,2,4,4],
      %w: f32[2,2,1,1] param,
      %b: f32[2] param,
      %scale: f32[2] param,
      %shift: f32[2] param,
      %mean: f32[2] param,
      %var: f32[2] param) {
  %0 = transpose %w {perm=[2, 3, 1, 0]} : f32[1,1,2,2]
  %1 = transpose %x {perm=[0, 2, 3, 1]} : f32[1,4,4,2]
  %2 = fill {shape=[2], value=1e-05} : f32[2]
  %3 = add %var, %2 : f32[2]
  %4 = sqrt %3 : f32[2]
  %5 = div %scale, %4 : f32[2]
  %6 = mul %mean, %5 : f32[2]
  %7 = sub %shift, %6 : f32[2]
  %8 = broadcast %5 {shape=[1, 4, 4, 2]} : f32[1,4,4,2]
  %9 = mul %b, %5 : f32[2]
  %10 = broadcast %7 {shape=[1, 4, 4, 2]} : f32[1,4,4,2]
  %11 = add %9, %7 : f32[2]
  %12 = broadcast %5 {shape=[1, 1, 2, 2]} : f32[1,1,2,2]
  %13 = mul %0, %12 : f32[1,1,2,2]
  %14 = conv %1, %13 {channels_last=yes} : f32[1,4,4,2]
  %15 = broadcast %11 {shape=[1, 4, 4, 2]} : f32[1,4,4,2]
  %n = add %14, %15 : f32[1,4,4,2]
  %t = tanh %n : f32[1,4,4,2]
  %16 = mul %t, %8 : f32[1,4,4,2]
  %m = add %16, %10 : f32[1,4,4,2]
  %y = relu %m : f32[1,4,4,2]
  %17 = transpose %y {perm=[0, 3, 1, 2]} : f32[1,2,4,4]
  return %17 as y
}
