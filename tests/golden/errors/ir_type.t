# types that the operators do not give: all are reported, each judged by what is written before
# run: burin-opt
graph @g(%x: f32[2,3], %i: i64[2,3]) {
  %0 = reduce_sum %x {axes=[1]} : f32[2,1]
  %1 = exp %0 : f32[2,1]
  %2 = exp %i : f32[2,3]
  %3 = add %1, %x : f32[2,3]
  return %3
}
=====
error:
input:4:8: error[E5004]: reduce_sum gives f32[2] here, not f32[2,1]
   4 |   %0 = reduce_sum %x {axes=[1]} : f32[2,1]
     |        ^
input:6:8: error[E5012]: exp: x must be of a floating-point type, it is i64[2,3]
   6 |   %2 = exp %i : f32[2,3]
     |        ^ convert it with a cast to f32
input:7:8: error[E5011]: add: x is f32[2,1], but y is f32[2,3]
   7 |   %3 = add %1, %x : f32[2,3]
     |        ^ the sizes must be equal; broadcast one of them
3 errors. `burin help E5011` explains.
