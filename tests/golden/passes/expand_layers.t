# Layers become core operators, and what they share is computed once.
# run: burin-opt --passes=expand
graph @layers(%x: f32[2,8], %w: f32[4,8] param, %b: f32[4] param, %s: f32[4] param, %t: f32[4] param) {
  %h = linear %x, %w, %b : f32[2,4]
  %g = gelu %h : f32[2,4]
  %n = layernorm %g, %s, %t : f32[2,4]
  %y = softmax %n : f32[2,4]
  return %y
}
=====
graph @layers(%x: f32[2,8],
      %w: f32[4,8] param,
      %b: f32[4] param,
      %s: f32[4] param,
      %t: f32[4] param) {
  %0 = matmul %x, %w {trans_w=yes} : f32[2,4]
  %1 = broadcast %b {shape=[2, 4]} : f32[2,4]
  %h = add %0, %1 : f32[2,4]
  %2 = fill {shape=[2, 4], value=0.70710677} : f32[2,4]
  %3 = mul %h, %2 : f32[2,4]
  %4 = erf %3 : f32[2,4]
  %5 = fill {shape=[2, 4], value=1} : f32[2,4]
  %6 = add %4, %5 : f32[2,4]
  %7 = fill {shape=[2, 4], value=0.5} : f32[2,4]
  %8 = mul %h, %7 : f32[2,4]
  %g = mul %8, %6 : f32[2,4]
  %9 = reduce_sum %g {axes=[1], keepdims=yes} : f32[2,1]
  %10 = fill {shape=[2, 1], value=0.25} : f32[2,1]
  %11 = mul %9, %10 : f32[2,1]
  %12 = broadcast %11 {shape=[2, 4]} : f32[2,4]
  %13 = sub %g, %12 : f32[2,4]
  %14 = mul %13, %13 : f32[2,4]
  %15 = reduce_sum %14 {axes=[1], keepdims=yes} : f32[2,1]
  %16 = mul %15, %10 : f32[2,1]
  %17 = fill {shape=[2, 1], value=1e-05} : f32[2,1]
  %18 = add %16, %17 : f32[2,1]
  %19 = sqrt %18 : f32[2,1]
  %20 = broadcast %19 {shape=[2, 4]} : f32[2,4]
  %21 = div %13, %20 : f32[2,4]
  %22 = broadcast %s {shape=[2, 4]} : f32[2,4]
  %23 = mul %21, %22 : f32[2,4]
  %24 = broadcast %t {shape=[2, 4]} : f32[2,4]
  %n = add %23, %24 : f32[2,4]
  %25 = reduce_max %n {axes=[1], keepdims=yes} : f32[2,1]
  %26 = broadcast %25 {shape=[2, 4]} : f32[2,4]
  %27 = sub %n, %26 : f32[2,4]
  %28 = exp %27 : f32[2,4]
  %29 = reduce_sum %28 {axes=[1], keepdims=yes} : f32[2,1]
  %30 = broadcast %29 {shape=[2, 4]} : f32[2,4]
  %y = div %28, %30 : f32[2,4]
  return %y
}
