# all of the text form: ports with names of their own, parameters, quoted names, left out inputs, tuples, data, updates, named results
# run: burin-opt
graph @"my model"(%x: f32[2,3], %1: i64 {name="time step"}, %"odd\"name\x01": f32[2,3] {index=2},
	%w: f32[3,4] param, %v: f32[4] param {name="layer.v", trainable=no, init="zeros"},
	%"2": f32[3] param {data=[1, -0, 1e-20]}, %st: f32[2,3] param {state=yes}) {
  %a = matmul %x, %w : f32[2,4]   # a comment
  %0 = softmax %a {axis=-1} : f32[2,4]
  %t = topk %a {k=2, axis=1, largest=no} : (f32[2,2], i64[2,2])
  %t.0 = get %t : f32[2,2]
  %t.1 = get %t {index=1} : i64[2,2]
  %c = const {data=[0.1, 2, inf, -inf, nan, 16777217]} : f32[6]
  %d = const {data=[0.1, 2, 16777217]} : f64[3]
  %h = const {data=[0.1, 65504, 1e-7]} : f16[3]
  %i = const {data=[-128, 127]} : i8[2]
  %k = const {data=[1, 0, 1]} : bool[3]
  %s = const {data=7} : i64
  %e = const {data=[]} : f32[0,4]
  %f = fill {shape=[2,3], value=0.1} : f32[2,3]
  %g = fill {shape=[2,3], value=0.1, type=f64} : f64[2,3]
  %big = const {data=dense("weights.big", 0x0123456789abcdef)} : f32[100]
  %q0 = broadcast %x {shape=[1, 2, 2, 3]} : f32[1,2,2,3]
  %m = attention %q0, %q0, %q0, _ : f32[1,2,2,3]
  update %st = %"odd\"name\x01"
  return %t.0, %t.1 as indices, %m as "the result"
}
=====
graph @"my model"(%x: f32[2,3],
      %0: i64 {name="time step"},
      %"odd\"name\x01": f32[2,3],
      %w: f32[3,4] param,
      %v: f32[4] param {name="layer.v", trainable=no, init="zeros"},
      %"2": f32[3] param {data=[1, -0, 1e-20]},
      %st: f32[2,3] param {state=yes}) {
  %a = matmul %x, %w : f32[2,4]
  %1 = softmax %a : f32[2,4]
  %t = topk %a {k=2, axis=1, largest=no} : (f32[2,2], i64[2,2])
  %t.0 = get %t : f32[2,2]
  %t.1 = get %t {index=1} : i64[2,2]
  %c = const {data=[0.1, 2, inf, -inf, nan, 16777216]} : f32[6]
  %d = const {data=[0.1, 2, 16777217]} : f64[3]
  %h = const {data=[0.099975586, 65504, 1.1920929e-07]} : f16[3]
  %i = const {data=[-128, 127]} : i8[2]
  %k = const {data=[1, 0, 1]} : bool[3]
  %s = const {data=7} : i64
  %e = const {data=[]} : f32[0,4]
  %f = fill {shape=[2, 3], value=0.1} : f32[2,3]
  %g = fill {shape=[2, 3], value=0.1, type=f64} : f64[2,3]
  %big = const {data=dense("weights.big", 0x0123456789abcdef)} : f32[100]
  %q0 = broadcast %x {shape=[1, 2, 2, 3]} : f32[1,2,2,3]
  %m = attention %q0, %q0, %q0, _ : f32[1,2,2,3]
  update %st = %"odd\"name\x01"
  return %t.0, %t.1 as indices, %m as "the result"
}
