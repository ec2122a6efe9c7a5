# constant indices in even steps are slices; others, and those outside, stay
# run: burin-opt --simplify
graph @g(%x: f32[5,2]) {
  %last = const {data=-1} : i64
  %0 = gather %x, %last : f32[2]
  %even = const {data=[0, 2, 4]} : i64[3]
  %1 = gather %x, %even : f32[3,2]
  %back = const {data=[3, -3, 1, 0]} : i64[2,2]
  %2 = gather %x, %back : f32[2,2,2]
  %count = iota {shape=[2]} : i64[2]
  %3 = gather %x, %count {axis=1} : f32[5,2]
  %odd = const {data=[0, 1, 3]} : i64[3]
  %4 = gather %x, %odd : f32[3,2]
  %far = const {data=5} : i64
  %5 = gather %x, %far : f32[2]
  return %0, %1, %2, %3, %4, %5
}
=====
graph @g(%x: f32[5,2]) {
  %0 = slice %x {begin=[4, 0], count=[1, 2], step=[1, 1]} : f32[1,2]
  %1 = reshape %0 {shape=[2]} : f32[2]
  %2 = slice %x {begin=[0, 0], count=[3, 2], step=[2, 1]} : f32[3,2]
  %3 = slice %x {begin=[3, 0], count=[4, 2], step=[-1, 1]} : f32[4,2]
  %4 = reshape %3 {shape=[2, 2, 2]} : f32[2,2,2]
  %odd = const {data=[0, 1, 3]} : i64[3]
  %5 = gather %x, %odd : f32[3,2]
  %far = const {data=5} : i64
  %6 = gather %x, %far : f32[2]
  return %1, %2, %4, %x, %5, %6
}
