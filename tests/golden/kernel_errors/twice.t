# A variable is declared once, a number is given once.
# run: burin-opt
kernel tasks=1 scratch=0 {
  buf b0 arg 0 f32[4] stride [1] align 4 in
  buf b1 arg 1 f32[4] stride [1] align 4 out
  task a0 1 {
    var v0 f32 = f32(0)
    var v0 f32 = f32(1)
  }
}
=====
error:
input:8:9: error[E5003]: v0 is declared twice
   8 |     var v0 f32 = f32(1)
     |         ^
1 error. `burin help E5003` explains.
