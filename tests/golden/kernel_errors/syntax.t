# What is no statement.
# run: burin-opt
kernel tasks=1 scratch=0 {
  buf b0 arg 0 f32[4] stride [1] align 4 in
  buf b1 arg 1 f32[4] stride [1] align 4 out
  task a0 1 {
    %0 = load b0[0] : f32
    return %0
  }
}
=====
error:
input:8:5: error[E5003]: a statement or a value is expected, not 'return'
   8 |     return %0
     |     ^
1 error. `burin help E5003` explains.
