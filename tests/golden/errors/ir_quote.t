# a quote that is missing
# run: burin-opt
graph @g(%x: f32[2] {name="x}) {
  return %x
}
=====
error:
input:3:33: error[E5003]: the text has no end quote
   3 | graph @g(%x: f32[2] {name="x}) {
     |                                 ^
1 error. `burin help E5003` explains.
