# The lanes are the threads of a block.
# run: burin-opt --lower --target=sm_80
graph @sum(%x: f32[3,300]) {
  %0 = reduce_sum %x {axes=[1]} : f32[3]
  return %0
}
=====
# step 0: rows
kernel tasks=1 scratch=0 {
  buf b0 arg 0 f32[3,300] stride [300,1] align 4 in
  buf b1 arg 1 f32[3] stride [1] align 4 out
  task a0 1 {
    loop a1 3 {
      vector a2 256 of 256 {
        var v0 f32 [a2] = f32(0)
      }
      vector a3 44 of 256 {
        var v1 f32 [a3] = f32(0)
      }
      vector a2 256 of 256 {
        %0 = mul a0, 3 : i64
        %1 = add %0, a1 : i64
        %2 = load b0[%1, a2] : f32
        %3 = add v0, %2 : f32
        set v0 = %3
      }
      vector a3 44 of 256 {
        %4 = mul a0, 3 : i64
        %5 = add %4, a1 : i64
        %6 = add a3, 256 : i64
        %7 = load b0[%5, %6] : f32
        %8 = add v1, %7 : f32
        set v1 = %8
      }
      %9 = fold_sum a2 of v0 : f32
      %10 = fold_sum a3 of v1 : f32
      %11 = add %9, %10 : f32
      var v2 f32 = %11
      %12 = mul a0, 3 : i64
      %13 = add %12, a1 : i64
      store b1[%13] = v2
    }
  }
}
