# A sum and a sum of squares of each column, around a given value, in one pass over the rows.
# run: burin-opt --lower
graph @columns(%x: f32[16,20], %v: f32[20]) {
  %0 = broadcast %v {shape=[16, 20]} : f32[16,20]
  %1 = sub %x, %0 : f32[16,20]
  %2 = reduce_sum %1 {axes=[0]} : f32[20]
  %3 = mul %1, %1 : f32[16,20]
  %4 = reduce_sum %3 {axes=[0]} : f32[20]
  %5 = fill {shape=[20], value=0.0625} : f32[20]
  %6 = mul %2, %5 : f32[20]
  %7 = mul %4, %5 : f32[20]
  return %6, %7
}
=====
# step 0: columns
kernel tasks=2 scratch=0 {
  buf b0 arg 0 f32[16,20] stride [20,1] align 4 in
  buf b1 arg 1 f32[20] stride [1] align 4 in
  buf b2 arg 2 f32[20] stride [1] align 4 out
  buf b3 arg 3 f32[20] stride [1] align 4 out
  task a0 2 {
    %0 = lt a0, 1 : bool
    if %0 {
      unroll a1 4 {
        vector a2 4 of 4 {
          var v0 f32 [a1 a2] = f32(0)
          var v1 f32 [a1 a2] = f32(0)
        }
      }
      loop a3 16 {
        unroll a1 4 {
          vector a2 4 of 4 {
            %1 = mul a0, 16 : i64
            %2 = add %1, a2 : i64
            %3 = mul a1, 4 : i64
            %4 = add %2, %3 : i64
            %5 = load b0[a3, %4] : f32
            %6 = load b1[%4] : f32
            %7 = sub %5, %6 : f32
            %8 = add v0, %7 : f32
            set v0 = %8
            %9 = mul %7, %7 : f32
            %10 = add v1, %9 : f32
            set v1 = %10
          }
        }
      }
      unroll a1 4 {
        vector a2 4 of 4 {
          %11 = mul a0, 16 : i64
          %12 = add %11, a2 : i64
          %13 = mul a1, 4 : i64
          %14 = add %12, %13 : i64
          %15 = mul v0, f32(0.0625) : f32
          store b2[%14] = %15
          %16 = mul v1, f32(0.0625) : f32
          store b3[%14] = %16
        }
      }
    }
    %17 = eq a0, 1 : bool
    if %17 {
      vector a4 4 of 4 {
        var v2 f32 [a4] = f32(0)
        var v3 f32 [a4] = f32(0)
      }
      loop a5 16 {
        vector a4 4 of 4 {
          %18 = add a4, 16 : i64
          %19 = load b0[a5, %18] : f32
          %20 = load b1[%18] : f32
          %21 = sub %19, %20 : f32
          %22 = add v2, %21 : f32
          set v2 = %22
          %23 = mul %21, %21 : f32
          %24 = add v3, %23 : f32
          set v3 = %24
        }
      }
      vector a4 4 of 4 {
        %25 = add a4, 16 : i64
        %26 = mul v2, f32(0.0625) : f32
        store b2[%25] = %26
        %27 = mul v3, f32(0.0625) : f32
        store b3[%25] = %27
      }
    }
  }
}
