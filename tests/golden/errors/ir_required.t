# an attribute without default is missing
# run: burin-opt
graph @g(%x: f32[2,3]) {
  %0 = reshape %x : f32[6]
  return %0
}
=====
error:
input:4:8: error[E5003]: reshape needs the attribute 'shape'
   4 |   %0 = reshape %x : f32[6]
     |        ^
1 error. `burin help E5003` explains.
