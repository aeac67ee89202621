# Programs find CAF's libraries in lib/troupe next to themselves, in the build tree and after installation. So they need
# no environment, never search the folder that they are started from, and still run when the cache folder is deleted. A
# CAF that the machine's linker finds anyway needs none of this.
get_target_property(caf_library CAF::core LOCATION)
get_filename_component(caf_folder "${caf_library}" DIRECTORY)
if(caf_folder IN_LIST CMAKE_CXX_IMPLICIT_LINK_DIRECTORIES)
  # If a program's path changes on installation, CMake pads the path with an empty entry, which means the current
  # folder.
  set(CMAKE_SKIP_RPATH ON)
else()
  set(CMAKE_BUILD_WITH_INSTALL_RPATH ON)
  set(CMAKE_INSTALL_RPATH "$ORIGIN/../lib/troupe")
  foreach(component core io)
    get_target_property(caf_library CAF::${component} LOCATION)
    get_filename_component(caf_name "${caf_library}" NAME)
    file(MAKE_DIRECTORY "${CMAKE_BINARY_DIR}/lib/troupe")
    file(CREATE_LINK "${caf_library}" "${CMAKE_BINARY_DIR}/lib/troupe/${caf_name}" SYMBOLIC)
  endforeach()
  install(IMPORTED_RUNTIME_ARTIFACTS CAF::core CAF::io LIBRARY DESTINATION lib/troupe)
endif()
