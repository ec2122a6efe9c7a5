# A view that is a result is written out.
# run: burin-opt --lower --run
graph @copy(%x: f32[2,3]) {
  %0 = transpose %x {perm=[1, 0]} : f32[3,2]
  return %0
}
=====
# step 0: copy
kernel tasks=1 scratch=0 {
  buf b0 arg 1 f32[2,3] stride [3,1] align 4 in
  buf b1 arg 0 f32[3,2] stride [2,1] align 4 out
  task a0 1 {
    loop a1 3 {
      vector a2 2 of 4 {
        %0 = mul a0, 3 : i64
        %1 = add %0, a1 : i64
        %2 = load b0[a2, %1] : f32
        store b1[%1, a2] = %2
      }
    }
  }
}
# arg 0 = [-2, -3, 5, 4, 1, 0]
