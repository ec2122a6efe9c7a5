# A heap of the k first, in the memory of the result; then it is taken apart from its end.
# run: burin-opt --lower --run
graph @topk(%x: f32[7]) {
  %0 = topk_index %x {k=3, axis=0} : i64[3]
  return %0
}
=====
# step 0: topk_index
kernel tasks=1 scratch=0 {
  buf b0 arg 0 i64[3] stride [1] align 8 in out
  buf b1 arg 1 f32[7] stride [1] align 4 in
  task a0 1 {
    loop a1 3 {
      store b0[a1] = a1
    }
    loop a2 1 {
      %0 = mul a2, -1 : i64
      %1 = load b0[%0] : i64
      var v0 i64 = %1
      %2 = load b1[v0] : f32
      var v1 f32 = %2
      var v2 i64 = %0
      %3 = mul v2, 2 : i64
      %4 = add %3, 1 : i64
      var v3 i64 = %4
      loop a3 1 {
        %5 = lt v3, 3 : bool
        if %5 {
          var v4 i64 = v3
          %6 = load b0[v4] : i64
          var v5 i64 = %6
          %7 = load b1[v5] : f32
          var v6 f32 = %7
          %8 = add v4, 1 : i64
          var v7 i64 = %8
          %9 = lt v7, 3 : bool
          if %9 {
            %10 = load b0[v7] : i64
            var v8 i64 = %10
            %11 = load b1[v8] : f32
            var v9 f32 = %11
            %12 = gt v6, v9 : bool
            %13 = isnan v6 : bool
            %14 = isnan v9 : bool
            %15 = not %14 : bool
            %16 = and %13, %15 : bool
            %17 = or %12, %16 : bool
            %18 = lt v5, v8 : bool
            %19 = gt v9, v6 : bool
            %20 = not %13 : bool
            %21 = and %14, %20 : bool
            %22 = or %19, %21 : bool
            %23 = not %22 : bool
            %24 = and %18, %23 : bool
            %25 = or %17, %24 : bool
            var v10 bool = %25
            %26 = select v10, v7, v4 : i64
            set v4 = %26
            %27 = select v10, v8, v5 : i64
            set v5 = %27
            %28 = select v10, v9, v6 : f32
            set v6 = %28
          }
          set v3 = 3
          %29 = gt v1, v6 : bool
          %30 = isnan v1 : bool
          %31 = isnan v6 : bool
          %32 = not %31 : bool
          %33 = and %30, %32 : bool
          %34 = or %29, %33 : bool
          %35 = lt v0, v5 : bool
          %36 = gt v6, v1 : bool
          %37 = not %30 : bool
          %38 = and %31, %37 : bool
          %39 = or %36, %38 : bool
          %40 = not %39 : bool
          %41 = and %35, %40 : bool
          %42 = or %34, %41 : bool
          if %42 {
            store b0[v2] = v5
            set v2 = v4
            %43 = mul v4, 2 : i64
            %44 = add %43, 1 : i64
            set v3 = %44
          }
        }
      }
      store b0[v2] = v0
    }
    %45 = load b0[0] : i64
    var v11 i64 = %45
    %46 = load b1[v11] : f32
    var v12 f32 = %46
    loop a4 4 {
      %47 = add a4, 3 : i64
      var v13 i64 = %47
      %48 = load b1[v13] : f32
      var v14 f32 = %48
      %49 = gt v14, v12 : bool
      %50 = isnan v14 : bool
      %51 = isnan v12 : bool
      %52 = not %51 : bool
      %53 = and %50, %52 : bool
      %54 = or %49, %53 : bool
      if %54 {
        var v15 i64 = 0
        %55 = mul v15, 2 : i64
        %56 = add %55, 1 : i64
        var v16 i64 = %56
        loop a5 1 {
          %57 = lt v16, 3 : bool
          if %57 {
            var v17 i64 = v16
            %58 = load b0[v17] : i64
            var v18 i64 = %58
            %59 = load b1[v18] : f32
            var v19 f32 = %59
            %60 = add v17, 1 : i64
            var v20 i64 = %60
            %61 = lt v20, 3 : bool
            if %61 {
              %62 = load b0[v20] : i64
              var v21 i64 = %62
              %63 = load b1[v21] : f32
              var v22 f32 = %63
              %64 = gt v19, v22 : bool
              %65 = isnan v19 : bool
              %66 = isnan v22 : bool
              %67 = not %66 : bool
              %68 = and %65, %67 : bool
              %69 = or %64, %68 : bool
              %70 = lt v18, v21 : bool
              %71 = gt v22, v19 : bool
              %72 = not %65 : bool
              %73 = and %66, %72 : bool
              %74 = or %71, %73 : bool
              %75 = not %74 : bool
              %76 = and %70, %75 : bool
              %77 = or %69, %76 : bool
              var v23 bool = %77
              %78 = select v23, v20, v17 : i64
              set v17 = %78
              %79 = select v23, v21, v18 : i64
              set v18 = %79
              %80 = select v23, v22, v19 : f32
              set v19 = %80
            }
            set v16 = 3
            %81 = gt v14, v19 : bool
            %82 = isnan v19 : bool
            %83 = not %82 : bool
            %84 = and %50, %83 : bool
            %85 = or %81, %84 : bool
            %86 = lt v13, v18 : bool
            %87 = gt v19, v14 : bool
            %88 = not %50 : bool
            %89 = and %82, %88 : bool
            %90 = or %87, %89 : bool
            %91 = not %90 : bool
            %92 = and %86, %91 : bool
            %93 = or %85, %92 : bool
            if %93 {
              store b0[v15] = v18
              set v15 = v17
              %94 = mul v17, 2 : i64
              %95 = add %94, 1 : i64
              set v16 = %95
            }
          }
        }
        store b0[v15] = v13
        var v24 i64 = %45
        %96 = load b1[v24] : f32
        var v25 f32 = %96
        set v12 = v25
      }
    }
    loop a6 2 {
      %97 = mul a6, -1 : i64
      %98 = add %97, 2 : i64
      %99 = load b0[%98] : i64
      var v26 i64 = %99
      %100 = load b1[v26] : f32
      var v27 f32 = %100
      store b0[%98] = %45
      var v28 i64 = 0
      %101 = mul v28, 2 : i64
      %102 = add %101, 1 : i64
      var v29 i64 = %102
      loop a7 1 {
        %103 = lt v29, %98 : bool
        if %103 {
          var v30 i64 = v29
          %104 = load b0[v30] : i64
          var v31 i64 = %104
          %105 = load b1[v31] : f32
          var v32 f32 = %105
          %106 = add v30, 1 : i64
          var v33 i64 = %106
          %107 = lt v33, %98 : bool
          if %107 {
            %108 = load b0[v33] : i64
            var v34 i64 = %108
            %109 = load b1[v34] : f32
            var v35 f32 = %109
            %110 = gt v32, v35 : bool
            %111 = isnan v32 : bool
            %112 = isnan v35 : bool
            %113 = not %112 : bool
            %114 = and %111, %113 : bool
            %115 = or %110, %114 : bool
            %116 = lt v31, v34 : bool
            %117 = gt v35, v32 : bool
            %118 = not %111 : bool
            %119 = and %112, %118 : bool
            %120 = or %117, %119 : bool
            %121 = not %120 : bool
            %122 = and %116, %121 : bool
            %123 = or %115, %122 : bool
            var v36 bool = %123
            %124 = select v36, v33, v30 : i64
            set v30 = %124
            %125 = select v36, v34, v31 : i64
            set v31 = %125
            %126 = select v36, v35, v32 : f32
            set v32 = %126
          }
          set v29 = %98
          %127 = gt v27, v32 : bool
          %128 = isnan v27 : bool
          %129 = isnan v32 : bool
          %130 = not %129 : bool
          %131 = and %128, %130 : bool
          %132 = or %127, %131 : bool
          %133 = lt v26, v31 : bool
          %134 = gt v32, v27 : bool
          %135 = not %128 : bool
          %136 = and %129, %135 : bool
          %137 = or %134, %136 : bool
          %138 = not %137 : bool
          %139 = and %133, %138 : bool
          %140 = or %132, %139 : bool
          if %140 {
            store b0[v28] = v31
            set v28 = v30
            %141 = mul v30, 2 : i64
            %142 = add %141, 1 : i64
            set v29 = %142
          }
        }
      }
      store b0[v28] = v26
    }
  }
}
# arg 0 = [1, 4, 2]
