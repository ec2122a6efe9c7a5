# One head: keys packed, scores of a tile of queries, softmax in a block of its own, values.
# run: burin-opt --lower
graph @attention(%q: f32[1,1,4,4], %k: f32[1,1,4,4], %v: f32[1,1,4,4]) {
  %0 = attention %q, %k, %v {causal=yes} : f32[1,1,4,4]
  return %0
}
=====
# step 0: attention
kernel tasks=1 scratch=1040 {
  buf b0 arg 0 f32[1,1,4,4] stride [16,16,4,1] align 4 in
  buf b1 scratch 0 f32[4,4] stride [32,1] align 64 in out
  buf b2 arg 1 f32[1,1,4,4] stride [16,16,4,1] align 4 in
  buf b3 scratch 512 f32[4,4] stride [32,1] align 64 in out
  buf b4 scratch 1024 f32[4] stride [1] align 64 in out
  buf b5 arg 2 f32[1,1,4,4] stride [16,16,4,1] align 4 in
  buf b6 arg 3 f32[1,1,4,4] stride [16,16,4,1] align 4 out
  task a0 1 {
    loop a1 4 {
      loop a2 4 {
        %0 = load b0[0, 0, a1, a2] : f32
        store b1[a2, a1] = %0
      }
    }
    loop a3 1 {
      unroll a4 4 {
        vector a5 4 of 4 {
          var v0 f32 [a4 a5] = f32(0)
        }
      }
      loop a6 4 {
        unroll a4 4 {
          vector a5 4 of 4 {
            %1 = mul a3, 4 : i64
            %2 = add %1, a4 : i64
            %3 = load b2[0, 0, %2, a6] : f32
            %4 = load b1[a6, a5] : f32
            %5 = fma %3, %4, v0 : f32
            set v0 = %5
          }
        }
      }
      unroll a4 4 {
        vector a5 4 of 4 {
          %6 = mul a3, 4 : i64
          %7 = add %6, a4 : i64
          %8 = le a5, %7 : bool
          %9 = mul v0, f32(0.5) : f32
          %10 = select %8, %9, f32(-inf) : f32
          store b3[a4, a5] = %10
        }
      }
      block {
        loop a7 4 {
          vector a8 4 of 4 {
            var v1 f32 [a8] = f32(-inf)
          }
          vector a8 4 of 4 {
            %11 = load b3[a7, a8] : f32
            %12 = max v1, %11 : f32
            set v1 = %12
          }
          %13 = fold_max a8 of v1 : f32
          var v2 f32 = %13
          vector a9 4 of 4 {
            var v3 f32 [a9] = f32(0)
          }
          vector a9 4 of 4 {
            %14 = load b3[a7, a9] : f32
            %15 = sub %14, v2 : f32
            %16 = exp %15 : f32
            var v4 f32 [a9] = %16
            store b3[a7, a9] = v4
            %17 = add v3, v4 : f32
            set v3 = %17
          }
          %18 = fold_sum a9 of v3 : f32
          var v5 f32 = %18
          %19 = div f32(1), v5 : f32
          store b4[a7] = %19
        }
      }
      unroll a10 4 {
        vector a11 4 of 4 {
          var v6 f32 [a10 a11] = f32(0)
        }
      }
      loop a12 4 {
        unroll a10 4 {
          vector a11 4 of 4 {
            %20 = load b3[a10, a12] : f32
            %21 = load b5[0, 0, a12, a11] : f32
            %22 = fma %20, %21, v6 : f32
            set v6 = %22
          }
        }
      }
      unroll a10 4 {
        vector a11 4 of 4 {
          %23 = mul a3, 4 : i64
          %24 = add %23, a10 : i64
          %25 = load b4[a10] : f32
          %26 = mul v6, %25 : f32
          store b6[0, 0, %24, a11] = %26
        }
      }
    }
  }
}
