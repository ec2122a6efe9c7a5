# elements that do not fit their type
# run: burin-opt
graph @g(%x: i8[2]) {
  %0 = const {data=[1, 128]} : i8[2]
  return %0
}
=====
error:
input:4:24: error[E5003]: a number of type i8 is expected, not '128'
   4 |   %0 = const {data=[1, 128]} : i8[2]
     |                        ^
1 error. `burin help E5003` explains.
