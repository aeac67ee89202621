#include "rig/api.hpp"

#include "rig/http_client.hpp"

namespace troupe::bench {

boost::json::value api_get(uint16_t port, const std::string& target, std::chrono::milliseconds limit) {
  auto answer = http_request(port, "GET", target, limit);
  return answer.status == 200 ? answer.json() : boost::json::value{};
}

} // namespace troupe::bench
