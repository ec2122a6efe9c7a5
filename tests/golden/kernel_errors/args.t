# The arguments are numbered from 0, each once.
# run: burin-opt
kernel tasks=1 scratch=0 {
  buf b0 arg 0 f32[4] stride [1] align 4 in
  buf b1 arg 2 f32[4] stride [1] align 4 out
}
=====
error:
input:5:7: error[E5003]: the 2 arguments are numbered from 0, each once
   5 |   buf b1 arg 2 f32[4] stride [1] align 4 out
     |       ^
1 error. `burin help E5003` explains.
