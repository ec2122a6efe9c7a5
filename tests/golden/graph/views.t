# operators that move elements: identities vanish, chains become one
# run: burin-opt --simplify
graph @g(%x: f32[2,3,4], %n: f32[2,1,4,1], %c: f32[4]) {
  %t1 = transpose %x {perm=[1, 2, 0]} : f32[3,4,2]
  %t2 = transpose %t1 {perm=[2, 0, 1]} : f32[2,3,4]
  %t3 = transpose %t1 {perm=[0, 2, 1]} : f32[3,2,4]
  %t4 = transpose %x : f32[4,3,2]
  %n1 = transpose %n {perm=[1, 0, 3, 2]} : f32[1,2,1,4]
  %r1 = reshape %x {shape=[6, -1]} : f32[6,4]
  %r2 = reshape %r1 {shape=[2, 3, 4]} : f32[2,3,4]
  %r3 = reshape %r1 {shape=[24]} : f32[24]
  %c1 = reshape %c {shape=[1, 1, 4]} : f32[1,1,4]
  %c2 = broadcast %c1 {shape=[1, 3, 4]} : f32[1,3,4]
  %c3 = broadcast %c2 {shape=[2, 3, 4]} : f32[2,3,4]
  %s1 = slice %x {begin=[0, 2, 3], count=[2, 3, 2], step=[1, -1, -2]} : f32[2,3,2]
  %s2 = slice %s1 {begin=[1, 2, 0], count=[1, 2, 1], step=[5, -1, 1]} : f32[1,2,1]
  %s3 = slice %x {begin=[0, 0, 0], count=[2, 3, 4], step=[1, 1, 1]} : f32[2,3,4]
  %k1 = concat %x, %s3, %c3 {axis=2} : f32[2,3,12]
  %k2 = concat %x, %k1 {axis=-1} : f32[2,3,16]
  %k3 = slice %k2 {begin=[0, 0, 13], count=[2, 3, 2], step=[1, 1, 1]} : f32[2,3,2]
  %k4 = slice %k2 {begin=[0, 0, 3], count=[2, 3, 2], step=[1, 1, 1]} : f32[2,3,2]
  %zero = const {data=0} : f32
  %p1 = pad %k3, %zero {low=[0, 0, 0], high=[0, 0, 0]} : f32[2,3,2]
  %d1 = cast %x {to=f64} : f64[2,3,4]
  %d2 = cast %d1 {to=f16} : f16[2,3,4]
  %m1 = reduce_sum %n {axes=[1, 3]} : f32[2,4]
  return %t2, %t3, %t4, %n1, %r2, %r3, %c3, %s2, %k2, %k3, %k4, %p1, %d2, %m1
}
=====
graph @g(%x: f32[2,3,4],
      %n: f32[2,1,4,1],
      %c: f32[4]) {
  %t3 = transpose %x {perm=[1, 0, 2]} : f32[3,2,4]
  %t4 = transpose %x {perm=[2, 1, 0]} : f32[4,3,2]
  %n1 = reshape %n {shape=[1, 2, 1, 4]} : f32[1,2,1,4]
  %r3 = reshape %x {shape=[24]} : f32[24]
  %c3 = broadcast %c {shape=[2, 3, 4]} : f32[2,3,4]
  %s2 = slice %x {begin=[1, 0, 3], count=[1, 2, 1], step=[1, 1, 1]} : f32[1,2,1]
  %k2 = concat %x, %x, %x, %c3 {axis=2} : f32[2,3,16]
  %k3 = slice %c3 {begin=[0, 0, 1], count=[2, 3, 2], step=[1, 1, 1]} : f32[2,3,2]
  %k4 = slice %k2 {begin=[0, 0, 3], count=[2, 3, 2], step=[1, 1, 1]} : f32[2,3,2]
  %d2 = cast %x {to=f16} : f16[2,3,4]
  %m1 = reshape %n {shape=[2, 4]} : f32[2,4]
  return %x, %t3, %t4, %n1, %x, %r3, %c3, %s2, %k2, %k3, %k4, %k3, %d2, %m1
}
