# Tasks are what the head says, outermost, and do not share elements.
# run: burin-opt
kernel tasks=4 scratch=0 {
  buf b0 arg 0 f32[4] stride [1] align 4 in
  buf b1 arg 1 f32[4] stride [1] align 4 out
  task a0 4 {
    loop a1 4 {
      %0 = load b0[a0] : f32
      store b1[a1] = %0
    }
  }
  loop a2 4 {
    task a3 2 {
      store b1[a3] = f32(0)
    }
  }
}
=====
error:
input:9:7: error[E5005]: kernel: all tasks store to one element
   9 |       store b1[a1] = %0
     |       ^
input:13:5: error[E5005]: kernel: tasks are shared out by the outermost loop
  13 |     task a3 2 {
     |     ^
input:13:5: error[E5005]: kernel: the kernel has 4 tasks, not 2
  13 |     task a3 2 {
     |     ^
3 errors. `burin help E5005` explains.
