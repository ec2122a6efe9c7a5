# A buffer beyond the scratch memory; an alignment that is none.
# run: burin-opt
kernel tasks=1 scratch=64 {
  buf b0 scratch 32 f32[4,4] stride [4,1] align 16 out
  buf b1 scratch 2 f32[4] stride [1] align 3 out
  task a0 1 {
    store b0[0, 0] = f32(0)
    store b1[0] = f32(0)
  }
}
=====
error:
input:3:1: error[E5005]: kernel: b0 does not lie inside of the 64 bytes of scratch
   3 | kernel tasks=1 scratch=64 {
     | ^
input:3:1: error[E5005]: kernel: b1 has an alignment that is not a power of two
   3 | kernel tasks=1 scratch=64 {
     | ^
input:3:1: error[E5005]: kernel: b1 does not lie inside of the 64 bytes of scratch
   3 | kernel tasks=1 scratch=64 {
     | ^
3 errors. `burin help E5005` explains.
