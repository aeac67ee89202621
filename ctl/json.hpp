// Reads the API's answers leniently: a missing value is empty or 0, so that a newer or older coordinator works too.
#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

namespace troupe::ctl {

inline const boost::json::value& member(const boost::json::value& of, std::string_view name) {
  static const boost::json::value nothing;
  auto object = of.if_object();
  auto found = object == nullptr ? nullptr : object->if_contains({name.data(), name.size()});
  return found == nullptr ? nothing : *found;
}

inline const boost::json::array& list(const boost::json::value& of, std::string_view name) {
  static const boost::json::array nothing;
  auto array = member(of, name).if_array();
  return array == nullptr ? nothing : *array;
}

inline std::string text(const boost::json::value& of, std::string_view name) {
  auto string = member(of, name).if_string();
  return string == nullptr ? std::string{} : std::string{string->data(), string->size()};
}

inline double number(const boost::json::value& of, std::string_view name) {
  auto& x = member(of, name);
  return x.is_double()   ? x.get_double()
         : x.is_int64()  ? static_cast<double>(x.get_int64())
         : x.is_uint64() ? static_cast<double>(x.get_uint64())
                         : 0.0;
}

/// A non-negative count; a value that does not fit is 0.
inline int64_t count(const boost::json::value& of, std::string_view name) {
  auto x = number(of, name);
  return std::abs(x) < 9e15 ? static_cast<int64_t>(x) : 0;
}

inline std::string count_text(const boost::json::value& of, std::string_view name) {
  return std::to_string(count(of, name));
}

} // namespace troupe::ctl
