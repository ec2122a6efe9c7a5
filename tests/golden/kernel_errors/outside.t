# Accesses that certainly lie outside.
# run: burin-opt
kernel tasks=1 scratch=0 {
  buf b0 arg 0 f32[4] stride [1] align 4 in
  buf b1 arg 1 f32[4] stride [1] align 4 out
  task a0 1 {
    loop a1 4 {
      %0 = add a1, 1 : i64
      %1 = load b0[%0] : f32
      store b1[a1] = %1
    }
    loop a2 4 to 2 {
      %2 = add a2, 9 : i64
      store b1[%2] = f32(0)
    }
    store b1[-1] = f32(0)
  }
}
=====
error:
input:9:7: error[E5005]: kernel: the access reaches positions 1 to 4 of a buffer that has 0 to 3
   9 |       %1 = load b0[%0] : f32
     |       ^
input:14:7: error[E5005]: kernel: the access reaches positions 9 to 12 of a buffer that has 0 to 3
  14 |       store b1[%2] = f32(0)
     |       ^
input:16:5: error[E5005]: kernel: the access reaches positions -1 to -1 of a buffer that has 0 to 3
  16 |     store b1[-1] = f32(0)
     |     ^
3 errors. `burin help E5005` explains.
