# The root of the scale on q and on k^T, as exporters of scaled_dot_product_attention write it; k^T through a flat batch.
# run: burin-opt --passes=expand,attention
graph @sdpa(%q: f32[1,2,4,8], %k: f32[1,2,5,8], %v: f32[1,2,5,8], %mask: f32[1,1,1,5]) {
  %root = fill {shape=[1, 2, 4, 8], value=0.5} : f32[1,2,4,8]
  %scaled = mul %q, %root : f32[1,2,4,8]
  %flat = reshape %k {shape=[2, 5, 8]} : f32[2,5,8]
  %turned = transpose %flat {perm=[0, 2, 1]} : f32[2,8,5]
  %heads = reshape %turned {shape=[1, 2, 8, 5]} : f32[1,2,8,5]
  %other = fill {shape=[1, 2, 8, 5], value=0.5} : f32[1,2,8,5]
  %kt = mul %heads, %other : f32[1,2,8,5]
  %scores = matmul %scaled, %kt : f32[1,2,4,5]
  %added = broadcast %mask {shape=[1, 2, 4, 5]} : f32[1,2,4,5]
  %x = add %scores, %added : f32[1,2,4,5]
  %p = softmax %x : f32[1,2,4,5]
  %y = matmul %p, %v : f32[1,2,4,8]
  return %y as y
}
=====
graph @sdpa(%q: f32[1,2,4,8],
      %k: f32[1,2,5,8],
      %v: f32[1,2,5,8],
      %mask: f32[1,1,1,5]) {
  %y = attention %q, %k, %v, %mask {scale=0.25} : f32[1,2,4,8]
  return %y as y
}
