# constants: equal elements fold at any size, others up to the limit; repeating stays a view, and work on repeated constants is done before
# run: burin-opt --simplify
graph @g(%x: f32[2,3,50,50]) {
  %two = const {data=2} : f32
  %big = broadcast %two {shape=[2, 3, 50, 50]} : f32[2,3,50,50]
  %root = sqrt %big : f32[2,3,50,50]
  %0 = mul %x, %root : f32[2,3,50,50]
  %c = const {data=[1, 2, 3]} : f32[3]
  %c1 = reshape %c {shape=[3, 1, 1]} : f32[3,1,1]
  %c2 = broadcast %c1 {shape=[2, 3, 50, 50]} : f32[2,3,50,50]
  %c3 = mul %c2, %c2 : f32[2,3,50,50]
  %c4 = add %c3, %big : f32[2,3,50,50]
  %1 = add %0, %c4 : f32[2,3,50,50]
  %n = iota {shape=[3]} : i64[3]
  %n2 = mul %n, %n : i64[3]
  %sum = reduce_sum %n2 : i64
  %third = const {data=0.333333333333} : f64
  %narrow = cast %third {to=f32} : f32
  %e = slice %x {begin=[0, 0, 0, 0], count=[0, 3, 50, 50], step=[1, 1, 1, 1]} : f32[0,3,50,50]
  return %1, %n2, %sum, %narrow, %e
}
=====
graph @g(%x: f32[2,3,50,50]) {
  %root = fill {shape=[2, 3, 50, 50], value=1.4142135} : f32[2,3,50,50]
  %0 = mul %x, %root : f32[2,3,50,50]
  %1 = const {data=[3, 6, 11]} : f32[3,1,1]
  %c4 = broadcast %1 {shape=[2, 3, 50, 50]} : f32[2,3,50,50]
  %2 = add %0, %c4 : f32[2,3,50,50]
  %n2 = const {data=[0, 1, 4]} : i64[3]
  %sum = const {data=5} : i64
  %narrow = const {data=0.33333334} : f32
  %e = const {data=[]} : f32[0,3,50,50]
  return %2, %n2, %sum, %narrow, %e
}
