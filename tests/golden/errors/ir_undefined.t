# a value is used before it is defined
# run: burin-opt
graph @g(%x: f32[2]) {
  %0 = add %x, %1 : f32[2]
  %1 = exp %x : f32[2]
  return %0
}
=====
error:
input:4:16: error[E5003]: value '%1' is not defined before
   4 |   %0 = add %x, %1 : f32[2]
     |                ^
1 error. `burin help E5003` explains.
