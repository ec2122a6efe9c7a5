# text after the end
# run: burin-opt
graph @g(%x: f32[2]) {
  return %x
}
graph @h() {
}
=====
error:
input:6:1: error[E5003]: the graph has ended before 'graph'
   6 | graph @h() {
     | ^
1 error. `burin help E5003` explains.
