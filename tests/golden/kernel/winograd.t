# F(4x4, 3x3): inputs transformed into scratch, products by point, results transformed back. Only the loops are shown.
# run: burin-opt --lower | grep -E '^# |^kernel|buf|task|loop|unroll|vector|block'
graph @winograd(%x: f32[1,10,10,4], %w: f32[1,36,4,32] param) {
  %0 = winograd %x, %w {size=[8, 8, 32]} : f32[1,8,8,32]
  return %0
}
=====
# step 0: winograd
kernel tasks=4 scratch=27968 {
  buf b0 arg 0 f32[1,10,10,4] stride [400,40,4,1] align 4 in
  buf b1 scratch 25344 f32[36,4] stride [4,1] align 64 in out
  buf b2 scratch 0 f32[36,4,4] stride [80,20,1] align 64 in out
  buf b3 arg 1 f32[1,36,4,32] stride [4608,128,32,1] align 64 in
  buf b4 scratch 11520 f32[36,4,8] stride [96,24,1] align 64 in out
  buf b5 scratch 25920 f32[4,4,4,8] stride [128,32,8,1] align 64 in out
  buf b6 arg 2 f32[1,8,8,32] stride [2048,256,32,1] align 4 out
  task a0 4 {
    loop a1 4 {
      vector a2 4 of 4 {
    loop a3 4 from a0 to %338 {
      loop a4 36 {
        unroll a5 4 {
          unroll a6 2 {
            vector a7 4 of 4 {
        loop a8 4 {
          unroll a5 4 {
            unroll a6 2 {
              vector a7 4 of 4 {
        unroll a5 4 {
          unroll a6 2 {
            vector a7 4 of 4 {
      loop a1 4 {
        loop a9 2 {
          vector a2 4 of 4 {
        loop a9 2 {
          vector a2 4 of 4 {
            loop a10 4 {
              loop a11 4 {
