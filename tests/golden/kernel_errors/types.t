# Operands, stores, indices and conditions of the wrong type.
# run: burin-opt
kernel tasks=1 scratch=0 {
  buf b0 arg 0 f32[4] stride [1] align 4 in
  buf b1 arg 1 f32[4] stride [1] align 4 out
  task a0 1 {
    %0 = load b0[0] : f32
    %1 = add %0, 1 : f32
    store b1[0] = %1
    store b1[1] = 2
    %2 = load b0[%0] : f32
    store b1[2] = %2
    if 1 {
      store b1[%0] = f32(0)
    }
    %3 = load b0[1] : i32
    var v0 i32 = %0
    store b1[3] = %0
  }
}
=====
error:
input:8:5: error[E5012]: add: x is f32, y is i64; one data type is needed
   8 |     %1 = add %0, 1 : f32
     |     ^ convert one of them with a cast
input:8:5: error[E5005]: kernel: add does not take these operands
   8 |     %1 = add %0, 1 : f32
     |     ^
input:10:5: error[E5005]: kernel: the value is i64, not f32
  10 |     store b1[1] = 2
     |     ^
input:11:5: error[E5005]: kernel: index 0 of a load is f32, not i64
  11 |     %2 = load b0[%0] : f32
     |     ^
input:13:5: error[E5005]: kernel: the condition is i64, not bool
  13 |     if 1 {
     |     ^
input:14:7: error[E5005]: kernel: an index is f32, not i64
  14 |       store b1[%0] = f32(0)
     |       ^
input:17:5: error[E5005]: kernel: the value is f32, not i32
  17 |     var v0 i32 = %0
     |     ^
7 errors. `burin help E5005` explains.
