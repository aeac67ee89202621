# The one place for compiler flags: every target of ours links troupe_options.
set(TROUPE_SANITIZE "" CACHE STRING "Sanitizer: address (with undefined), thread, fuzzer or empty")
set_property(CACHE TROUPE_SANITIZE PROPERTY STRINGS "" address thread fuzzer)

add_library(troupe_options INTERFACE)
target_compile_features(troupe_options INTERFACE cxx_std_20)
target_include_directories(troupe_options INTERFACE "${PROJECT_SOURCE_DIR}")
target_compile_options(troupe_options INTERFACE -Wall -Wextra -Wpedantic -Wnon-virtual-dtor -Werror)
target_compile_definitions(troupe_options INTERFACE TROUPE_VERSION="${PROJECT_VERSION}")

# Names and lines of a stack trace are all that most builds need; what a debugger wants beyond that doubles the time that
# an instrumented build takes. The preset `dev` has it.
if(TROUPE_SANITIZE OR CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo")
  target_compile_options(troupe_options INTERFACE -g1)
endif()

# UBSan's null check trips over CAF's own headers.
if(TROUPE_SANITIZE STREQUAL "address")
  set(sanitize -fsanitize=address,undefined -fno-sanitize=null,vptr -fno-sanitize-recover=all -fno-omit-frame-pointer)
elseif(TROUPE_SANITIZE STREQUAL "thread")
  set(sanitize -fsanitize=thread -fno-omit-frame-pointer)
  # ThreadSanitizer does not model fences, and g++ says so (-Wtsan). What they order would be reported as a race, as would the
  # end of what Asio counts references of. Asio's other counters order by themselves, and its handlers are handed over under
  # the locks of its queues: without fences, ThreadSanitizer sees every order that there is.
  target_compile_definitions(troupe_options INTERFACE BOOST_ASIO_DISABLE_FENCED_BLOCK BOOST_ASIO_DISABLE_STD_ATOMIC)
elseif(TROUPE_SANITIZE STREQUAL "fuzzer")
  set(sanitize -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize=null,vptr -fno-sanitize-recover=all -fno-omit-frame-pointer)
endif()
if(sanitize)
  # One level of optimisation keeps codecs and message passing fast enough for tests that watch a clock.
  target_compile_options(troupe_options INTERFACE ${sanitize} -O1)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # With a sanitizer's instrumentation g++ takes the standard library's own members (std::regex's, say) for uninitialised.
    target_compile_options(troupe_options INTERFACE -Wno-maybe-uninitialized)
  endif()
  target_link_options(troupe_options INTERFACE ${sanitize})
endif()

# troupe_library(name sources...): one library per folder, named troupe_<name>.
function(troupe_library name)
  add_library(troupe_${name} STATIC ${ARGN})
  target_link_libraries(troupe_${name} PUBLIC troupe_options)
endfunction()
