# Programs find CAF's libraries beside themselves, in lib/troupe, in the build tree as where they are installed. So they need no environment, never look
# into the folder that they are started from, and go on when the cache folder is deleted. A CAF that the machine's linker finds anyway needs none of that.
get_target_property(caf_library CAF::core LOCATION)
get_filename_component(caf_folder "${caf_library}" DIRECTORY)
if(caf_folder IN_LIST CMAKE_CXX_IMPLICIT_LINK_DIRECTORIES)
  # CMake pads the path of a program whose path changes when it is installed, with an empty entry: the folder of whoever starts it.
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
