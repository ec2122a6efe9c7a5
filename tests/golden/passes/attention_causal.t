# A constant lower triangle, chosen by select, is the causal flag; batch and heads as one dimension are taken apart.
# run: burin-opt --passes=expand,attention
graph @causal(%q: f32[2,4,8], %k: f32[2,4,8], %v: f32[2,4,8]) {
  %kt = transpose %k {perm=[0, 2, 1]} : f32[2,8,4]
  %scores = matmul %q, %kt : f32[2,4,4]
  %i = iota {shape=[4, 4]} : i64[4,4]
  %j = iota {shape=[4, 4], axis=1} : i64[4,4]
  %past = le %j, %i : bool[4,4]
  %keep = broadcast %past {shape=[2, 4, 4]} : bool[2,4,4]
  %low = fill {shape=[2, 4, 4], value=-inf} : f32[2,4,4]
  %eight = fill {shape=[2, 4, 4], value=8} : f32[2,4,4]
  %scaled = div %scores, %eight : f32[2,4,4]
  %x = select %keep, %scaled, %low : f32[2,4,4]
  %p = softmax %x : f32[2,4,4]
  %y = matmul %p, %v : f32[2,4,8]
  return %y as y
}
=====
graph @causal(%q: f32[2,4,8],
      %k: f32[2,4,8],
      %v: f32[2,4,8]) {
  %0 = reshape %q {shape=[1, 2, 4, 8]} : f32[1,2,4,8]
  %1 = reshape %k {shape=[1, 2, 4, 8]} : f32[1,2,4,8]
  %2 = reshape %v {shape=[1, 2, 4, 8]} : f32[1,2,4,8]
  %y = attention %0, %1, %2 {scale=0.125, causal=yes} : f32[1,2,4,8]
  %3 = reshape %y {shape=[2, 4, 8]} : f32[2,4,8]
  return %3 as y
}
