# An operator that kernels do not have.
# run: burin-opt
kernel tasks=1 scratch=0 {
  buf b0 arg 0 f32[4] stride [1] align 4 in
  buf b1 arg 1 f32[4] stride [1] align 4 out
  task a0 1 {
    %0 = load b0[0] : f32
    %1 = foldsum a1 of %0 : f32
    store b1[0] = %1
  }
}
=====
error:
input:8:10: error[E5003]: there is no operator 'foldsum' in kernels
   8 |     %1 = foldsum a1 of %0 : f32
     |          ^ did you mean 'fold_sum'?
1 error. `burin help E5003` explains.
