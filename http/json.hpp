// Our message structs as JSON, generated from the same `inspect` overloads as the wire format: each field is named only
// once.
//
// Differences from the wire format, for the sake of clients:
// - ids are decimal strings, because JavaScript's numbers hold 53 bits; an id that is not set is null
// - enumerations are their names
// - durations are integers in milliseconds, and their fields' names end in `_ms`
// - an unknown timestamp and a non-finite number are null
// - bytes are shown as their count
#pragma once

#include "messages/ids.hpp"
#include "messages/inspect.hpp"
#include "messages/media.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/string.hpp>
#include <boost/json/value.hpp>

#include <chrono>
#include <cmath>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace troupe::http {

template <class T>
boost::json::value to_json(const T& x);

namespace detail {

/// The text, with '?' for every byte that is not part of well-formed UTF-8. Workers and sources may send anything, and
/// one bad byte would invalidate the whole document. What opens a source is masked, because errors quote it.
boost::json::string json_text(std::string_view text);

template <class T>
inline constexpr bool is_id = false;
template <class Tag>
inline constexpr bool is_id<id<Tag>> = true;

template <class T>
inline constexpr bool is_duration = false;
template <class Rep, class Period>
inline constexpr bool is_duration<std::chrono::duration<Rep, Period>> = true;

template <class T>
inline constexpr bool is_vector = false;
template <class T>
inline constexpr bool is_vector<std::vector<T>> = true;

template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;

template <class T>
inline constexpr bool is_text_map = false;
template <class T>
inline constexpr bool is_text_map<std::map<std::string, T>> = true;

template <class T>
struct json_field {
  std::string_view name;
  const T& value;

  void put(boost::json::object& into) const {
    if constexpr (is_duration<T>)
      into.emplace(std::string{name} + "_ms", to_json(value));
    else
      into.emplace(boost::json::string_view{name.data(), name.size()}, to_json(value));
  }
};

/// The inspector: it only saves, and turns each object into a new JSON object.
class json_saver {
public:
  static constexpr bool is_loading = false;

  class object_type {
  public:
    explicit object_type(boost::json::value& out) : out_(out) {}

    template <class... Ts>
    bool fields(json_field<Ts>... xs) {
      auto& object = out_.emplace_object();
      object.reserve(sizeof...(xs));
      (xs.put(object), ...);
      return true;
    }

  private:
    boost::json::value& out_;
  };

  template <class T>
  object_type object(const T&) {
    return object_type{result_};
  }

  template <class T>
  static json_field<T> field(std::string_view name, const T& value) {
    return {name, value};
  }

  template <class Get, class Set>
  bool apply(Get get, Set) {
    result_ = to_json(get());
    return true;
  }

  boost::json::value take() {
    return std::move(result_);
  }

private:
  boost::json::value result_;
};

} // namespace detail

/// The JSON form of a message struct, or of any value that can be a field of one. (Parentheses below: braces would make
/// arrays.)
template <class T>
boost::json::value to_json(const T& x) {
  if constexpr (std::is_same_v<T, int64_t>) {
    return x == no_timestamp ? boost::json::value(nullptr) : boost::json::value(x);
  } else if constexpr (std::is_integral_v<T>) {
    return x;
  } else if constexpr (std::is_floating_point_v<T>) {
    return std::isfinite(x) ? boost::json::value(x) : boost::json::value(nullptr);
  } else if constexpr (std::is_enum_v<T>) {
    auto name = to_string(x);
    return boost::json::string(name.data(), name.size());
  } else if constexpr (std::is_convertible_v<const T&, std::string_view>) {
    return detail::json_text(x);
  } else if constexpr (std::is_same_v<T, shared_bytes>) {
    return x.size();
  } else if constexpr (detail::is_id<T>) {
    return x ? boost::json::value(std::to_string(x.value)) : boost::json::value(nullptr);
  } else if constexpr (detail::is_duration<T>) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(x).count();
  } else if constexpr (detail::is_optional<T>) {
    return x ? to_json(*x) : boost::json::value(nullptr);
  } else if constexpr (detail::is_vector<T>) {
    boost::json::array result;
    result.reserve(x.size());
    for (const auto& element : x)
      result.push_back(to_json(element));
    return result;
  } else if constexpr (detail::is_text_map<T>) {
    boost::json::object result;
    for (auto& [key, value] : x)
      result.emplace(key, to_json(value));
    return result;
  } else {
    detail::json_saver saver;
    // The overloads take a mutable reference because loading needs one; saving does not write through it.
    inspect(saver, const_cast<T&>(x));
    return saver.take();
  }
}

} // namespace troupe::http
