# The indices are clamped where they are read; a kernel before says when one lies outside.
# run: burin-opt --lower --run
graph @gather(%x: f32[4,3], %i: i64[5]) {
  %0 = gather %x, %i {axis=0} : f32[5,3]
  return %0
}
=====
# step 0: check
kernel tasks=1 scratch=0 {
  buf b0 arg 1 i64[5] stride [1] align 8 in
  buf b1 arg 0 i32 align 4 out
  task a0 1 {
    loop a1 2 {
      vector a2 2 of 2 {
        %0 = mul a1, 2 : i64
        %1 = add %0, a2 : i64
        %2 = load b0[%1] : i64
        %3 = lt %2, -4 : bool
        %4 = ge %2, 4 : bool
        %5 = or %3, %4 : bool
        %6 = select %5, 1, 0 : i64
        %7 = fold_max a2 of %6 : i64
        %8 = ne %7, 0 : bool
        if %8 {
          store b1 = i32(1)
        }
      }
    }
    vector a3 1 of 2 {
      %9 = add a3, 4 : i64
      %10 = load b0[%9] : i64
      %11 = lt %10, -4 : bool
      %12 = ge %10, 4 : bool
      %13 = or %11, %12 : bool
      %14 = select %13, 1, 0 : i64
      %15 = fold_max a3 of %14 : i64
      %16 = ne %15, 0 : bool
      if %16 {
        store b1 = i32(1)
      }
    }
  }
}
# arg 0 = [1]
# step 1: rows
kernel tasks=1 scratch=0 {
  buf b0 arg 0 i64[5] stride [1] align 8 in
  buf b1 arg 1 f32[4,3] stride [3,1] align 4 in
  buf b2 arg 2 f32[5,3] stride [3,1] align 4 out
  task a0 1 {
    loop a1 5 {
      vector a2 3 of 4 {
        %0 = mul a0, 5 : i64
        %1 = add %0, a1 : i64
        %2 = load b0[%1] : i64
        %3 = lt %2, 0 : bool
        %4 = add %2, 4 : i64
        %5 = select %3, %4, %2 : i64
        %6 = max %5, 0 : i64
        %7 = min %6, 3 : i64
        %8 = load b1[%7, a2] : f32
        store b2[%1, a2] = %8
      }
    }
  }
}
# arg 2 = [-2, 5, 1, -4, 3, -1, -4, 3, -1, -5, 2, -2, -3, 4, 0]
