# An axis is used outside of its loop.
# run: burin-opt
kernel tasks=1 scratch=0 {
  buf b0 arg 0 f32[4] stride [1] align 4 in
  buf b1 arg 1 f32[4] stride [1] align 4 out
  task a0 1 {
    loop a1 4 {
      %0 = load b0[a1] : f32
      store b1[a1] = %0
    }
    store b1[a1] = f32(0)
  }
}
=====
error:
input:11:5: error[E5005]: kernel: a value depends on an axis that is not open here
  11 |     store b1[a1] = f32(0)
     |     ^
1 error. `burin help E5005` explains.
