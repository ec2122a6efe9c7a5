# a value is defined twice
# run: burin-opt
graph @g(%x: f32[2]) {
  %0 = exp %x : f32[2]
  %0 = exp %0 : f32[2]
  return %0
}
=====
error:
input:5:3: error[E5003]: value '%0' is defined twice
   5 |   %0 = exp %0 : f32[2]
     |   ^
1 error. `burin help E5003` explains.
