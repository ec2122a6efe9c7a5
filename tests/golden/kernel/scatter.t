# The tensor is copied, then the updates go over it one after another.
# run: burin-opt --lower --run
graph @scatter(%x: f32[4], %i: i64[2,1], %u: f32[2]) {
  %0 = scatter_nd %x, %i, %u : f32[4]
  return %0
}
=====
# step 0: check
kernel tasks=1 scratch=0 {
  buf b0 arg 1 i64[2,1] stride [1,1] align 8 in
  buf b1 arg 0 i32 align 4 out
  task a0 1 {
    vector a1 2 of 2 {
      %0 = load b0[a1, 0] : i64
      %1 = lt %0, -4 : bool
      %2 = ge %0, 4 : bool
      %3 = or %1, %2 : bool
      %4 = select %3, 1, 0 : i64
      %5 = fold_max a1 of %4 : i64
      %6 = ne %5, 0 : bool
      if %6 {
        store b1 = i32(1)
      }
    }
  }
}
# arg 0 = [1]
# step 1: copy
kernel tasks=1 scratch=0 {
  buf b0 arg 1 f32[4] stride [1] align 4 in
  buf b1 arg 0 f32[4] stride [1] align 4 out
  task a0 1 {
    vector a1 4 of 4 {
      %0 = load b0[a1] : f32
      store b1[a1] = %0
    }
  }
}
# arg 0 = [-2, 5, 1, -3]
# step 2: scatter
kernel tasks=1 scratch=0 {
  buf b0 arg 1 i64[2,1] stride [1,1] align 8 in
  buf b1 arg 2 f32[2] stride [1] align 4 in
  buf b2 arg 0 f32[4] stride [1] align 4 out
  task a0 1 {
    loop a1 2 {
      %0 = load b0[a1, 0] : i64
      %1 = lt %0, 0 : bool
      %2 = add %0, 4 : i64
      %3 = select %1, %2, %0 : i64
      %4 = max %3, 0 : i64
      %5 = min %4, 3 : i64
      %6 = load b1[a1] : f32
      store b2[%5] = %6
    }
  }
}
# arg 0 = [-5, 2, 1, -3]
