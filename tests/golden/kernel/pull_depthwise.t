# A depthwise convolution with its activation.
# run: burin-opt --lower
graph @depthwise(%x: f32[1,5,5,4], %w: f32[3,3,1,4] param) {
  %0 = conv %x, %w {groups=4, channels_last=yes} : f32[1,3,3,4]
  %1 = relu %0 : f32[1,3,3,4]
  return %1
}
=====
# step 0: conv
kernel tasks=3 scratch=0 {
  buf b0 arg 0 f32[1,5,5,4] stride [100,20,4,1] align 4 in
  buf b1 arg 1 f32[3,3,1,4] stride [12,4,4,1] align 64 in
  buf b2 arg 2 f32[1,3,3,4] stride [36,12,4,1] align 4 out
  task a0 3 {
    vector a1 4 of 4 {
      unroll a2 3 {
        var v0 f32 [a1 a2] = f32(0)
        unroll a3 3 {
          unroll a4 3 {
            %0 = add a0, a3 : i64
            %1 = add a2, a4 : i64
            %2 = load b0[0, %0, %1, a1] : f32
            %3 = load b1[a3, a4, 0, a1] : f32
            %4 = mul %2, %3 : f32
            %5 = add v0, %4 : f32
            set v0 = %5
          }
        }
        %6 = relu v0 : f32
        store b2[0, a0, a2, a1] = %6
      }
    }
  }
}
