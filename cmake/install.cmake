# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# What `cmake --install` puts where: libraries, archives whose inner names stay inside, header, command, what the command prints
# of itself (manual page, completions, schema), and the ways to be found: pkg-config and CMake.
include(CMakePackageConfigHelpers)
set(burin_cmake_dir ${CMAKE_INSTALL_LIBDIR}/cmake/burin)

# --- archives --------------------------------------------------------------------------------------------------------
# All objects merged to one in which what is not exported is local: an archive that takes no names from its user.
function(burin_archive name objects)
	set(folder ${PROJECT_BINARY_DIR}/archive)
	file(MAKE_DIRECTORY ${folder})
	add_custom_command(OUTPUT ${folder}/lib${name}.a
		COMMAND ${CMAKE_LINKER} -r -o ${name}.o ${objects}
		COMMAND ${CMAKE_OBJCOPY} --localize-hidden ${name}.o
		COMMAND ${CMAKE_COMMAND} -E rm -f lib${name}.a
		COMMAND ${CMAKE_AR} qcsD lib${name}.a ${name}.o
		DEPENDS ${objects} WORKING_DIRECTORY ${folder} COMMAND_EXPAND_LISTS VERBATIM
		COMMENT "lib${name}.a to install")
	add_custom_target(${name}-archive ALL DEPENDS ${folder}/lib${name}.a)
	install(FILES ${folder}/lib${name}.a DESTINATION ${CMAKE_INSTALL_LIBDIR})
endfunction()
burin_archive(burin_rt "${burin_rt_objects}")
burin_archive(burin "${burin_objects}")

# --- libraries and the command ---------------------------------------------------------------------------------------
set_target_properties(burin_rt PROPERTIES EXPORT_NAME rt)
set_target_properties(burin PROPERTIES EXPORT_NAME compiler)
set_target_properties(burin-cli PROPERTIES EXPORT_NAME command)
install(TARGETS burin_rt burin burin-cli EXPORT burinTargets
	RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
	INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(FILES include/burin.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})

# --- what the command prints of itself -------------------------------------------------------------------------------
function(burin_printed file folder) # then the arguments
	set(path ${PROJECT_BINARY_DIR}/printed/${file})
	add_custom_command(OUTPUT ${path} DEPENDS burin-cli
		COMMAND sh -c "\"$1\" $2 >\"$3.new\" && mv \"$3.new\" \"$3\"" -- $<TARGET_FILE:burin-cli>
			"${ARGN}" ${path}
		COMMENT "${file}" VERBATIM)
	set(printed_files ${printed_files} ${path} PARENT_SCOPE)
	install(FILES ${path} DESTINATION ${folder})
endfunction()
if(NOT CMAKE_CROSSCOMPILING AND NOT BURIN_SANITIZE)
	file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/printed)
	burin_printed(burin.1 ${CMAKE_INSTALL_MANDIR}/man1 "help --man")
	burin_printed(burin ${CMAKE_INSTALL_DATADIR}/bash-completion/completions "help --completion bash")
	burin_printed(_burin ${CMAKE_INSTALL_DATADIR}/zsh/site-functions "help --completion zsh")
	burin_printed(burin.fish ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d "help --completion fish")
	burin_printed(burin-graph-1.xsd ${CMAKE_INSTALL_DATADIR}/burin schema)
	add_custom_target(printed ALL DEPENDS ${printed_files})
	install(FILES cmake/catalog.xml DESTINATION ${CMAKE_INSTALL_DATADIR}/burin)
endif()

# --- to be found -----------------------------------------------------------------------------------------------------
# What a program that links libburin.a needs further: shared libraries, by name. Requires.private would have pkg-config --static
# ask for all that a static libxml2 needs, whose packages nobody has installed.
set(private "-lxml2 -lz")
foreach(name IN LISTS llvm_libdir)
	string(APPEND private " -L${name}")
endforeach()
string(APPEND private " ${llvm_libs} -lm -pthread")
string(STRIP "${private}" BURIN_LIBS_PRIVATE)
# From the folder of the .pc files up to the prefix, so that an installed tree can be moved.
file(RELATIVE_PATH BURIN_PC_UP /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
foreach(name libburin libburin_rt)
	configure_file(cmake/${name}.pc.in ${name}.pc @ONLY)
	install(FILES ${PROJECT_BINARY_DIR}/${name}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endforeach()

install(EXPORT burinTargets NAMESPACE burin:: DESTINATION ${burin_cmake_dir})
configure_package_config_file(cmake/burinConfig.cmake.in burinConfig.cmake INSTALL_DESTINATION ${burin_cmake_dir}
	PATH_VARS CMAKE_INSTALL_LIBDIR CMAKE_INSTALL_INCLUDEDIR)
write_basic_package_version_file(burinConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/burinConfig.cmake ${PROJECT_BINARY_DIR}/burinConfigVersion.cmake
	cmake/burinModel.cmake DESTINATION ${burin_cmake_dir})
