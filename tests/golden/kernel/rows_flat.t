# Dense tensors of one shape run as one array; the last task is shorter.
# run: burin-opt --lower --run
graph @flat(%x: f32[3,1367], %y: f32[3,1367]) {
  %0 = mul %x, %y : f32[3,1367]
  %1 = add %0, %x : f32[3,1367]
  return %1
}
=====
# step 0: rows
kernel tasks=2 scratch=0 {
  buf b0 arg 0 f32[3,1367] stride [1367,1] align 4 in
  buf b1 arg 1 f32[3,1367] stride [1367,1] align 4 in
  buf b2 arg 2 f32[3,1367] stride [1367,1] align 4 out
  task a0 2 {
    %0 = lt a0, 1 : bool
    if %0 {
      loop a1 1024 {
        vector a2 4 of 4 {
          %1 = mul a0, 4096 : i64
          %2 = mul a1, 4 : i64
          %3 = add %1, %2 : i64
          %4 = add %3, a2 : i64
          %5 = load b0[0, %4] : f32
          %6 = load b1[0, %4] : f32
          %7 = mul %5, %6 : f32
          %8 = add %7, %5 : f32
          store b2[0, %4] = %8
        }
      }
    }
    %9 = not %0 : bool
    if %9 {
      loop a3 1 {
        vector a4 4 of 4 {
          %10 = mul a0, 4096 : i64
          %11 = mul a3, 4 : i64
          %12 = add %10, %11 : i64
          %13 = add %12, a4 : i64
          %14 = load b0[0, %13] : f32
          %15 = load b1[0, %13] : f32
          %16 = mul %14, %15 : f32
          %17 = add %16, %14 : f32
          store b2[0, %13] = %17
        }
      }
      vector a5 1 of 4 {
        %18 = mul a0, 4096 : i64
        %19 = add %18, a5 : i64
        %20 = add %19, 4 : i64
        %21 = load b0[0, %20] : f32
        %22 = load b1[0, %20] : f32
        %23 = mul %21, %22 : f32
        %24 = add %23, %21 : f32
        store b2[0, %20] = %24
      }
    }
  }
}
# arg 2 = [5, 12, -4, -10, 5, -3, -12, 0, 0, -12, -3, 5, 12, -4, -10, 5, -3, -12, 0, 0, -12, -3, 5, 12, -4, -10, 5, -3, -12, 0, 0, -12, -3, 5, 12, -4, -10, 5, -3, -12, 0, 0, -12, -3, 5, 12, -4, -10, 5, -3, -12, 0, 0, -12, -3, 5, 12, -4, -10, 5, -3, -12, 0, 0, ...]
