// Reads JSON leniently: a member that is missing, or has another type than requested, reads as empty or 0. So an answer
// of a newer or older program is read as far as it is understood.
#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

namespace troupe::base::reading {

/// Null if the text is not JSON.
inline boost::json::value parsed(std::string_view text) {
  boost::system::error_code failed;
  auto result = boost::json::parse(boost::json::string_view{text.data(), text.size()}, failed);
  return failed ? boost::json::value{} : result;
}

/// Null if there is no such member.
inline const boost::json::value& member(const boost::json::object& of, std::string_view name) {
  static const boost::json::value nothing;
  auto* found = of.if_contains(boost::json::string_view{name.data(), name.size()});
  return found == nullptr ? nothing : *found;
}

inline const boost::json::value& member(const boost::json::value& of, std::string_view name) {
  static const boost::json::object nothing;
  auto* object = of.if_object();
  return member(object == nullptr ? nothing : *object, name);
}

const boost::json::value& member(const boost::json::object&& of, std::string_view name) = delete;
const boost::json::value& member(const boost::json::value&& of, std::string_view name) = delete;

// `Json` is a value or an object. The functions return copies, because the caller usually does not keep the answer.

template <class Json>
std::string text(const Json& of, std::string_view name) {
  auto* string = member(of, name).if_string();
  return string == nullptr ? std::string{} : std::string{string->data(), string->size()};
}

template <class Json>
double number(const Json& of, std::string_view name) {
  auto& x = member(of, name);
  return x.is_number() ? x.template to_number<double>() : 0.0;
}

/// A value of 9e15 or more reads as 0.
template <class Json>
int64_t count(const Json& of, std::string_view name) {
  auto x = number(of, name);
  return std::abs(x) < 9e15 ? static_cast<int64_t>(x) : 0;
}

template <class Json>
std::string count_text(const Json& of, std::string_view name) {
  return std::to_string(count(of, name));
}

template <class Json>
bool truth(const Json& of, std::string_view name) {
  auto* x = member(of, name).if_bool();
  return x != nullptr && *x;
}

template <class Json>
boost::json::array list(const Json& of, std::string_view name) {
  auto* array = member(of, name).if_array();
  return array == nullptr ? boost::json::array{} : *array;
}

template <class Json>
boost::json::object object(const Json& of, std::string_view name) {
  auto* x = member(of, name).if_object();
  return x == nullptr ? boost::json::object{} : *x;
}

} // namespace troupe::base::reading
