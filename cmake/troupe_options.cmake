# The one place for compiler flags: each of our targets links troupe_options.
set(TROUPE_SANITIZE "" CACHE STRING "Sanitizer: address (with undefined), thread, fuzzer or empty")
set_property(CACHE TROUPE_SANITIZE PROPERTY STRINGS "" address thread fuzzer)

add_library(troupe_options INTERFACE)
target_compile_features(troupe_options INTERFACE cxx_std_20)
target_include_directories(troupe_options INTERFACE "${PROJECT_SOURCE_DIR}")
# Shadowing is refused among local names. Members end in an underscore, and a type may lend its name to a variable.
target_compile_options(troupe_options INTERFACE -Wall -Wextra -Wpedantic -Wnon-virtual-dtor -Werror
                       $<$<CXX_COMPILER_ID:GNU>:-Wshadow=local>)
target_compile_definitions(troupe_options INTERFACE TROUPE_VERSION="${PROJECT_VERSION}")

# Most builds need only names and lines in stack traces. Full debug information doubles the time of an instrumented
# build. The preset `dev` has it.
if(TROUPE_SANITIZE OR CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo")
  target_compile_options(troupe_options INTERFACE -g1)
endif()

# UBSan's null check trips over CAF's own headers.
if(TROUPE_SANITIZE STREQUAL "address")
  set(sanitize -fsanitize=address,undefined -fno-sanitize=null,vptr -fno-sanitize-recover=all -fno-omit-frame-pointer)
elseif(TROUPE_SANITIZE STREQUAL "thread")
  set(sanitize -fsanitize=thread -fno-omit-frame-pointer)
  # ThreadSanitizer does not model fences, and g++ warns about that (-Wtsan). It would report a race for whatever fences
  # order, and for the destruction of Asio's reference-counted objects. Asio's other counters order by themselves, and
  # its handlers are passed under the locks of its queues. So without fences ThreadSanitizer sees all ordering.
  target_compile_definitions(troupe_options INTERFACE BOOST_ASIO_DISABLE_FENCED_BLOCK BOOST_ASIO_DISABLE_STD_ATOMIC)
elseif(TROUPE_SANITIZE STREQUAL "fuzzer")
  set(sanitize -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize=null,vptr -fno-sanitize-recover=all -fno-omit-frame-pointer)
endif()
if(sanitize)
  # -Og keeps message passing fast enough for tests with time limits, and compiles faster than -O1.
  target_compile_options(troupe_options INTERFACE ${sanitize} -Og)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # With a sanitizer's instrumentation, g++ reports members of the standard library (such as std::regex's) as
    # uninitialised.
    target_compile_options(troupe_options INTERFACE -Wno-maybe-uninitialized)
  endif()
  target_link_options(troupe_options INTERFACE ${sanitize})
endif()

# troupe_together(target): an instrumented build compiles eight of its sources at once. That takes half the time, because
# most of it goes into headers. So names in anonymous namespaces are unique within its folder, and those of a test are in
# the namespace of its suite.
function(troupe_together target)
  if(TROUPE_SANITIZE MATCHES "address|thread")
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON)
    # Such sources are no headers, although others include them.
    target_compile_options(${target} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>)
  endif()
endfunction()

# troupe_library(name sources...): one library per folder, named troupe_<name>.
function(troupe_library name)
  add_library(troupe_${name} STATIC ${ARGN})
  target_link_libraries(troupe_${name} PUBLIC troupe_options)
endfunction()
