# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# runtime/cpu and runtime/cuda once more, each as the one object whose bytes libburin carries and links into artefacts: position independent,
# hidden symbols, baseline instructions, no sanitizer, nothing but libc. All files of one are one translation unit, so no linker is needed.
function(burin_runtime_object name folder object) # then further options of the compiler
	file(GLOB sources CONFIGURE_DEPENDS ${folder}/*.c)
	add_library(${name} OBJECT ${sources})
	set_target_properties(${name} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 0)
	target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
	target_compile_definitions(${name} PRIVATE _GNU_SOURCE)
	target_compile_options(${name} PRIVATE -O2 -g0 -fPIC -fvisibility=hidden
		-ffunction-sections -fdata-sections -fno-stack-protector -U_FORTIFY_SOURCE
		-fcf-protection=none -fno-lto -ffp-contract=off -w ${ARGN})
	if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|amd64|AMD64")
		target_compile_options(${name} PRIVATE -march=x86-64 -mtune=generic)
	endif()
	# A copy of a fixed name: the place of an object file is CMake's own affair.
	add_custom_command(OUTPUT ${object} DEPENDS $<TARGET_OBJECTS:${name}>
		COMMAND ${CMAKE_COMMAND} -E copy $<TARGET_OBJECTS:${name}> ${object}
		COMMENT "runtime object for artefacts: ${folder}" VERBATIM)
endfunction()

if(TARGET burin_codegen)
	set(object ${PROJECT_BINARY_DIR}/burin_runtime.o)
	set(cuda_object ${PROJECT_BINARY_DIR}/burin_runtime_cuda.o)
	burin_runtime_object(burin_runtime_object runtime/cpu ${object})
	burin_runtime_object(burin_runtime_cuda_object runtime/cuda ${cuda_object})
	set(text ${PROJECT_BINARY_DIR}/burin_runtime.s) # for models that are written as assembly
	burin_runtime_object(burin_runtime_text runtime/cpu ${text} -S)
	set_source_files_properties(codegen/artifact/runtime_object.c PROPERTIES
		COMPILE_DEFINITIONS "BURIN_RUNTIME_OBJECT=\"${object}\";BURIN_RUNTIME_CUDA_OBJECT=\"${cuda_object}\";BURIN_RUNTIME_TEXT=\"${text}\""
		OBJECT_DEPENDS "${object};${cuda_object};${text}")
endif()
