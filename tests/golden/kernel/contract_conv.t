# A convolution over a bordered input: the product walks channels of the window's places.
# run: burin-opt --lower
graph @conv(%x: f32[1,4,6,4], %w: f32[3,3,4,8] param) {
  %0 = conv %x, %w {channels_last=yes} : f32[1,2,4,8]
  return %0
}
=====
# step 0: conv
kernel tasks=2 scratch=0 {
  buf b0 arg 0 f32[1,4,6,4] stride [96,24,4,1] align 4 in
  buf b1 arg 1 f32[3,3,4,8] stride [96,32,8,1] align 64 in
  buf b2 arg 2 f32[1,2,4,8] stride [64,32,8,1] align 4 out
  task a0 2 {
    loop a1 2 {
      vector a2 4 of 4 {
        unroll a3 4 {
          var v0 f32 [a2 a3] = f32(0)
          loop a4 3 {
            loop a5 3 {
              loop a6 4 {
                %0 = add a0, a4 : i64
                %1 = add a3, a5 : i64
                %2 = load b0[0, %0, %1, a6] : f32
                %3 = mul a1, 4 : i64
                %4 = add %3, a2 : i64
                %5 = load b1[a4, a5, a6, %4] : f32
                %6 = mul %2, %5 : f32
                %7 = add v0, %6 : f32
                set v0 = %7
              }
            }
          }
          %8 = mul a1, 4 : i64
          %9 = add %8, a2 : i64
          store b2[0, a0, a3, %9] = v0
        }
      }
    }
  }
}
