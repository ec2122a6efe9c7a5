# Rows enough for nine parts: each task leaves its sums, a second kernel adds them in order.
# run: burin-opt --lower
graph @parts(%x: f32[2,140,8]) {
  %0 = reduce_sum %x {axes=[0, 1]} : f32[8]
  return %0
}
=====
# step 0: columns
kernel tasks=9 scratch=0 {
  buf b0 arg 1 f32[2,140,8] stride [1120,8,1] align 4 in
  buf b1 arg 0 f32[9,1,8] stride [8,8,1] align 64 out
  task a0 9 {
    unroll a1 2 {
      vector a2 4 of 4 {
        var v0 f32 [a1 a2] = f32(0)
      }
    }
    %0 = mul a0, 32 : i64
    %1 = sub 280, %0 : i64
    %2 = min 32, %1 : i64
    loop a3 32 to %2 {
      unroll a1 2 {
        vector a2 4 of 4 {
          %3 = add %0, a3 : i64
          %4 = mul a1, 4 : i64
          %5 = add a2, %4 : i64
          %6 = load b0[0, %3, %5] : f32
          %7 = add v0, %6 : f32
          set v0 = %7
        }
      }
    }
    unroll a1 2 {
      vector a2 4 of 4 {
        %8 = mul a1, 4 : i64
        %9 = add a2, %8 : i64
        store b1[a0, 0, %9] = v0
      }
    }
  }
}
# step 1: sums
kernel tasks=1 scratch=0 {
  buf b0 arg 0 f32[9,1,8] stride [8,8,1] align 64 in
  buf b1 arg 1 f32[8] stride [1] align 4 out
  task a0 1 {
    unroll a1 2 {
      vector a2 4 of 4 {
        var v0 f32 [a1 a2] = f32(0)
      }
    }
    loop a3 9 {
      unroll a1 2 {
        vector a2 4 of 4 {
          %0 = mul a1, 4 : i64
          %1 = add a2, %0 : i64
          %2 = load b0[a3, 0, %1] : f32
          %3 = add v0, %2 : f32
          set v0 = %3
        }
      }
    }
    unroll a1 2 {
      vector a2 4 of 4 {
        %4 = mul a1, 4 : i64
        %5 = add a2, %4 : i64
        store b1[%5] = v0
      }
    }
  }
}
