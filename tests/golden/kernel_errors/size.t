# Sizes have limits.
# run: burin-opt
kernel tasks=1 scratch=0 {
  buf b0 arg 0 f32[1048576,1048576,4] stride [4,4,1] align 4
}
=====
error:
input:4:16: error[E5003]: a type is expected, not 'f32'
   4 |   buf b0 arg 0 f32[1048576,1048576,4] stride [4,4,1] align 4
     |                ^ such as f32[2,3], f32 for a scalar, (f32[2], i64) for several results; at most 8 sizes and 2^40 elements
1 error. `burin help E5003` explains.
