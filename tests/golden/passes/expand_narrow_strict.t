# Under --fp=strict every result of an operator on 16-bit floats is rounded.
# run: burin-opt --fp=strict --passes=expand
graph @narrow(%x: f16[2,8], %w: bf16[9,8] param, %i: i64[2], %c: f16[2,8]) {
  %n = rmsnorm %x {affine=no} : f16[2,8]
  %s = reduce_sum %n {axes=[1]} : f16[2]
  %m = mul %n, %n : f16[2,8]
  %t = transpose %m {perm=[1, 0]} : f16[8,2]
  %k = matmul %n, %t : f16[2,2]
  %r = gather %w, %i {axis=0} : bf16[2,8]
  %e = exp %r : bf16[2,8]
  %f = cast %k {to=f32} : f32[2,2]
  %g = transpose %c {perm=[1, 0]} : f16[8,2]
  return %s, %f, %e, %g
}
=====
graph @narrow(%x: f16[2,8],
      %i: i64[2],
      %c: f16[2,8],
      %w: bf16[9,8] param) {
  %0 = cast %x {to=f32} : f32[2,8]
  %1 = mul %0, %0 : f32[2,8]
  %2 = reduce_sum %1 {axes=[1], keepdims=yes} : f32[2,1]
  %3 = fill {shape=[2, 1], value=0.125} : f32[2,1]
  %4 = mul %2, %3 : f32[2,1]
  %5 = fill {shape=[2, 1], value=1e-05} : f32[2,1]
  %6 = add %4, %5 : f32[2,1]
  %7 = sqrt %6 : f32[2,1]
  %8 = broadcast %7 {shape=[2, 8]} : f32[2,8]
  %n = div %0, %8 : f32[2,8]
  %9 = cast %n {to=f16} : f16[2,8]
  %10 = cast %9 {to=f32} : f32[2,8]
  %s = reduce_sum %10 {axes=[1]} : f32[2]
  %11 = cast %s {to=f16} : f16[2]
  %m = mul %10, %10 : f32[2,8]
  %12 = cast %m {to=f16} : f16[2,8]
  %t = transpose %12 {perm=[1, 0]} : f16[8,2]
  %13 = cast %t {to=f32} : f32[8,2]
  %k = matmul %10, %13 : f32[2,2]
  %14 = cast %k {to=f16} : f16[2,2]
  %r = gather %w, %i : bf16[2,8]
  %15 = cast %r {to=f32} : f32[2,8]
  %e = exp %15 : f32[2,8]
  %16 = cast %e {to=bf16} : bf16[2,8]
  %f = cast %14 {to=f32} : f32[2,2]
  %g = transpose %c {perm=[1, 0]} : f16[8,2]
  return %11, %f, %16, %g
}
