# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# burin_add_model(target model [SHARED] [PREFIX name] [OPTIONS option...] [DEPENDS file...])
#
# Compiles a model (.xml or .onnx) when the project is built and makes `target` a library to link with, whose header is
# <target>.h and whose functions begin with <target>_ (or with PREFIX).
#   SHARED   a .so instead of an archive
#   OPTIONS  for `burin compile`, such as --bind N=1 --mcpu native
#   DEPENDS  files to watch besides the model: its weights
function(burin_add_model target model)
	cmake_parse_arguments(PARSE_ARGV 2 model "SHARED" "PREFIX" "OPTIONS;DEPENDS")
	if(model_UNPARSED_ARGUMENTS)
		message(FATAL_ERROR "burin_add_model: what is ${model_UNPARSED_ARGUMENTS}? Options of burin stand behind OPTIONS")
	endif()
	if(NOT model_PREFIX)
		string(MAKE_C_IDENTIFIER "${target}" model_PREFIX)
	endif()
	set(kind STATIC)
	set(suffix .a)
	if(model_SHARED)
		set(kind SHARED)
		set(suffix .so)
	endif()
	get_filename_component(source "${model}" ABSOLUTE)
	set(folder "${CMAKE_CURRENT_BINARY_DIR}/${target}.model")
	set(library "${folder}/${target}${suffix}")
	set(header "${folder}/${target}.h")
	file(MAKE_DIRECTORY "${folder}")
	add_custom_command(OUTPUT "${library}" "${header}"
		COMMAND burin::command compile "${source}" -o "${library}" --prefix "${model_PREFIX}" --quiet
			${model_OPTIONS}
		DEPENDS "${source}" ${model_DEPENDS} burin::command
		COMMENT "Compiling the model ${model}" VERBATIM)
	add_custom_target(${target}.model DEPENDS "${library}" "${header}")
	add_library(${target} ${kind} IMPORTED GLOBAL)
	add_dependencies(${target} ${target}.model)
	find_package(Threads REQUIRED)
	set_target_properties(${target} PROPERTIES
		IMPORTED_LOCATION "${library}"
		INTERFACE_INCLUDE_DIRECTORIES "${folder}"
		INTERFACE_LINK_LIBRARIES "m;Threads::Threads")
	if(model_SHARED)
		set_target_properties(${target} PROPERTIES IMPORTED_SONAME "${target}.so")
	endif()
endfunction()
