# A product less its own first row: another element of the product is read from memory, not computed again for each.
# run: burin-opt --lower --run
graph @shifted(%x: f32[3,5], %w: f32[5,4]) {
  %0 = matmul %x, %w : f32[3,4]
  %1 = slice %0 {begin=[0,0], count=[1,4], step=[1,1]} : f32[1,4]
  %2 = broadcast %1 {shape=[3, 4]} : f32[3,4]
  %3 = sub %0, %2 : f32[3,4]
  return %3
}
=====
# step 0: matmul
kernel tasks=1 scratch=0 {
  buf b0 arg 1 f32[3,5] stride [5,1] align 4 in
  buf b1 arg 0 f32[5,4] stride [4,1] align 4 in
  buf b2 arg 2 f32[3,4] stride [4,1] align 64 out
  task a0 1 {
    loop a1 1 {
      unroll a2 3 {
        vector a3 4 of 4 {
          var v0 f32 [a2 a3] = f32(0)
        }
      }
      loop a4 5 {
        unroll a2 3 {
          vector a3 4 of 4 {
            %0 = load b0[a2, a4] : f32
            %1 = load b1[a4, a3] : f32
            %2 = fma %0, %1, v0 : f32
            set v0 = %2
          }
        }
      }
      unroll a2 3 {
        vector a3 4 of 4 {
          store b2[a2, a3] = v0
        }
      }
    }
  }
}
# arg 2 = [-7, 6, 8, -34, -3, 3, -24, 4, -21, 11, -12, -2]
# step 1: rows
kernel tasks=1 scratch=0 {
  buf b0 arg 0 f32[3,4] stride [4,1] align 64 in aliased
  buf b1 arg 1 f32[1,4] stride [4,1] align 64 in aliased
  buf b2 arg 2 f32[3,4] stride [4,1] align 4 out
  task a0 1 {
    loop a1 3 {
      vector a2 4 of 4 {
        %0 = mul a0, 3 : i64
        %1 = add %0, a1 : i64
        %2 = load b0[%1, a2] : f32
        %3 = load b1[0, a2] : f32
        %4 = sub %2, %3 : f32
        store b2[%1, a2] = %4
      }
    }
  }
}
# arg 2 = [-3, -3, -3, 8, 3, -8, 3, 3, -2, -2, -2, -2]
