// Whether this build is slow: tests then do less, or wait longer.
#pragma once

namespace troupe::test {

/// With a sanitizer. g++ says so by macros, clang by features.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool instrumented = true;
#elif defined(__has_feature)
inline constexpr bool instrumented = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
inline constexpr bool instrumented = false;
#endif

#ifdef NDEBUG
inline constexpr bool slow = instrumented;
#else
inline constexpr bool slow = true;
#endif

} // namespace troupe::test
