# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Flags of everything that is compiled here, as one interface target.
add_library(burin_flags INTERFACE)
target_include_directories(burin_flags INTERFACE ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/include)
target_compile_definitions(burin_flags INTERFACE _GNU_SOURCE)
target_compile_options(burin_flags INTERFACE
	-Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2
	-ffp-contract=off -fno-math-errno)
if(BURIN_WERROR)
	target_compile_options(burin_flags INTERFACE -Werror)
endif()
target_link_options(burin_flags INTERFACE -Wl,-z,relro,-z,now)
# Files of strangers are parsed here. The object that artefacts carry has flags of its own (runtime_object.cmake).
if(NOT BURIN_SANITIZE)
	target_compile_options(burin_flags INTERFACE -fstack-protector-strong
		$<$<CONFIG:Release,Debug,RelWithDebInfo,MinSizeRel>:-U_FORTIFY_SOURCE> # it needs an optimiser
		$<$<CONFIG:Release,Debug,RelWithDebInfo,MinSizeRel>:-D_FORTIFY_SOURCE=2>)
endif()

if(BURIN_SANITIZE)
	target_compile_options(burin_flags INTERFACE
		-fsanitize=${BURIN_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
	target_link_options(burin_flags INTERFACE -fsanitize=${BURIN_SANITIZE})
else()
	target_link_options(burin_flags INTERFACE -Wl,-z,defs)
endif()
if(BURIN_FUZZ)
	if(NOT CMAKE_C_COMPILER_ID STREQUAL "Clang")
		message(FATAL_ERROR "BURIN_FUZZ needs clang: cmake --preset fuzz")
	endif()
	target_compile_options(burin_flags INTERFACE -fsanitize=fuzzer-no-link)
	target_compile_definitions(burin_flags INTERFACE FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION)
endif()
