# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# What libburin carries for kernels of GPUs: their prelude as text, and the emulator as an object that is linked to kernels when they
# are made: position independent, hidden symbols, no sanitizer.
if(TARGET burin_codegen)
	set(device ${PROJECT_SOURCE_DIR}/codegen/cuda/device)
	add_library(burin_emulator_object OBJECT ${device}/emulator.c)
	target_include_directories(burin_emulator_object PRIVATE ${PROJECT_SOURCE_DIR})
	target_compile_definitions(burin_emulator_object PRIVATE _GNU_SOURCE)
	target_compile_options(burin_emulator_object PRIVATE -O2 -g0 -fPIC -fvisibility=hidden -fno-lto
		-Wall -Wextra)
	set(object ${PROJECT_BINARY_DIR}/burin_emulator.o)
	add_custom_command(OUTPUT ${object} DEPENDS $<TARGET_OBJECTS:burin_emulator_object>
		COMMAND ${CMAKE_COMMAND} -E copy $<TARGET_OBJECTS:burin_emulator_object> ${object}
		COMMENT "emulator of GPUs" VERBATIM)
	set_source_files_properties(codegen/cuda/text.c PROPERTIES
		COMPILE_DEFINITIONS "BURIN_CUDA_PRELUDE=\"${device}/prelude.h\";BURIN_CUDA_EMULATOR=\"${object}\""
		OBJECT_DEPENDS "${device}/prelude.h;${object}")
endif()
