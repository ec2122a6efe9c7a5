# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# How near the contraction templates come to the machine: build/bench-contractions [threads] [repetitions];
# those of training steps: build/bench-train-ops [threads] [repetitions] [shape]
if(TARGET burin_static)
	foreach(name contractions train_ops)
		string(REPLACE _ - target bench-${name})
		add_executable(${target} EXCLUDE_FROM_ALL
			${PROJECT_SOURCE_DIR}/bench/${name}.c ${PROJECT_SOURCE_DIR}/bench/peak.c
			${PROJECT_SOURCE_DIR}/bench/timed.c)
		target_link_libraries(${target} PRIVATE burin_flags burin_static)
	endforeach()
endif()

# Checks and measurements that need other software than the tests do (bench/README.md): named targets, in no test run.
set(BURIN_VENV "${PROJECT_SOURCE_DIR}/build/venv" CACHE PATH "Python environment made by bench/setup_venv.sh")
set(burin_zoo "${PROJECT_SOURCE_DIR}/build/zoo")

function(burin_bench name text)
	add_custom_target(${name} COMMAND ${ARGN} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}
		COMMENT "${text}" USES_TERMINAL VERBATIM)
	if(NOT name STREQUAL "zoo")
		add_dependencies(${name} burin-cli)
	endif()
endfunction()

if(TARGET burin-cli)
	set(python ${BURIN_VENV}/bin/python)
	set(with_burin --burin $<TARGET_FILE:burin-cli>)
	burin_bench(zoo "exporting the models that are not there yet"
		${python} bench/zoo.py ${burin_zoo} --missing)
	burin_bench(zoo-check "compiled models against ONNX Runtime"
		${python} bench/zoo_check.py --zoo ${burin_zoo} ${with_burin})
	burin_bench(examples-check "examples/*.xml against PyTorch"
		${python} bench/examples_check.py ${with_burin})
	burin_bench(peers "times of Burin, ONNX Runtime and OpenVINO"
		${python} bench/peers.py --zoo ${burin_zoo} ${with_burin})
	burin_bench(compile-cost "time and memory of burin compile"
		${python} bench/compile_cost.py ${with_burin})
endif()
