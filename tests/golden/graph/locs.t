# places are printed on demand; without any given, a node's place is its line
# run: burin-opt --locs
graph @g(%x: f32[2] @"m.xml":3) {
  %0 = exp %x : f32[2] @"m.xml":4
  %1 = log %0 : f32[2]
  return %1
}
=====
graph @g(%x: f32[2] @"m.xml":3) {
  %0 = exp %x : f32[2] @"m.xml":4
  %1 = log %0 : f32[2] @"input":5
  return %1
}
