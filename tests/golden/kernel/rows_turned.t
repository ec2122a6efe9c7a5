# An optimiser's update: the gradient lies the other way round, and comes tile by tile through scratch.
# run: burin-opt --lower
graph @t(%g: f32[3,3,16,32], %p: f32[32,16,3,3], %v: f32[32,16,3,3]) {
  %0 = relu %g : f32[3,3,16,32]
  %1 = transpose %0 {perm=[3, 2, 0, 1]} : f32[32,16,3,3]
  %2 = add %v, %1 : f32[32,16,3,3]
  %3 = sub %p, %2 : f32[32,16,3,3]
  return %2, %3
}
=====
# step 0: rows
kernel tasks=2 scratch=0 {
  buf b0 arg 0 f32[3,3,16,32] stride [1536,512,32,1] align 4 in
  buf b1 arg 1 f32[3,3,16,32] stride [1536,512,32,1] align 64 out
  task a0 2 {
    %0 = lt a0, 1 : bool
    if %0 {
      loop a1 1024 {
        vector a2 4 of 4 {
          %1 = mul a0, 4096 : i64
          %2 = mul a1, 4 : i64
          %3 = add %1, %2 : i64
          %4 = add %3, a2 : i64
          %5 = load b0[0, 0, 0, %4] : f32
          %6 = relu %5 : f32
          store b1[0, 0, 0, %4] = %6
        }
      }
    }
    %7 = not %0 : bool
    if %7 {
      loop a3 128 {
        vector a4 4 of 4 {
          %8 = mul a0, 4096 : i64
          %9 = mul a3, 4 : i64
          %10 = add %8, %9 : i64
          %11 = add %10, a4 : i64
          %12 = load b0[0, 0, 0, %11] : f32
          %13 = relu %12 : f32
          store b1[0, 0, 0, %11] = %13
        }
      }
    }
  }
}
# step 1: rows
kernel tasks=2 scratch=4608 {
  buf b0 arg 0 f32[3,3,16,32] stride [1536,512,32,1] align 64 in
  buf b1 scratch 0 f32[8,144] stride [144,1] align 64 in out
  buf b2 arg 1 f32[32,16,3,3] stride [144,9,3,1] align 4 in
  buf b3 arg 2 f32[32,16,3,3] stride [144,9,3,1] align 4 out
  buf b4 arg 3 f32[32,16,3,3] stride [144,9,3,1] align 4 in
  buf b5 arg 4 f32[32,16,3,3] stride [144,9,3,1] align 4 out
  task a0 2 {
    %0 = mul a0, 3 : i64
    %1 = sub 4, %0 : i64
    %2 = min 3, %1 : i64
    loop a1 3 to %2 {
      loop a2 3 {
        loop a3 3 {
          loop a4 16 {
            unroll a5 2 {
              vector a6 4 of 4 {
                %3 = mul a5, 4 : i64
                %4 = add %3, a6 : i64
                %5 = mul a3, 3 : i64
                %6 = add a2, %5 : i64
                %7 = mul a4, 9 : i64
                %8 = add %6, %7 : i64
                %9 = mul a0, 24 : i64
                %10 = mul a1, 8 : i64
                %11 = add %9, %10 : i64
                %12 = add %11, %3 : i64
                %13 = add %12, a6 : i64
                %14 = load b0[a3, a2, a4, %13] : f32
                store b1[%4, %8] = %14
              }
            }
          }
        }
      }
      loop a7 8 {
        loop a8 36 {
          vector a9 4 of 4 {
            %15 = mul a0, 24 : i64
            %16 = mul a1, 8 : i64
            %17 = add %15, %16 : i64
            %18 = add %17, a7 : i64
            %19 = mul a8, 4 : i64
            %20 = add %19, a9 : i64
            %21 = load b2[%18, 0, 0, %20] : f32
            %22 = load b1[a7, %20] : f32
            %23 = add %21, %22 : f32
            store b3[%18, 0, 0, %20] = %23
            %24 = load b4[%18, 0, 0, %20] : f32
            %25 = sub %24, %23 : f32
            store b5[%18, 0, 0, %20] = %25
          }
        }
      }
    }
  }
}
