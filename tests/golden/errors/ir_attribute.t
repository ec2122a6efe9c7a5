# a value that is none of the attribute's kind
# run: burin-opt
graph @g(%x: f32[2,3]) {
  %0 = transpose %x {perm=[1, zero]} : f32[3,2]
  return %0
}
=====
error:
input:4:27: error[E5003]: '[1, zero]' is not a value for 'perm': perm[i] is the input dimension that becomes dimension i; none given: reversed
   4 |   %0 = transpose %x {perm=[1, zero]} : f32[3,2]
     |                           ^
1 error. `burin help E5003` explains.
