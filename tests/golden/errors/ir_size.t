# a type with too many elements
# run: burin-opt
graph @g(%x: f32[1048576,1048576,2]) {
  return %x
}
=====
error:
input:3:14: error[E5003]: a type is expected, not 'f32'
   3 | graph @g(%x: f32[1048576,1048576,2]) {
     |              ^ such as f32[2,3], f32 for a scalar, (f32[2], i64) for several results; at most 8 sizes and 2^40 elements
1 error. `burin help E5003` explains.
