# Tiles of inputs and of gradients, of all points: columns through scratch, then rows.
# run: burin-opt --lower --run | grep -E '^# |^kernel|buf|task|loop|unroll|vector|block'
graph @tiles(%x: f32[2,10,6,5], %dy: f32[2,8,4,3]) {
  %0 = winograd_tiles %x : f32[36,4,5]
  %1 = winograd_tiles %dy {gradient=yes} : f32[36,4,3]
  return %0 as x, %1 as dy
}
=====
# step 0: winograd_tiles
kernel tasks=4 scratch=576 {
  buf b0 arg 0 f32[2,10,6,5] stride [300,30,5,1] align 4 in
  buf b1 scratch 0 f32[36,4] stride [4,1] align 64 in out
  buf b2 arg 1 f32[36,4,5] stride [20,5,1] align 4 out
  task a0 4 {
    loop a1 1 {
      vector a2 4 of 4 {
      vector a3 1 of 4 {
# arg 1 = [-11, -44, 55, 165, -220, 55, -11, -44, 55, 165, 165, -220, 44, 176, -220, 55, 165, -220, 44, 176, 25, -140, 124, 25, -96, 124, 25, -140, 124, 25, 25, -96, 69, 36, -96, 124, 25, -96, 69, 36, -11, 176, 0, -11, -220, 0, -11, 176, 0, -11, -11, -220, 55, 0, -220, 0, -11, -220, 55, 0, -11, -88, 99, -11, ...]
# step 1: winograd_tiles
kernel tasks=4 scratch=576 {
  buf b0 arg 0 f32[2,8,4,3] stride [96,12,3,1] align 4 in
  buf b1 scratch 0 f32[36,4] stride [4,1] align 64 in out
  buf b2 arg 1 f32[36,4,3] stride [12,3,1] align 4 out
  task a0 4 {
    loop a1 1 {
      vector a2 3 of 4 {
# arg 1 = [-5, 2, -2, 1, -3, 4, -4, 3, -1, 2, -2, 5, 7, 2, -14, -2, -7, 10, 0, 6, -10, 2, -14, 14, -9, 2, 2, 2, -9, 2, 2, 2, 2, 2, 2, 2, 45, -4, -64, -19, 9, 26, 38, 11, -49, -4, -64, 41, -23, 8, 28, 13, -55, -2, -6, 3, 23, 8, 28, -7, 3, -1, -5, -2, ...]
