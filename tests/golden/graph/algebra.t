# exact rules on floats; x + 0 and 0 * x must stay, they change -0, NaN and infinities
# run: burin-opt --simplify
graph @g(%x: f32[2,2], %y: f32[2,2], %b: bool[2,2]) {
  %zero = fill {shape=[2,2], value=0} : f32[2,2]
  %minus0 = fill {shape=[2,2], value=-0} : f32[2,2]
  %one = fill {shape=[2,2], value=1} : f32[2,2]
  %two = fill {shape=[2,2], value=2} : f32[2,2]
  %three = fill {shape=[2,2], value=3} : f32[2,2]
  %minus1 = fill {shape=[2,2], value=-1} : f32[2,2]
  %stay_add = add %x, %zero : f32[2,2]
  %stay_mul = mul %x, %zero : f32[2,2]
  %stay_div = div %x, %three : f32[2,2]
  %stay_sub = sub %x, %x : f32[2,2]
  %gone1 = add %minus0, %x : f32[2,2]
  %gone2 = mul %one, %gone1 : f32[2,2]
  %gone3 = sub %gone2, %zero : f32[2,2]
  %half = div %gone3, %two : f32[2,2]
  %neg = mul %y, %minus1 : f32[2,2]
  %back = neg %neg : f32[2,2]
  %sum = sub %back, %neg : f32[2,2]
  %relu = max %sum, %zero : f32[2,2]
  %same = relu %relu : f32[2,2]
  %square = pow %x, %two : f32[2,2]
  %isnan = ne %x, %x : bool[2,2]
  %not = not %isnan : bool[2,2]
  %notnot = not %not : bool[2,2]
  %pick = select %not, %x, %y : f32[2,2]
  %pick2 = select %b, %y, %y : f32[2,2]
  return %stay_add, %stay_mul, %stay_div, %stay_sub, %gone3, %half, %same, %square, %notnot, %pick, %pick2
}
=====
graph @g(%x: f32[2,2],
      %y: f32[2,2],
      %b: bool[2,2]) {
  %zero = fill {shape=[2, 2]} : f32[2,2]
  %three = fill {shape=[2, 2], value=3} : f32[2,2]
  %stay_add = add %x, %zero : f32[2,2]
  %stay_mul = mul %x, %zero : f32[2,2]
  %stay_div = div %x, %three : f32[2,2]
  %stay_sub = sub %x, %x : f32[2,2]
  %0 = fill {shape=[2, 2], value=0.5} : f32[2,2]
  %half = mul %x, %0 : f32[2,2]
  %sum = add %y, %y : f32[2,2]
  %relu = relu %sum : f32[2,2]
  %square = mul %x, %x : f32[2,2]
  %isnan = isnan %x : bool[2,2]
  %pick = select %isnan, %y, %x : f32[2,2]
  return %stay_add, %stay_mul, %stay_div, %stay_sub, %x, %half, %relu, %square, %isnan, %pick, %y
}
