# The text ends too early.
# run: burin-opt
kernel tasks=1 scratch=0 {
  task a0 1 {
=====
error:
input:5:1: error[E5003]: a statement or a value is expected, not the end
1 error. `burin help E5003` explains.
