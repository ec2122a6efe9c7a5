# a transposed matrix is what the product's flags say
# run: burin-opt --simplify
graph @g(%q: f32[2,3,4], %k: f32[2,5,4], %p: f32[5,2,4]) {
  %kt = transpose %k {perm=[0, 2, 1]} : f32[2,4,5]
  %0 = matmul %q, %kt : f32[2,3,5]
  %pt = transpose %p {perm=[1, 0, 2]} : f32[2,5,4]
  %1 = matmul %q, %pt {trans_w=yes} : f32[2,3,5]
  %qt = transpose %q {perm=[0, 2, 1]} : f32[2,4,3]
  %2 = matmul %qt, %kt {trans_x=yes} : f32[2,3,5]
  return %0, %1, %2
}
=====
graph @g(%q: f32[2,3,4],
      %k: f32[2,5,4],
      %p: f32[5,2,4]) {
  %0 = matmul %q, %k {trans_w=yes} : f32[2,3,5]
  %pt = transpose %p {perm=[1, 0, 2]} : f32[2,5,4]
  %1 = matmul %q, %pt {trans_w=yes} : f32[2,3,5]
  return %0, %1, %0
}
