# All lanes store to one element.
# run: burin-opt
kernel tasks=1 scratch=0 {
  buf b0 arg 0 f32[4] stride [1] align 4 in
  buf b1 arg 1 f32[4] stride [1] align 4 out
  task a0 1 {
    vector a1 4 of 4 {
      %0 = load b0[a1] : f32
      store b1[0] = %0
    }
  }
}
=====
error:
input:9:7: error[E5005]: kernel: all lanes of a vector are stored to one element
   9 |       store b1[0] = %0
     |       ^
1 error. `burin help E5005` explains.
