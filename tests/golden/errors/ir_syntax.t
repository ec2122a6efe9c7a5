# a bracket that is missing
# run: burin-opt
graph @g(%x: f32[2]) {
  %0 = transpose %x {perm=[0 : f32[2]
  return %0
}
=====
error:
input:4:27: error[E5003]: '[0 : f32[2]' is not a value for 'perm': perm[i] is the input dimension that becomes dimension i; none given: reversed
   4 |   %0 = transpose %x {perm=[0 : f32[2]
     |                           ^
1 error. `burin help E5003` explains.
