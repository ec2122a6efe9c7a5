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
      %2 = max v0, 0 : i64
      %3 = min %2, 6 : i64
      %4 = load b1[%3] : f32
      var v1 f32 = %4
      var v2 i64 = %0
      %5 = mul v2, 2 : i64
      %6 = add %5, 1 : i64
      var v3 i64 = %6
      loop a3 1 {
        %7 = lt v3, 3 : bool
        if %7 {
          var v4 i64 = v3
          %8 = load b0[v4] : i64
          var v5 i64 = %8
          %9 = max v5, 0 : i64
          %10 = min %9, 6 : i64
          %11 = load b1[%10] : f32
          var v6 f32 = %11
          %12 = add v4, 1 : i64
          var v7 i64 = %12
          %13 = lt v7, 3 : bool
          if %13 {
            %14 = load b0[v7] : i64
            var v8 i64 = %14
            %15 = max v8, 0 : i64
            %16 = min %15, 6 : i64
            %17 = load b1[%16] : f32
            var v9 f32 = %17
            %18 = gt v6, v9 : bool
            %19 = isnan v6 : bool
            %20 = isnan v9 : bool
            %21 = not %20 : bool
            %22 = and %19, %21 : bool
            %23 = or %18, %22 : bool
            %24 = lt v5, v8 : bool
            %25 = gt v9, v6 : bool
            %26 = not %19 : bool
            %27 = and %20, %26 : bool
            %28 = or %25, %27 : bool
            %29 = not %28 : bool
            %30 = and %24, %29 : bool
            %31 = or %23, %30 : bool
            var v10 bool = %31
            %32 = select v10, v7, v4 : i64
            set v4 = %32
            %33 = select v10, v8, v5 : i64
            set v5 = %33
            %34 = select v10, v9, v6 : f32
            set v6 = %34
          }
          set v3 = 3
          %35 = gt v1, v6 : bool
          %36 = isnan v1 : bool
          %37 = isnan v6 : bool
          %38 = not %37 : bool
          %39 = and %36, %38 : bool
          %40 = or %35, %39 : bool
          %41 = lt v0, v5 : bool
          %42 = gt v6, v1 : bool
          %43 = not %36 : bool
          %44 = and %37, %43 : bool
          %45 = or %42, %44 : bool
          %46 = not %45 : bool
          %47 = and %41, %46 : bool
          %48 = or %40, %47 : bool
          if %48 {
            store b0[v2] = v5
            set v2 = v4
            %49 = mul v4, 2 : i64
            %50 = add %49, 1 : i64
            set v3 = %50
          }
        }
      }
      store b0[v2] = v0
    }
    %51 = load b0[0] : i64
    var v11 i64 = %51
    %52 = max v11, 0 : i64
    %53 = min %52, 6 : i64
    %54 = load b1[%53] : f32
    var v12 f32 = %54
    loop a4 4 {
      %55 = add a4, 3 : i64
      var v13 i64 = %55
      %56 = max v13, 0 : i64
      %57 = min %56, 6 : i64
      %58 = load b1[%57] : f32
      var v14 f32 = %58
      %59 = gt v14, v12 : bool
      %60 = isnan v14 : bool
      %61 = isnan v12 : bool
      %62 = not %61 : bool
      %63 = and %60, %62 : bool
      %64 = or %59, %63 : bool
      if %64 {
        var v15 i64 = 0
        %65 = mul v15, 2 : i64
        %66 = add %65, 1 : i64
        var v16 i64 = %66
        loop a5 1 {
          %67 = lt v16, 3 : bool
          if %67 {
            var v17 i64 = v16
            %68 = load b0[v17] : i64
            var v18 i64 = %68
            %69 = max v18, 0 : i64
            %70 = min %69, 6 : i64
            %71 = load b1[%70] : f32
            var v19 f32 = %71
            %72 = add v17, 1 : i64
            var v20 i64 = %72
            %73 = lt v20, 3 : bool
            if %73 {
              %74 = load b0[v20] : i64
              var v21 i64 = %74
              %75 = max v21, 0 : i64
              %76 = min %75, 6 : i64
              %77 = load b1[%76] : f32
              var v22 f32 = %77
              %78 = gt v19, v22 : bool
              %79 = isnan v19 : bool
              %80 = isnan v22 : bool
              %81 = not %80 : bool
              %82 = and %79, %81 : bool
              %83 = or %78, %82 : bool
              %84 = lt v18, v21 : bool
              %85 = gt v22, v19 : bool
              %86 = not %79 : bool
              %87 = and %80, %86 : bool
              %88 = or %85, %87 : bool
              %89 = not %88 : bool
              %90 = and %84, %89 : bool
              %91 = or %83, %90 : bool
              var v23 bool = %91
              %92 = select v23, v20, v17 : i64
              set v17 = %92
              %93 = select v23, v21, v18 : i64
              set v18 = %93
              %94 = select v23, v22, v19 : f32
              set v19 = %94
            }
            set v16 = 3
            %95 = gt v14, v19 : bool
            %96 = isnan v19 : bool
            %97 = not %96 : bool
            %98 = and %60, %97 : bool
            %99 = or %95, %98 : bool
            %100 = lt v13, v18 : bool
            %101 = gt v19, v14 : bool
            %102 = not %60 : bool
            %103 = and %96, %102 : bool
            %104 = or %101, %103 : bool
            %105 = not %104 : bool
            %106 = and %100, %105 : bool
            %107 = or %99, %106 : bool
            if %107 {
              store b0[v15] = v18
              set v15 = v17
              %108 = mul v17, 2 : i64
              %109 = add %108, 1 : i64
              set v16 = %109
            }
          }
        }
        store b0[v15] = v13
        var v24 i64 = %51
        %110 = max v24, 0 : i64
        %111 = min %110, 6 : i64
        %112 = load b1[%111] : f32
        var v25 f32 = %112
        set v12 = v25
      }
    }
    loop a6 2 {
      %113 = mul a6, -1 : i64
      %114 = add %113, 2 : i64
      %115 = load b0[%114] : i64
      var v26 i64 = %115
      %116 = max v26, 0 : i64
      %117 = min %116, 6 : i64
      %118 = load b1[%117] : f32
      var v27 f32 = %118
      store b0[%114] = %51
      var v28 i64 = 0
      %119 = mul v28, 2 : i64
      %120 = add %119, 1 : i64
      var v29 i64 = %120
      loop a7 1 {
        %121 = lt v29, %114 : bool
        if %121 {
          var v30 i64 = v29
          %122 = load b0[v30] : i64
          var v31 i64 = %122
          %123 = max v31, 0 : i64
          %124 = min %123, 6 : i64
          %125 = load b1[%124] : f32
          var v32 f32 = %125
          %126 = add v30, 1 : i64
          var v33 i64 = %126
          %127 = lt v33, %114 : bool
          if %127 {
            %128 = load b0[v33] : i64
            var v34 i64 = %128
            %129 = max v34, 0 : i64
            %130 = min %129, 6 : i64
            %131 = load b1[%130] : f32
            var v35 f32 = %131
            %132 = gt v32, v35 : bool
            %133 = isnan v32 : bool
            %134 = isnan v35 : bool
            %135 = not %134 : bool
            %136 = and %133, %135 : bool
            %137 = or %132, %136 : bool
            %138 = lt v31, v34 : bool
            %139 = gt v35, v32 : bool
            %140 = not %133 : bool
            %141 = and %134, %140 : bool
            %142 = or %139, %141 : bool
            %143 = not %142 : bool
            %144 = and %138, %143 : bool
            %145 = or %137, %144 : bool
            var v36 bool = %145
            %146 = select v36, v33, v30 : i64
            set v30 = %146
            %147 = select v36, v34, v31 : i64
            set v31 = %147
            %148 = select v36, v35, v32 : f32
            set v32 = %148
          }
          set v29 = %114
          %149 = gt v27, v32 : bool
          %150 = isnan v27 : bool
          %151 = isnan v32 : bool
          %152 = not %151 : bool
          %153 = and %150, %152 : bool
          %154 = or %149, %153 : bool
          %155 = lt v26, v31 : bool
          %156 = gt v32, v27 : bool
          %157 = not %150 : bool
          %158 = and %151, %157 : bool
          %159 = or %156, %158 : bool
          %160 = not %159 : bool
          %161 = and %155, %160 : bool
          %162 = or %154, %161 : bool
          if %162 {
            store b0[v28] = v31
            set v28 = v30
            %163 = mul v30, 2 : i64
            %164 = add %163, 1 : i64
            set v29 = %164
          }
        }
      }
      store b0[v28] = v26
    }
  }
}
# arg 0 = [1, 4, 2]
