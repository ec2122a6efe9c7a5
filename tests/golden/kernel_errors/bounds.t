# Only plain loops have bounds; they are indices and no vectors.
# run: burin-opt
kernel tasks=1 scratch=0 {
  buf b0 arg 0 f32[4] stride [1] align 4 in
  buf b1 arg 1 f32[4] stride [1] align 4 out
  task a0 1 {
    unroll a1 4 from 1 {
      %0 = load b0[a1] : f32
      store b1[a1] = %0
    }
    loop a2 4 to f32(2) {
      store b1[a2] = f32(0)
    }
    vector a3 4 of 4 {
      loop a4 4 from a3 {
        store b1[a3] = f32(0)
      }
    }
    loop a5 4 from 9 to 12 {
      store b1[a5] = f32(0)
    }
  }
}
=====
error:
input:7:5: error[E5005]: kernel: only the bounds of a plain loop can be set
   7 |     unroll a1 4 from 1 {
     |     ^
input:11:5: error[E5005]: kernel: the upper bound is f32, not i64
  11 |     loop a2 4 to f32(2) {
     |     ^
input:15:7: error[E5005]: kernel: the lower bound of a loop depends on a vector axis
  15 |       loop a4 4 from a3 {
     |       ^
input:19:5: error[E5005]: kernel: the lower bound of a loop lies outside of 0 to 4
  19 |     loop a5 4 from 9 to 12 {
     |     ^
input:19:5: error[E5005]: kernel: the upper bound of a loop lies outside of 0 to 4
  19 |     loop a5 4 from 9 to 12 {
     |     ^
5 errors. `burin help E5005` explains.
