#include "rig/api.hpp"

#include "rig/live_socket.hpp"

#include <boost/json.hpp>

namespace troupe::bench {

namespace json = boost::json;

json::value api_get(uint16_t port, const std::string& target, std::chrono::milliseconds limit) {
  auto answer = http_get(port, target, limit);
  boost::system::error_code failed;
  auto result = json::parse(answer.body, failed);
  return answer.status == 200 && !failed ? result : json::value{};
}

const json::value* member(const json::value& of, std::string_view name) {
  return of.is_object() ? of.get_object().if_contains(json::string_view{name.data(), name.size()}) : nullptr;
}

std::string text(const json::value& of, std::string_view name) {
  auto* x = member(of, name);
  return x != nullptr && x->is_string() ? std::string{x->get_string()} : std::string{};
}

uint64_t number(const json::value& of, std::string_view name) {
  auto* x = member(of, name);
  return x != nullptr && x->is_number() ? x->to_number<uint64_t>() : 0;
}

json::array list(const json::value& of, std::string_view name) {
  auto* x = member(of, name);
  return x != nullptr && x->is_array() ? x->get_array() : json::array{};
}

} // namespace troupe::bench
