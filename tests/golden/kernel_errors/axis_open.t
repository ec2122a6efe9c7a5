# An axis is opened inside of itself; a vector inside of another.
# run: burin-opt
kernel tasks=1 scratch=0 {
  buf b0 arg 0 f32[4] stride [1] align 4 in
  buf b1 arg 1 f32[4] stride [1] align 4 out
  task a0 1 {
    loop a1 4 {
      loop a1 4 {
        %0 = load b0[a1] : f32
        store b1[a1] = %0
      }
    }
    vector a2 2 of 2 {
      vector a3 2 of 2 {
        %1 = load b0[a2] : f32
        store b1[a3] = %1
      }
    }
  }
}
=====
error:
input:8:7: error[E5005]: kernel: the axis is open already
   8 |       loop a1 4 {
     |       ^
input:14:7: error[E5005]: kernel: a vector axis is open already
  14 |       vector a3 2 of 2 {
     |       ^
2 errors. `burin help E5005` explains.
