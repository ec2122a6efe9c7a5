# too few inputs, a tuple as input
# run: burin-opt
graph @g(%x: f32[2,3]) {
  %0 = add %x : f32[2,3]
  %t = topk %x {k=1} : (f32[2,1], i64[2,1])
  %1 = exp %t : f32[2,1]
  %2 = add _, %x : f32[2,3]
  return %1
}
=====
error:
input:4:8: error[E5015]: add takes 2 inputs (x y), not 1
   4 |   %0 = add %x : f32[2,3]
     |        ^
input:6:8: error[E5015]: exp: input 'x' has several results, one is wanted
   6 |   %1 = exp %t : f32[2,1]
     |        ^
input:7:8: error[E5015]: add lacks its input 'x'
   7 |   %2 = add _, %x : f32[2,3]
     |        ^
3 errors. `burin help E5015` explains.
