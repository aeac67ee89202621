#include "http/json_body.hpp"

#include "base/json.hpp"
#include "config/defaults.hpp"

#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <set>
#include <utility>
#include <vector>

namespace troupe::http {

namespace {

namespace json = boost::json;
namespace defaults = config::defaults;

using error_code = boost::system::error_code;

json::parse_options options() {
  json::parse_options result;
  result.max_depth = defaults::json_depth_max;
  return result;
}

/// Looks only at the names. (The parser's own object keeps the last of two members with the same name.)
struct name_checker {
  static constexpr size_t max_object_size = std::numeric_limits<size_t>::max();
  static constexpr size_t max_array_size = std::numeric_limits<size_t>::max();
  static constexpr size_t max_key_size = defaults::json_name_bytes_max;
  static constexpr size_t max_string_size = std::numeric_limits<size_t>::max();

  std::vector<std::set<std::string>> objects; ///< the open objects, with their names so far
  std::string name;                           ///< the name that is being read
  std::string twice;

  bool on_object_begin(error_code&) {
    objects.emplace_back();
    return true;
  }
  bool on_object_end(size_t, error_code&) {
    objects.pop_back();
    return true;
  }
  bool on_key_part(json::string_view part, size_t, error_code&) {
    name.append(part.data(), part.size());
    return true;
  }
  bool on_key(json::string_view part, size_t, error_code& failed) {
    name.append(part.data(), part.size());
    auto [at, is_new] = objects.back().insert(std::exchange(name, {}));
    if (is_new)
      return true;
    twice = *at;
    failed = json::error::exception;
    return false;
  }
  bool on_document_begin(error_code&) {
    return true;
  }
  bool on_document_end(error_code&) {
    return true;
  }
  bool on_array_begin(error_code&) {
    return true;
  }
  bool on_array_end(size_t, error_code&) {
    return true;
  }
  bool on_string_part(json::string_view, size_t, error_code&) {
    return true;
  }
  bool on_string(json::string_view, size_t, error_code&) {
    return true;
  }
  bool on_number_part(json::string_view, error_code&) {
    return true;
  }
  bool on_int64(int64_t, json::string_view, error_code&) {
    return true;
  }
  bool on_uint64(uint64_t, json::string_view, error_code&) {
    return true;
  }
  bool on_double(double, json::string_view, error_code&) {
    return true;
  }
  bool on_bool(bool, error_code&) {
    return true;
  }
  bool on_null(error_code&) {
    return true;
  }
  bool on_comment_part(json::string_view, error_code&) {
    return true;
  }
  bool on_comment(json::string_view, error_code&) {
    return true;
  }
};

} // namespace

tl::expected<json::value, std::string> read_json(std::string_view text) {
  error_code failed;
  json::basic_parser<name_checker> names{options()};
  names.write_some(false, text.data(), text.size(), failed);
  if (auto& twice = names.handler().twice; !twice.empty() || failed == json::error::exception)
    return tl::unexpected("it has the name '" + twice + "' twice in one object");
  if (failed == json::error::key_too_large)
    return tl::unexpected("it has a name of more than " + std::to_string(defaults::json_name_bytes_max) + " bytes");
  if (failed == json::error::too_deep)
    return tl::unexpected("it is nested deeper than " + std::to_string(defaults::json_depth_max) + " levels");
  auto result = json::parse(json::string_view{text.data(), text.size()}, failed, {}, options());
  if (failed)
    return tl::unexpected(failed.message());
  return result;
}

tl::expected<json::object, std::string> read_object(const std::string& body,
                                                    std::initializer_list<std::string_view> known) {
  auto read = read_json(body);
  if (!read)
    return tl::unexpected("the body is no JSON that is accepted: " + read.error());
  auto* object = read->if_object();
  if (object == nullptr)
    return tl::unexpected(std::string{"the body must be a JSON object"});
  for (auto& x : *object)
    if (auto name = std::string_view{x.key().data(), x.key().size()};
        std::find(known.begin(), known.end(), name) == known.end())
      return tl::unexpected("there is no member '" + std::string{name} + "' here");
  return *object;
}

tl::expected<int64_t, std::string> read_count(const json::object& of, std::string_view name, int64_t most,
                                              std::string_view unit) {
  auto& x = base::reading::member(of, name);
  if (x.is_null())
    return 0;
  auto* number = x.if_int64();
  if (number == nullptr || *number < 1 || *number > most)
    return tl::unexpected(std::string{name} + " is not accepted: allowed are 1 to " + std::to_string(most) + " "
                          + std::string{unit});
  return *number;
}

reply json_reply(const boost::json::value& x, status code) {
  return {code, "application/json", boost::json::serialize(x) + "\n", {}};
}

} // namespace troupe::http
