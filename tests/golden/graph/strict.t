# run: burin-opt --simplify --fp=strict
graph @g(%x: f32[2,2], %y: f32[2,2]) {
  %two = fill {shape=[2,2], value=2} : f32[2,2]
  %square = pow %x, %two : f32[2,2]
  return %square
}
=====
graph @g(%x: f32[2,2],
      %y: f32[2,2]) {
  %two = fill {shape=[2, 2], value=2} : f32[2,2]
  %square = pow %x, %two : f32[2,2]
  return %square
}
