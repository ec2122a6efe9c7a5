# a parameter reaches the loss through an operator that has no gradient; whole numbers need none
# run: burin-opt --gradient
graph @g(%x: f32[1,6,6,1], %w: f32[1,36,1,1] param) {
  %a = mul %x, %x : f32[1,6,6,1]
  %b = winograd %a, %w {size=[4, 4, 1]} : f32[1,4,4,1] @"model.xml":7
  %c = reduce_sum %b : f32
  %r = reshape %w {shape=[36]} : f32[36]
  %m = argmax %r {axis=0} : i64
  %f = cast %m {to=f32} : f32
  %loss = add %c, %f : f32
  return %loss as loss
}
=====
error:
model.xml:7: error[E5105]: 'b': operator 'winograd' has no gradient, but trained parameters reach the loss through it
     | use another operator, or mark the parameters before it trainable="0"
1 error. `burin help E5105` explains.
