# macros of constants fold through their expansion; `shape` always does
# run: burin-opt --simplify
graph @g(%x: f32[2,3,4]) {
  %s = shape %x : i64[3]
  %first = strided_slice %s {starts=[1], ends=[2]} : i64[1]
  %u = squeeze %first : i64
  %r = range {limit=6, start=1, delta=2} : i64[3]
  %parts = split %s {sizes=[1, 2]} : (i64[1], i64[2])
  %rest = get %parts {index=1} : i64[2]
  %soft = softmax %x : f32[2,3,4]
  return %u, %r, %rest, %soft
}
=====
graph @g(%x: f32[2,3,4]) {
  %u = const {data=3} : i64
  %r = const {data=[1, 3, 5]} : i64[3]
  %rest = const {data=[3, 4]} : i64[2]
  %soft = softmax %x : f32[2,3,4]
  return %u, %r, %rest, %soft
}
