# F(4x4, 3x3) with plain weights: those of a block of columns are transformed in front of its products. Only the loops are shown.
# run: burin-opt --lower --run | grep -E '^# |^kernel|buf|task|loop|unroll|vector|block'
graph @winograd(%x: f32[1,6,10,66], %w: f32[3,3,66,10]) {
  %0 = winograd %x, %w {size=[4, 7, 10], plain=yes} : f32[1,4,7,10]
  return %0
}
=====
# step 0: winograd
kernel tasks=2 scratch=108160 {
  buf b0 arg 0 f32[1,6,10,66] stride [3960,660,66,1] align 4 in
  buf b1 scratch 30528 f32[36,4] stride [4,1] align 64 in out
  buf b2 scratch 0 f32[36,2,66] stride [164,82,1] align 64 in out
  buf b3 arg 1 f32[3,3,66,10] stride [1980,660,10,1] align 4 in
  buf b4 scratch 32128 f32[36,512] stride [528,1] align 64 in out
  buf b5 scratch 23616 f32[36,2,8] stride [48,24,1] align 64 in out
  buf b6 scratch 31104 f32[2,4,4,8] stride [128,32,8,1] align 64 in out
  buf b7 arg 2 f32[1,4,7,10] stride [280,70,10,1] align 4 out
  task a0 2 {
    loop a1 2 {
      loop a2 16 {
        vector a3 4 of 4 {
      vector a4 2 of 4 {
    loop a5 2 from a0 to %663 {
        loop a6 64 to 64 {
          loop a7 2 {
            vector a3 4 of 4 {
        loop a6 64 to 64 {
          vector a4 2 of 4 {
      loop a8 36 {
        unroll a9 2 {
          unroll a10 2 {
            vector a11 4 of 4 {
        loop a12 64 to 64 {
          unroll a9 2 {
            unroll a10 2 {
              vector a11 4 of 4 {
        unroll a9 2 {
          unroll a10 2 {
            vector a11 4 of 4 {
      loop a13 1 {
          loop a6 64 to %904 {
            loop a7 2 {
              vector a3 4 of 4 {
          loop a6 64 to %1025 {
            vector a4 2 of 4 {
        loop a8 36 {
          unroll a14 2 {
            unroll a15 2 {
              vector a16 4 of 4 {
          loop a17 64 to %1146 {
            unroll a14 2 {
              unroll a15 2 {
                vector a16 4 of 4 {
          unroll a14 2 {
            unroll a15 2 {
              vector a16 4 of 4 {
        loop a1 2 {
          loop a7 2 {
            vector a3 4 of 4 {
          loop a7 2 {
            vector a3 4 of 4 {
              loop a18 4 {
                loop a19 4 to %1353 {
        loop a1 2 {
          loop a7 2 {
            vector a3 4 of 4 {
          vector a4 2 of 4 {
            loop a18 4 {
              loop a19 4 to %1556 {
# arg 2 = [2376.0002, -5940.0005, 2376.0002, 1188.0001, -2970.0002, 2970.0002, -594.00006, -594.00006, 2970.0002, -2970.0002, 2376.0002, -5940.0005, 2376.0002, 1188.0001, -2970.0002, 2970.0002, -594.00006, -594.00006, 2970.0002, -2970.0002, 2376.0002, -5940.0005, 2376.0002, 1188.0001, -2970.0002, 2970.0002, -594.00006, -594.00006, 2970.0002, -2970.0002, 2376.0002, -5940.0005, 2376.0002, 1188.0001, -2970.0002, 2970.0002, -594.00006, -594.00006, 2970.0002, -2970.0002, 2376.0002, -5940.0005, 2376.0002, 1188.0001, -2970.0002, 2970.0002, -594.00006, -594.00006, 2970.0002, -2970.0002, 2376.0002, -5940.0005, 2376.0002, 1188.0001, -2970.0002, 2970.0002, -594.00006, -594.00006, 2970.0002, -2970.0002, 2376.0002, -5940.0005, 2376.0002, 1188.0001, ...]
