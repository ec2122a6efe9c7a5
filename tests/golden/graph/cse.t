# equal nodes are one, commuted ones too; what no result needs is gone, inputs stay
# run: burin-opt --simplify
graph @g(%x: f32[2], %y: f32[2], %unused: f32[2], %w: f32[2] param {state=yes}, %dead: f32[2] param) {
  %0 = add %x, %y : f32[2]
  %1 = add %y, %x : f32[2]
  %2 = sub %x, %y : f32[2]
  %3 = sub %y, %x : f32[2]
  %4 = mul %0, %1 : f32[2]
  %5 = mul %2, %3 : f32[2]
  %6 = add %4, %5 : f32[2]
  %7 = add %w, %dead : f32[2]
  update %w = %6
  return %6
}
=====
graph @g(%x: f32[2],
      %y: f32[2],
      %unused: f32[2],
      %w: f32[2] param {state=yes}) {
  %0 = add %x, %y : f32[2]
  %1 = sub %x, %y : f32[2]
  %2 = sub %y, %x : f32[2]
  %3 = mul %0, %0 : f32[2]
  %4 = mul %1, %2 : f32[2]
  %5 = add %3, %4 : f32[2]
  update %w = %5
  return %5
}
