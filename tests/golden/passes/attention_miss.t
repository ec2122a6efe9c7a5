# Probabilities that are a result too are computed; the report says why nothing fused.
# run: burin-opt --passes=expand,attention --explain 2>&1
graph @miss(%q: f32[1,2,4,8], %k: f32[1,2,4,8], %v: f32[1,2,4,8]) {
  %scores = matmul %q, %k {trans_w=yes} : f32[1,2,4,4]
  %p = softmax %scores : f32[1,2,4,4]
  %y = matmul %p, %v : f32[1,2,4,8]
  return %y as y, %p as p
}
=====
near miss: softmax 'p' and product 'y' are no attention: the probabilities are used elsewhere too
graph @miss(%q: f32[1,2,4,8],
      %k: f32[1,2,4,8],
      %v: f32[1,2,4,8]) {
  %scores = matmul %q, %k {trans_w=yes} : f32[1,2,4,4]
  %0 = reduce_max %scores {axes=[3], keepdims=yes} : f32[1,2,4,1]
  %1 = broadcast %0 {shape=[1, 2, 4, 4]} : f32[1,2,4,4]
  %2 = sub %scores, %1 : f32[1,2,4,4]
  %3 = exp %2 : f32[1,2,4,4]
  %4 = reduce_sum %3 {axes=[3], keepdims=yes} : f32[1,2,4,1]
  %5 = broadcast %4 {shape=[1, 2, 4, 4]} : f32[1,2,4,4]
  %p = div %3, %5 : f32[1,2,4,4]
  %y = matmul %p, %v : f32[1,2,4,8]
  return %y as y, %p as p
}
