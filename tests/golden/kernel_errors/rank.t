# As many indices as the buffer has dimensions.
# run: burin-opt
kernel tasks=1 scratch=0 {
  buf b0 arg 0 f32[4] stride [1] align 4 in
  buf b1 arg 1 f32[4] stride [1] align 4 out
  task a0 1 {
    %0 = load b0[0, 0] : f32
    store b1[0] = %0
  }
}
=====
error:
input:7:15: error[E5003]: the buffer has 1 dimensions, not 2
   7 |     %0 = load b0[0, 0] : f32
     |               ^
1 error. `burin help E5003` explains.
