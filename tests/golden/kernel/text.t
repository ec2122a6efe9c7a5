# Kernels are written in any order of numbers and come back in the canonical one: by their first use. What nothing uses stays an
# argument; an axis that no loop opens is declared in the head. Several kernels may follow one another.
# run: burin-opt --run
kernel tasks=2 scratch=32 {
  buf b7 arg 2 f32[2,4] stride [4,1] align 4 out
  buf b0 arg 0 f32[2,4] stride [4,1] align 4 in
  buf b3 arg 1 i32 align 4
  buf b9 scratch 0 f64[4] stride [1] align 32 in out aliased
  axis vector a20 4 of 4
  task a5 2 {
    %9 = load b0[a5, a20] : f32
    %4 = fold_max a20 of %9 : f32
    var v8 f32 = %4
    block {
      vector a1 4 of 4 {
        %0 = load b0[a5, a1] : f32
        %1 = sub %0, v8 : f32
        %2 = cast %1 {to=f64} : f64
        store b9[a1] = %2
        barrier
        %3 = load b9[a1] : f64
        %6 = cast %3 {to=f32} : f32
        store b7[a5, a1] = %6
      }
    }
  }
}

# an unrolled sum with a bound, a condition and constants of several types
kernel tasks=1 scratch=0 {
  buf b0 arg 0 i8[6] stride [1] align 1 in
  buf b1 arg 1 i64[2] stride [1] align 8 out
  buf b2 arg 2 bool[2] stride [-1] align 1 in out
  task a0 1 {
    unroll a1 2 {
      var v0 i64 [a1] = 0
    }
    %0 = add 2, 3 : i64
    loop a2 6 from 1 to %0 {
      unroll a1 2 {
        %1 = load b0[a2] : i8
        %2 = mul %1, i8(-2) : i8
        %3 = cast %2 {to=i64} : i64
        %4 = add %3, v0 : i64
        %5 = eq a1, 1 : bool
        %6 = select %5, %4, v0 : i64
        set v0 = %6
      }
    }
    unroll a1 2 {
      store b1[a1] = v0
    }
    %7 = load b2[0] : bool
    %8 = and %7, bool(1) : bool
    if %8 {
      store b2[1] = bool(0)
    }
  }
}
=====
kernel tasks=2 scratch=32 {
  buf b0 arg 0 f32[2,4] stride [4,1] align 4 in
  buf b1 scratch 0 f64[4] stride [1] align 32 in out aliased
  buf b2 arg 2 f32[2,4] stride [4,1] align 4 out
  buf b3 arg 1 i32 align 4
  axis vector a1 4 of 4
  task a0 2 {
    %0 = load b0[a0, a1] : f32
    %1 = fold_max a1 of %0 : f32
    var v0 f32 = %1
    block {
      vector a2 4 of 4 {
        %2 = load b0[a0, a2] : f32
        %3 = sub %2, v0 : f32
        %4 = cast %3 {to=f64} : f64
        store b1[a2] = %4
        barrier
        %5 = load b1[a2] : f64
        %6 = cast %5 {to=f32} : f32
        store b2[a0, a2] = %6
      }
    }
  }
}
# arg 2 = [-10, -3, -7, 0, -3, -7, 0, -4]
kernel tasks=1 scratch=0 {
  buf b0 arg 0 i8[6] stride [1] align 1 in
  buf b1 arg 1 i64[2] stride [1] align 8 out
  buf b2 arg 2 bool[2] stride [-1] align 1 in out
  task a0 1 {
    unroll a1 2 {
      var v0 i64 [a1] = 0
    }
    %0 = add 2, 3 : i64
    loop a2 6 from 1 to %0 {
      unroll a1 2 {
        %1 = eq a1, 1 : bool
        %2 = load b0[a2] : i8
        %3 = mul %2, i8(-2) : i8
        %4 = cast %3 {to=i64} : i64
        %5 = add %4, v0 : i64
        %6 = select %1, %5, v0 : i64
        set v0 = %6
      }
    }
    unroll a1 2 {
      store b1[a1] = v0
    }
    %7 = load b2[0] : bool
    %8 = and %7, bool(1) : bool
    if %8 {
      store b2[1] = bool(0)
    }
  }
}
# arg 1 = [0, -12]
# arg 2 = [0, 1]
