# A window with a border of its own: the lanes run over channels, the window is unrolled.
# run: burin-opt --lower --run
graph @window(%x: f32[1,4,4,4]) {
  %0 = window_max %x {kernel=[3, 3], stride=[2, 2], pad=[1, 1, 0, 0], channels_last=yes} : f32[1,2,2,4]
  return %0
}
=====
# step 0: window_max
kernel tasks=2 scratch=0 {
  buf b0 arg 0 f32[1,4,4,4] stride [64,16,4,1] align 4 in
  buf b1 arg 1 f32[1,2,2,4] stride [16,8,4,1] align 4 out
  task a0 2 {
    vector a1 4 of 4 {
      unroll a2 2 {
        var v0 f32 [a1 a2] = f32(-inf)
        unroll a3 3 {
          unroll a4 3 {
            %0 = mul a0, 2 : i64
            %1 = add %0, a3 : i64
            %2 = add %1, -1 : i64
            %3 = max %2, 0 : i64
            %4 = mul a2, 2 : i64
            %5 = add %4, a4 : i64
            %6 = add %5, -1 : i64
            %7 = max %6, 0 : i64
            %8 = load b0[0, %3, %7, a1] : f32
            %9 = max v0, %8 : f32
            set v0 = %9
          }
        }
        store b1[0, a0, a2, a1] = v0
      }
    }
  }
}
# arg 1 = [3, 4, 4, 5, 4, 5, 5, 3, 5, 4, 4, 4, 5, 5, 5, 5]
