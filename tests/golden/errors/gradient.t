# a parameter reaches the loss through an operator that has no gradient; whole numbers need none
# run: burin-opt --gradient
graph @g(%x: f32[4], %w: f32[4] param, %i: i64[2,1], %u: f32[2]) {
  %a = mul %x, %w : f32[4]
  %b = scatter_nd %a, %i, %u : f32[4] @"model.xml":7
  %c = reduce_sum %b : f32
  %m = argmax %a {axis=0} : i64
  %f = cast %m {to=f32} : f32
  %loss = add %c, %f : f32
  return %loss as loss
}
=====
error:
model.xml:7: error[E5105]: 'b': operator 'scatter_nd' has no gradient, but trained parameters reach the loss through it
     | use another operator, or mark the parameters before it trainable="0"
1 error. `burin help E5105` explains.
