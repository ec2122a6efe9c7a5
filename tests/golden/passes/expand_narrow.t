# 16-bit floats are computed with in f32: a norm as a whole, a sum before it is rounded. Casts that round results are loose: the product
# reads the norm in f32, %s is rounded since it is a result. Rows of a table are taken before they are widened.
# run: burin-opt --passes=expand
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
  %s = reduce_sum %n {axes=[1]} : f32[2]
  %9 = cast %s {to=f16, loose=yes} : f16[2]
  %m = mul %n, %n : f32[2,8]
  %k = matmul %n, %m {trans_w=yes} : f32[2,2]
  %r = gather %w, %i : bf16[2,8]
  %10 = cast %r {to=f32} : f32[2,8]
  %e = exp %10 : f32[2,8]
  %11 = cast %e {to=bf16, loose=yes} : bf16[2,8]
  %g = transpose %c {perm=[1, 0]} : f16[8,2]
  return %9, %k, %11, %g
}
