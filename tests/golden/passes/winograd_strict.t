# Sums would be reordered: not under strict numbers.
# run: burin-opt --passes=winograd --fp=strict
graph @winograd(%x: f32[1,14,14,32], %w: f32[3,3,32,32] param) {
  %a = conv %x, %w {channels_last=yes} : f32[1,12,12,32]
  return %a
}
=====
graph @winograd(%x: f32[1,14,14,32],
      %w: f32[3,3,32,32] param) {
  %a = conv %x, %w {channels_last=yes} : f32[1,12,12,32]
  return %a
}
