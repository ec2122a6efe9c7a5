# What the body reads and writes, the lines of the buffers say.
# run: burin-opt
kernel tasks=1 scratch=0 {
  buf b0 arg 0 f32[4] stride [1] align 4 in out
  buf b1 arg 1 f32[4] stride [1] align 4
  task a0 1 {
    %0 = load b0[0] : f32
    store b1[0] = %0
  }
}
=====
error:
input:4:7: error[E5003]: the body makes it 'in', which the line must say
   4 |   buf b0 arg 0 f32[4] stride [1] align 4 in out
     |       ^
input:5:7: error[E5003]: the body makes it 'out', which the line must say
   5 |   buf b1 arg 1 f32[4] stride [1] align 4
     |       ^
2 errors. `burin help E5003` explains.
