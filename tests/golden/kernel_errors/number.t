# A constant must fit its type.
# run: burin-opt
kernel tasks=1 scratch=0 {
  buf b0 arg 0 f32[4] stride [1] align 4 in
  buf b1 arg 1 f32[4] stride [1] align 4 out
  task a0 1 {
    store b1[0] = f32(0)
    var v0 i8 = i8(300)
  }
}
=====
error:
input:8:20: error[E5003]: a number of type i8 is expected, not '300'
   8 |     var v0 i8 = i8(300)
     |                    ^
1 error. `burin help E5003` explains.
