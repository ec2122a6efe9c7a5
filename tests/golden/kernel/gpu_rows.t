# The lanes are the threads of a block.
# run: burin-opt --lower --target=sm_80
graph @sum(%x: f32[3,300]) {
  %0 = reduce_sum %x {axes=[1]} : f32[3]
  return %0
}
=====
# step 0: rows
kernel tasks=3 scratch=0 {
  buf b0 arg 0 f32[3,300] stride [300,1] align 4 in
  buf b1 arg 1 f32[3] stride [1] align 4 out
  task a0 3 {
    vector a1 256 of 256 {
      var v0 f32 [a1] = f32(0)
    }
    vector a1 256 of 256 {
      %0 = load b0[a0, a1] : f32
      %1 = add v0, %0 : f32
      set v0 = %1
    }
    vector a1 256 of 256 {
      %2 = lt a1, 44 : bool
      %3 = add a1, 256 : i64
      %4 = load b0[a0, %3] : f32
      %5 = add v0, %4 : f32
      %6 = select %2, %5, v0 : f32
      set v0 = %6
    }
    %7 = fold_sum a1 of v0 : f32
    var v1 f32 = %7
    store b1[a0] = v1
  }
}
