# What a gradient works out channels last has transpositions around; they go, and what lies between follows: the sum of two such
# gradients stays channels last. The gradient of weights is brought back to the order of the weights.
# run: burin-opt --passes=expand,layout,pad
graph @gradient(%x: f32[2,8,6,6], %w: f32[4,8,3,3] param, %dy: f32[2,4,6,6]) {
  %r = relu %x : f32[2,8,6,6]
  %dw = conv_dw %r, %dy {kernel=[3, 3, 4], pad=[1, 1, 1, 1]} : f32[4,8,3,3]
  %v = transpose %w {perm=[2, 3, 0, 1]} : f32[3,3,4,8]
  %g = transpose %dy {perm=[0, 2, 3, 1]} : f32[2,6,6,4]
  %a = conv %g, %v {channels_last=yes, pad=[1, 1, 1, 1]} : f32[2,6,6,8]
  %b = conv %g, %v {channels_last=yes, pad=[2, 2, 2, 2], dilation=[2, 2]} : f32[2,6,6,8]
  %a1 = transpose %a {perm=[0, 3, 1, 2]} : f32[2,8,6,6]
  %b1 = transpose %b {perm=[0, 3, 1, 2]} : f32[2,8,6,6]
  %s = add %a1, %b1 : f32[2,8,6,6]
  %dx = mul %s, %r : f32[2,8,6,6]
  %again = conv_dw %dx, %dy {kernel=[3, 3, 4], pad=[1, 1, 1, 1]} : f32[4,8,3,3]
  return %dw as dw, %again as again
}
=====
graph @gradient(%x: f32[2,8,6,6],
      %dy: f32[2,4,6,6],
      %w: f32[4,8,3,3] param) {
  %0 = transpose %x {perm=[0, 2, 3, 1]} : f32[2,6,6,8]
  %r = relu %0 : f32[2,6,6,8]
  %g = transpose %dy {perm=[0, 2, 3, 1]} : f32[2,6,6,4]
  %1 = const {data=0} : f32
  %2 = pad %r, %1 {low=[0, 1, 1, 0], high=[0, 1, 1, 0]} : f32[2,8,8,8]
  %dw = conv_dw %2, %g {channels_last=yes, kernel=[3, 3, 4]} : f32[3,3,8,4]
  %3 = transpose %dw {perm=[3, 2, 0, 1]} : f32[4,8,3,3]
  %v = transpose %w {perm=[2, 3, 0, 1]} : f32[3,3,4,8]
  %4 = pad %dy, %1 {low=[0, 0, 1, 1], high=[0, 0, 1, 1]} : f32[2,4,8,8]
  %5 = transpose %4 {perm=[0, 2, 3, 1]} : f32[2,8,8,4]
  %a = conv %5, %v {channels_last=yes} : f32[2,6,6,8]
  %6 = pad %dy, %1 {low=[0, 0, 2, 2], high=[0, 0, 2, 2]} : f32[2,4,10,10]
  %7 = transpose %6 {perm=[0, 2, 3, 1]} : f32[2,10,10,4]
  %b = conv %7, %v {dilation=[2, 2], channels_last=yes} : f32[2,6,6,8]
  %s = add %a, %b : f32[2,6,6,8]
  %dx = mul %s, %r : f32[2,6,6,8]
  %8 = pad %dx, %1 {low=[0, 1, 1, 0], high=[0, 1, 1, 0]} : f32[2,8,8,8]
  %again = conv_dw %8, %g {channels_last=yes, kernel=[3, 3, 4]} : f32[3,3,8,4]
  %9 = transpose %again {perm=[3, 2, 0, 1]} : f32[4,8,3,3]
  return %3 as dw, %9 as again
}
