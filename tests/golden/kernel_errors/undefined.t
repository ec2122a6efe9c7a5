# A value is defined in a body around.
# run: burin-opt
kernel tasks=1 scratch=0 {
  buf b0 arg 0 f32[4] stride [1] align 4 in
  buf b1 arg 1 f32[4] stride [1] align 4 out
  task a0 1 {
    loop a1 4 {
      %0 = load b0[a1] : f32
    }
    store b1[0] = %0
  }
}
=====
error:
input:10:20: error[E5003]: %0 is not defined here
  10 |     store b1[0] = %0
     |                    ^
1 error. `burin help E5003` explains.
