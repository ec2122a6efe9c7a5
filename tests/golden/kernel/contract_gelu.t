# A long epilogue: the accumulators go to scratch, and a block of its own finishes them there, its constants out of the registers of
# the product.
# run: burin-opt --passes=expand --lower
graph @gelu(%x: f32[4,3], %w: f32[3,8] param) {
  %0 = matmul %x, %w : f32[4,8]
  %1 = gelu %0 : f32[4,8]
  return %1
}
=====
# step 0: matmul
kernel tasks=1 scratch=192 {
  buf b0 arg 1 f32[4,3] stride [3,1] align 4 in
  buf b1 arg 0 f32[3,8] stride [8,1] align 64 in
  buf b2 scratch 0 f32[6,8] stride [8,1] align 64 in out
  buf b3 arg 2 f32[4,8] stride [8,1] align 4 out
  task a0 1 {
    loop a1 1 {
      unroll a2 4 {
        unroll a3 2 {
          vector a4 4 of 4 {
            var v0 f32 [a2 a3 a4] = f32(0)
          }
        }
      }
      loop a5 3 {
        unroll a2 4 {
          unroll a3 2 {
            vector a4 4 of 4 {
              %0 = load b0[a2, a5] : f32
              %1 = mul a3, 4 : i64
              %2 = add %1, a4 : i64
              %3 = load b1[a5, %2] : f32
              %4 = fma %0, %3, v0 : f32
              set v0 = %4
            }
          }
        }
      }
      unroll a2 4 {
        unroll a3 2 {
          vector a4 4 of 4 {
            %5 = mul a3, 4 : i64
            %6 = add %5, a4 : i64
            store b2[a2, %6] = v0
          }
        }
      }
      block {
        loop a6 4 {
          loop a7 2 {
            vector a8 4 of 4 {
              %7 = mul a7, 4 : i64
              %8 = add %7, a8 : i64
              %9 = load b2[a6, %8] : f32
              %10 = mul %9, f32(0.5) : f32
              %11 = mul %9, f32(0.70710677) : f32
              %12 = erf %11 : f32
              %13 = add %12, f32(1) : f32
              %14 = mul %10, %13 : f32
              store b3[a6, %8] = %14
            }
          }
        }
      }
    }
  }
}
