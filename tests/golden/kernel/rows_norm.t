# A layer norm in one kernel, its scale and shift read by column.
# run: burin-opt --passes=expand --lower
graph @norm(%x: f32[2,8], %s: f32[8] param, %t: f32[8] param) {
  %0 = layernorm %x, %s, %t : f32[2,8]
  return %0
}
=====
# step 0: rows
kernel tasks=1 scratch=0 {
  buf b0 arg 0 f32[2,8] stride [8,1] align 4 in
  buf b1 arg 1 f32[8] stride [1] align 64 in
  buf b2 arg 2 f32[8] stride [1] align 64 in
  buf b3 arg 3 f32[2,8] stride [8,1] align 4 out
  task a0 1 {
    loop a1 2 {
      vector a2 4 of 4 {
        var v0 f32 [a2] = f32(0)
      }
      loop a3 2 {
        vector a2 4 of 4 {
          %0 = mul a0, 2 : i64
          %1 = add %0, a1 : i64
          %2 = mul a3, 4 : i64
          %3 = add a2, %2 : i64
          %4 = load b0[%1, %3] : f32
          %5 = add v0, %4 : f32
          set v0 = %5
        }
      }
      %6 = fold_sum a2 of v0 : f32
      var v1 f32 = %6
      vector a4 4 of 4 {
        var v2 f32 [a4] = f32(0)
      }
      loop a5 2 {
        vector a4 4 of 4 {
          %7 = mul a0, 2 : i64
          %8 = add %7, a1 : i64
          %9 = mul a5, 4 : i64
          %10 = add a4, %9 : i64
          %11 = load b0[%8, %10] : f32
          %12 = mul v1, f32(0.125) : f32
          %13 = sub %11, %12 : f32
          %14 = mul %13, %13 : f32
          %15 = add v2, %14 : f32
          set v2 = %15
        }
      }
      %16 = fold_sum a4 of v2 : f32
      var v3 f32 = %16
      loop a6 2 {
        vector a7 4 of 4 {
          %17 = mul a0, 2 : i64
          %18 = add %17, a1 : i64
          %19 = mul a6, 4 : i64
          %20 = add %19, a7 : i64
          %21 = load b0[%18, %20] : f32
          %22 = mul v1, f32(0.125) : f32
          %23 = sub %21, %22 : f32
          %24 = mul v3, f32(0.125) : f32
          %25 = add %24, f32(1e-05) : f32
          %26 = sqrt %25 : f32
          %27 = div %23, %26 : f32
          %28 = load b1[%20] : f32
          %29 = mul %27, %28 : f32
          %30 = load b2[%20] : f32
          %31 = add %29, %30 : f32
          store b3[%18, %20] = %31
        }
      }
    }
  }
}
