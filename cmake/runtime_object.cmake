# runtime/cpu once more, as the one object whose bytes libburin carries and links into every artefact: position independent, hidden symbols,
# baseline instructions, no sanitizer, nothing but libc. All its files are one translation unit, so no linker is needed for it.
if(TARGET burin_codegen)
	file(GLOB sources CONFIGURE_DEPENDS runtime/cpu/*.c)
	add_library(burin_runtime_object OBJECT ${sources})
	set_target_properties(burin_runtime_object PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 0)
	target_include_directories(burin_runtime_object PRIVATE ${PROJECT_SOURCE_DIR})
	target_compile_definitions(burin_runtime_object PRIVATE _GNU_SOURCE)
	target_compile_options(burin_runtime_object PRIVATE -O2 -g0 -fPIC -fvisibility=hidden
		-ffunction-sections -fdata-sections -fno-stack-protector -U_FORTIFY_SOURCE
		-fcf-protection=none -fno-lto -ffp-contract=off -w)
	if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|amd64|AMD64")
		target_compile_options(burin_runtime_object PRIVATE -march=x86-64 -mtune=generic)
	endif()
	# A copy of a fixed name: the place of an object file is CMake's own affair.
	set(object ${PROJECT_BINARY_DIR}/burin_runtime.o)
	add_custom_command(OUTPUT ${object} DEPENDS $<TARGET_OBJECTS:burin_runtime_object>
		COMMAND ${CMAKE_COMMAND} -E copy $<TARGET_OBJECTS:burin_runtime_object> ${object}
		COMMENT "runtime object for artefacts" VERBATIM)
	set_source_files_properties(codegen/artifact/runtime_object.c PROPERTIES
		COMPILE_DEFINITIONS "BURIN_RUNTIME_OBJECT=\"${object}\"" OBJECT_DEPENDS ${object})
endif()
