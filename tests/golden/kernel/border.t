# The producer writes into the middle of the padded tensor, the border is written beside it.
# run: burin-opt --lower --run
graph @border(%x: f32[2,2], %w: f32[2,4] param) {
  %0 = const {data=0} : f32
  %1 = matmul %x, %w : f32[2,4]
  %2 = pad %1, %0 {low=[1, 0], high=[0, 2]} : f32[3,6]
  return %2
}
=====
# step 0: matmul
kernel tasks=1 scratch=0 {
  buf b0 arg 1 f32[2,2] stride [2,1] align 4 in
  buf b1 arg 0 f32[2,4] stride [4,1] align 64 in
  buf b2 arg 2 f32[2,4] stride [6,1] align 4 out
  task a0 1 {
    loop a1 1 {
      unroll a2 2 {
        vector a3 4 of 4 {
          var v0 f32 [a2 a3] = f32(0)
        }
      }
      loop a4 2 {
        unroll a2 2 {
          vector a3 4 of 4 {
            %0 = load b0[a2, a4] : f32
            %1 = load b1[a4, a3] : f32
            %2 = fma %0, %1, v0 : f32
            set v0 = %2
          }
        }
      }
      unroll a2 2 {
        vector a3 4 of 4 {
          store b2[a2, a3] = v0
        }
      }
    }
  }
}
# arg 2 = [15, -19, 24, -10, -4, 3, -8, 11, -14, 5]
# step 1: border
kernel tasks=1 scratch=0 {
  buf b0 arg 0 f32[3,6] stride [6,1] align 4 out
  task a0 1 {
    vector a1 4 of 4 {
      store b0[0, a1] = f32(0)
    }
    vector a2 2 of 4 {
      %0 = add a2, 4 : i64
      store b0[0, %0] = f32(0)
    }
    loop a3 2 {
      vector a4 2 of 4 {
        %1 = add a3, 1 : i64
        %2 = add a4, 4 : i64
        store b0[%1, %2] = f32(0)
      }
    }
  }
}
# arg 0 = [0, 0, 0, 0, 0, 0, 4, 0, -4, 3, 0, 0, 2, -2, 5, 1, 0, 0]
