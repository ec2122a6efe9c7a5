# values without a name are numbered in the order of the text
# run: burin-opt --simplify
graph @g(%x: f32[2]) {
  %7 = exp %x : f32[2]
  %a = exp %7 : f32[2]
  %3 = exp %a : f32[2]
  return %3
}
=====
graph @g(%x: f32[2]) {
  %0 = exp %x : f32[2]
  %a = exp %0 : f32[2]
  %1 = exp %a : f32[2]
  return %1
}
