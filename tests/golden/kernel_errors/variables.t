# A variable ends with the body that declares it, and has the lanes that index it.
# run: burin-opt
kernel tasks=1 scratch=0 {
  buf b0 arg 0 f32[4] stride [1] align 4 in
  buf b1 arg 1 f32[4] stride [1] align 4 out
  task a0 1 {
    if bool(1) {
      var v0 f32 = f32(0)
    }
    store b1[0] = v0
    var v1 f32 = f32(0)
    vector a1 4 of 4 {
      %0 = load b0[a1] : f32
      %1 = add v1, %0 : f32
      set v1 = %1
      var v2 f32 [a1] = %0
    }
    store b1[1] = v1
    set v2 = f32(1)
    var v3 f32 [a1] = f32(0)
  }
}
=====
error:
input:10:5: error[E5005]: kernel: a variable is used where it is not declared
  10 |     store b1[0] = v0
     |     ^
input:15:7: error[E5005]: kernel: a variable without lanes is updated inside a vector
  15 |       set v1 = %1
     |       ^
input:15:7: error[E5005]: kernel: a variable without lanes gets a vector
  15 |       set v1 = %1
     |       ^
input:19:5: error[E5005]: kernel: the variable is indexed by an axis that is not open
  19 |     set v2 = f32(1)
     |     ^
input:20:5: error[E5005]: kernel: the variable is indexed by an axis that is not open
  20 |     var v3 f32 [a1] = f32(0)
     |     ^
5 errors. `burin help E5005` explains.
