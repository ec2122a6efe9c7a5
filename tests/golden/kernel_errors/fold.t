# A fold over a loop, over an axis of which its operand knows nothing, over nothing.
# run: burin-opt
kernel tasks=1 scratch=0 {
  buf b0 arg 0 f32[4] stride [1] align 4 in
  buf b1 arg 1 f32[4] stride [1] align 4 out
  task a0 1 {
    loop a1 4 {
      %0 = load b0[a1] : f32
      %1 = fold_sum a1 of %0 : f32
      store b1[a1] = %1
    }
    unroll a2 4 {
      %2 = fold_sum a2 of f32(1) : f32
      store b1[a2] = %2
    }
    %3 = fold_sum of f32(1) : f32
    store b1[0] = %3
  }
}
=====
error:
input:9:7: error[E5005]: kernel: fold_sum runs over unroll and vector axes that its operand depends on, each once
   9 |       %1 = fold_sum a1 of %0 : f32
     |       ^
input:13:7: error[E5005]: kernel: fold_sum runs over unroll and vector axes that its operand depends on, each once
  13 |       %2 = fold_sum a2 of f32(1) : f32
     |       ^
input:16:5: error[E5005]: kernel: fold_sum runs over nothing
  16 |     %3 = fold_sum of f32(1) : f32
     |     ^
3 errors. `burin help E5005` explains.
