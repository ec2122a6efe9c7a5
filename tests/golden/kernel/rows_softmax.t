# A row's maximum and its sum are computed once per row; the exponentials are kept in scratch.
# run: burin-opt --passes=expand --lower --run
graph @softmax(%x: f32[3,6]) {
  %0 = softmax %x : f32[3,6]
  return %0
}
=====
# step 0: rows
kernel tasks=1 scratch=24 {
  buf b0 arg 0 f32[3,6] stride [6,1] align 4 in
  buf b1 scratch 0 f32[6] stride [1] align 64 in out
  buf b2 arg 1 f32[3,6] stride [6,1] align 4 out
  task a0 1 {
    loop a1 3 {
      vector a2 4 of 4 {
        var v0 f32 [a2] = f32(-inf)
      }
      vector a3 2 of 4 {
        var v1 f32 [a3] = f32(-inf)
      }
      vector a2 4 of 4 {
        %0 = mul a0, 3 : i64
        %1 = add %0, a1 : i64
        %2 = load b0[%1, a2] : f32
        %3 = max v0, %2 : f32
        set v0 = %3
      }
      vector a3 2 of 4 {
        %4 = mul a0, 3 : i64
        %5 = add %4, a1 : i64
        %6 = add a3, 4 : i64
        %7 = load b0[%5, %6] : f32
        %8 = max v1, %7 : f32
        set v1 = %8
      }
      %9 = fold_max a2 of v0 : f32
      %10 = fold_max a3 of v1 : f32
      %11 = max %9, %10 : f32
      var v2 f32 = %11
      vector a4 4 of 4 {
        %12 = mul a0, 3 : i64
        %13 = add %12, a1 : i64
        %14 = load b0[%13, a4] : f32
        %15 = sub %14, v2 : f32
        %16 = exp %15 : f32
        store b1[a4] = %16
      }
      vector a5 2 of 4 {
        %17 = add a5, 4 : i64
        %18 = mul a0, 3 : i64
        %19 = add %18, a1 : i64
        %20 = load b0[%19, %17] : f32
        %21 = sub %20, v2 : f32
        %22 = exp %21 : f32
        store b1[%17] = %22
      }
      vector a6 4 of 4 {
        var v3 f32 [a6] = f32(0)
      }
      vector a7 2 of 4 {
        var v4 f32 [a7] = f32(0)
      }
      vector a6 4 of 4 {
        %23 = load b1[a6] : f32
        %24 = add v3, %23 : f32
        set v3 = %24
      }
      vector a7 2 of 4 {
        %25 = add a7, 4 : i64
        %26 = load b1[%25] : f32
        %27 = add v4, %26 : f32
        set v4 = %27
      }
      %28 = fold_sum a6 of v3 : f32
      %29 = fold_sum a7 of v4 : f32
      %30 = add %28, %29 : f32
      var v5 f32 = %30
      vector a8 4 of 4 {
        %31 = mul a0, 3 : i64
        %32 = add %31, a1 : i64
        %33 = load b1[a8] : f32
        %34 = div %33, v5 : f32
        store b2[%32, a8] = %34
      }
      vector a9 2 of 4 {
        %35 = mul a0, 3 : i64
        %36 = add %35, a1 : i64
        %37 = add a9, 4 : i64
        %38 = load b1[%37] : f32
        %39 = div %38, v5 : f32
        store b2[%36, %37] = %39
      }
    }
  }
}
# arg 1 = [4.2453827e-05, 0.04655627, 0.00085270795, 0.93510777, 0.017127097, 0.00031369372, 0.7176732, 0.013144643, 0.00024075253, 0.26401722, 0.004835644, 8.8567904e-05, 0.034641, 0.00063447206, 0.6957831, 0.012743712, 0.00023340923, 0.2559643]
