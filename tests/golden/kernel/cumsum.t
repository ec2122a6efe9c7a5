# Each line is summed from its beginning to its end, lines side by side by vectors.
# run: burin-opt --lower --run
graph @cumsum(%x: f32[3,5]) {
  %0 = cumsum %x {axis=0, exclusive=1} : f32[3,5]
  %1 = cumsum %x {axis=1, reverse=1} : f32[3,5]
  return %0, %1
}
=====
# step 0: cumsum
kernel tasks=1 scratch=0 {
  buf b0 arg 1 f32[3,5] stride [5,1] align 4 out
  buf b1 arg 0 f32[3,5] stride [5,1] align 4 in
  task a0 1 {
    vector a1 4 of 4 {
      var v0 f32 [a1] = f32(0)
      loop a2 3 {
        store b0[a2, a1] = v0
        %0 = load b1[a2, a1] : f32
        %1 = add v0, %0 : f32
        set v0 = %1
      }
    }
    vector a3 1 of 4 {
      var v1 f32 [a3] = f32(0)
      loop a4 3 {
        %2 = add a3, 4 : i64
        store b0[a4, %2] = v1
        %3 = load b1[a4, %2] : f32
        %4 = add v1, %3 : f32
        set v1 = %4
      }
    }
  }
}
# arg 1 = [0, 0, 0, 0, 0, -5, 2, -2, 5, 1, -8, 6, -2, 1, 4]
# step 1: cumsum
kernel tasks=1 scratch=0 {
  buf b0 arg 0 f32[3,5] stride [5,1] align 4 in
  buf b1 arg 1 f32[3,5] stride [5,1] align 4 out
  task a0 1 {
    loop a1 3 {
      var v0 f32 = f32(0)
      loop a2 5 {
        %0 = mul a0, 3 : i64
        %1 = add %0, a1 : i64
        %2 = mul a2, -1 : i64
        %3 = add %2, 4 : i64
        %4 = load b0[%1, %3] : f32
        %5 = add v0, %4 : f32
        set v0 = %5
        store b1[%1, %3] = v0
      }
    }
  }
}
# arg 1 = [1, 6, 4, 6, 1, 0, 3, -1, -1, 3, -1, 0, 5, 3, 5]
