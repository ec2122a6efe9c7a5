# an operator that does not exist
# run: burin-opt
graph @g(%x: f32[2]) {
  %0 = rellu %x : f32[2]
  return %0
}
=====
error:
input:4:8: error[E5003]: there is no operator 'rellu' in the body of a graph
   4 |   %0 = rellu %x : f32[2]
     |        ^ did you mean 'relu'?
1 error. `burin help E5003` explains.
