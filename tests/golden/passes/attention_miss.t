# Probabilities that are a result too are computed; the report says why nothing fused.
# run: burin-opt --passes=expand,attention --explain 2>&1
graph @miss(%q: f32[1,2,4,8], %k: f32[1,2,4,8], %v: f32[1,2,4,8]) {
  %scores = matmul %q, %k {trans_w=yes} : f32[1,2,4,4]
  %p = softmax %scores : f32[1,2,4,4]
  %y = matmul %p, %v : f32[1,2,4,8]
  return %y as y, %p as p
}
=====
error:
