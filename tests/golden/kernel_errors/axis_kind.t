# One axis is one loop, whoever opens it.
# run: burin-opt
kernel tasks=1 scratch=0 {
  buf b0 arg 0 f32[4] stride [1] align 4 in
  buf b1 arg 1 f32[4] stride [1] align 4 out
  task a0 1 {
    loop a1 4 {
      %0 = load b0[a1] : f32
      store b1[a1] = %0
    }
    unroll a1 4 {
      store b1[a1] = f32(0)
    }
  }
}
=====
error:
input:11:12: error[E5003]: the axis was another one before: loop of 4
  11 |     unroll a1 4 {
     |            ^
1 error. `burin help E5003` explains.
