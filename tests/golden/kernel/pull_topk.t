# Each element counts how many come before it.
# run: burin-opt --lower --run
graph @topk(%x: f32[7]) {
  %0 = topk_index %x {k=3, axis=0} : i64[3]
  return %0
}
=====
# step 0: topk_index
kernel tasks=1 scratch=0 {
  buf b0 arg 0 f32[7] stride [1] align 4 in
  buf b1 arg 1 i64[3] stride [1] align 8 out
  task a0 1 {
    vector a1 3 of 4 {
      var v0 i64 [a1] = 0
      unroll a2 7 {
        var v1 i64 [a2] = 0
        unroll a3 7 {
          %0 = load b0[a3] : f32
          %1 = load b0[a2] : f32
          %2 = gt %0, %1 : bool
          %3 = eq %0, %1 : bool
          %4 = lt a3, a2 : bool
          %5 = and %3, %4 : bool
          %6 = or %2, %5 : bool
          %7 = select %6, 1, 0 : i64
          %8 = add v1, %7 : i64
          set v1 = %8
        }
        %9 = eq v1, a1 : bool
        %10 = select %9, a2, 0 : i64
        %11 = add v0, %10 : i64
        set v0 = %11
      }
      store b1[a1] = v0
    }
  }
}
# arg 1 = [3, 6, 1]
