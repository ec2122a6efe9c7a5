# A condition by lanes; more active lanes than there are.
# run: burin-opt
kernel tasks=1 scratch=0 {
  buf b0 arg 0 f32[4] stride [1] align 4 in
  buf b1 arg 1 f32[4] stride [1] align 4 out
  task a0 1 {
    vector a1 5 of 4 {
      %0 = lt a1, 2 : bool
      if %0 {
        %1 = load b0[0] : f32
        store b1[0] = %1
      }
    }
  }
}
=====
error:
input:7:5: error[E5005]: kernel: a vector has 1 to 1024 lanes, of which at most all are active
   7 |     vector a1 5 of 4 {
     |     ^
input:9:7: error[E5005]: kernel: the condition of a statement depends on a vector axis
   9 |       if %0 {
     |       ^
2 errors. `burin help E5005` explains.
