# The register tile: whole vectors and a rest, bias and activation on the accumulators.
# run: burin-opt --lower --run
graph @product(%x: f32[5,3], %w: f32[3,10] param, %b: f32[10] param) {
  %0 = matmul %x, %w : f32[5,10]
  %1 = broadcast %b {shape=[5, 10]} : f32[5,10]
  %2 = add %0, %1 : f32[5,10]
  %3 = relu %2 : f32[5,10]
  return %3
}
=====
# step 0: matmul
kernel tasks=2 scratch=0 {
  buf b0 arg 1 f32[5,3] stride [3,1] align 4 in
  buf b1 arg 0 f32[3,10] stride [10,1] align 64 in
  buf b2 arg 2 f32[10] stride [1] align 64 in
  buf b3 arg 3 f32[5,10] stride [10,1] align 4 out
  task a0 2 {
    %0 = lt a0, 1 : bool
    if %0 {
      loop a1 1 {
        unroll a2 5 {
          unroll a3 2 {
            vector a4 4 of 4 {
              var v0 f32 [a2 a3 a4] = f32(0)
            }
          }
        }
        loop a5 3 {
          unroll a2 5 {
            unroll a3 2 {
              vector a4 4 of 4 {
                %1 = load b0[a2, a5] : f32
                %2 = mul a0, 8 : i64
                %3 = mul a3, 4 : i64
                %4 = add %2, %3 : i64
                %5 = add %4, a4 : i64
                %6 = load b1[a5, %5] : f32
                %7 = fma %1, %6, v0 : f32
                set v0 = %7
              }
            }
          }
        }
        unroll a2 5 {
          unroll a3 2 {
            vector a4 4 of 4 {
              %8 = mul a0, 8 : i64
              %9 = mul a3, 4 : i64
              %10 = add %8, %9 : i64
              %11 = add %10, a4 : i64
              %12 = load b2[%11] : f32
              %13 = add v0, %12 : f32
              %14 = relu %13 : f32
              store b3[a2, %11] = %14
            }
          }
        }
      }
    }
    %15 = ge a0, 1 : bool
    if %15 {
      loop a6 1 {
        unroll a7 5 {
          vector a8 2 of 4 {
            var v1 f32 [a7 a8] = f32(0)
          }
        }
        loop a9 3 {
          unroll a7 5 {
            vector a8 2 of 4 {
              %16 = load b0[a7, a9] : f32
              %17 = mul a0, 8 : i64
              %18 = add %17, a8 : i64
              %19 = load b1[a9, %18] : f32
              %20 = fma %16, %19, v1 : f32
              set v1 = %20
            }
          }
        }
        unroll a7 5 {
          vector a8 2 of 4 {
            %21 = mul a0, 8 : i64
            %22 = add %21, a8 : i64
            %23 = load b2[%22] : f32
            %24 = add v1, %23 : f32
            %25 = relu %24 : f32
            store b3[a7, %22] = %25
          }
        }
      }
    }
  }
}
# arg 3 = [9, 0, 13, 0, 17, 19, 0, 12, 14, 0, 12, 0, 18, 0, 13, 16, 0, 11, 14, 0, 15, 0, 23, 0, 9, 13, 0, 10, 14, 0, 18, 0, 28, 0, 5, 10, 0, 9, 14, 0, 0, 5, 11, 17, 12, 0, 13, 8, 0, 9]
