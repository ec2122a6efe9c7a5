# Looked-up rows, a value per position that repeats over the batch, a softmax over the last dimension: all on [6,4] before the product.
# run: burin-opt --passes=expand,flatten
graph @rows(%ids: i64[2,3], %table: f32[9,4] param, %position: f32[3,4] param, %w: f32[4,4] param) {
  %e = gather %table, %ids : f32[2,3,4]
  %p = broadcast %position {shape=[2, 3, 4]} : f32[2,3,4]
  %x = add %e, %p : f32[2,3,4]
  %s = softmax %x : f32[2,3,4]
  %y = product %s, %w : f32[2,3,4]
  return %y as y
}
=====
error:
sh: 1: burin-opt: not found
