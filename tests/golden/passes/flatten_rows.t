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
graph @rows(%ids: i64[2,3],
      %table: f32[9,4] param,
      %position: f32[3,4] param,
      %w: f32[4,4] param) {
  %0 = reshape %ids {shape=[6]} : i64[6]
  %e = gather %table, %0 : f32[6,4]
  %1 = broadcast %position {shape=[2, 3, 4]} : f32[2,3,4]
  %2 = reshape %1 {shape=[6, 4]} : f32[6,4]
  %x = add %e, %2 : f32[6,4]
  %3 = reduce_max %x {axes=[1], keepdims=yes} : f32[6,1]
  %4 = broadcast %3 {shape=[6, 4]} : f32[6,4]
  %5 = sub %x, %4 : f32[6,4]
  %6 = exp %5 : f32[6,4]
  %7 = reduce_sum %6 {axes=[1], keepdims=yes} : f32[6,1]
  %8 = broadcast %7 {shape=[6, 4]} : f32[6,4]
  %s = div %6, %8 : f32[6,4]
  %9 = matmul %s, %w : f32[6,4]
  %y = reshape %9 {shape=[2, 3, 4]} : f32[2,3,4]
  return %y as y
}
