# integers wrap, so every rule of rings holds; division by zero gives 0 and does not trap
# run: burin-opt --simplify
graph @g(%x: i32[3], %u: u8[3]) {
  %zero = const {data=[0, 0, 0]} : i32[3]
  %a = const {data=[1, 2, 2147483647]} : i32[3]
  %two = fill {shape=[3], value=2, type=i32} : i32[3]
  %three = fill {shape=[3], value=3, type=i32} : i32[3]
  %min = fill {shape=[3], value=-2147483648, type=i32} : i32[3]
  %minus1 = fill {shape=[3], value=-1, type=i32} : i32[3]
  %0 = add %x, %zero : i32[3]
  %1 = mul %0, %two : i32[3]
  %2 = mul %1, %three : i32[3]
  %3 = sub %2, %2 : i32[3]
  %4 = mul %x, %3 : i32[3]
  %wrapped = add %a, %a : i32[3]
  %divided = div %a, %zero : i32[3]
  %trap = div %min, %minus1 : i32[3]
  %n = neg %u : u8[3]
  %stay = abs %n : u8[3]
  return %2, %4, %wrapped, %divided, %trap, %stay
}
=====
graph @g(%x: i32[3],
      %u: u8[3]) {
  %zero = fill {shape=[3], type=i32} : i32[3]
  %min = fill {shape=[3], value=-2147483648, type=i32} : i32[3]
  %0 = fill {shape=[3], value=6, type=i32} : i32[3]
  %1 = mul %x, %0 : i32[3]
  %wrapped = const {data=[2, 4, -2]} : i32[3]
  %n = neg %u : u8[3]
  %stay = abs %n : u8[3]
  return %1, %zero, %wrapped, %zero, %min, %stay
}
