# A block of threads stages tiles of both factors as bf16 and multiplies them by warps. Only the loops are shown.
# run: burin-opt --lower --target=sm_80 --bf16 | grep -E '^# |^kernel|buf|task|loop|unroll|vector|block|barrier|mma|pack'
graph @product(%x: f32[32,32], %w: f32[32,32] param) {
  %0 = matmul %x, %w : f32[32,32]
  return %0
}
=====
# step 0: matmul
kernel tasks=1 scratch=5120 {
  buf b0 arg 0 f32[32,32] stride [32,1] align 4 in
  buf b1 arg 1 f32[32,32] stride [32,1] align 64 in
  buf b2 scratch 0 i32[32,16] stride [20,1] align 64 in out
  buf b3 scratch 2560 i32[32,16] stride [20,1] align 64 in out
  buf b4 arg 2 f32[32,32] stride [32,1] align 4 out
  task a0 1 {
    unroll a1 4 {
      vector a2 256 of 256 {
    unroll a3 2 {
      vector a2 256 of 256 {
    unroll a4 2 {
      vector a2 256 of 256 {
    unroll a3 2 {
      vector a2 256 of 256 {
        %8 = pack_bf16 %5, %7 : i32
    unroll a4 2 {
      vector a2 256 of 256 {
        %17 = pack_bf16 %14, %16 : i32
    unroll a3 2 {
      vector a2 256 of 256 {
    unroll a4 2 {
      vector a2 256 of 256 {
    barrier
    loop a5 2 {
      unroll a6 4 {
        vector a2 256 of 256 {
      unroll a7 2 {
        vector a2 256 of 256 {
      mma a2 v0 v3, v4, a1, a6, a7
    unroll a1 4 {
      vector a2 256 of 256 {
