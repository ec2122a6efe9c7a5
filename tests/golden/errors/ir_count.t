# fewer elements than the type has
# run: burin-opt
graph @g(%x: f32[2]) {
  %0 = const {data=[1]} : f32[1000000000]
  return %0
}
=====
error:
input:4:21: error[E5003]: 1000000000 elements are expected
   4 |   %0 = const {data=[1]} : f32[1000000000]
     |                     ^
1 error. `burin help E5003` explains.
