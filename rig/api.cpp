#include "rig/api.hpp"

#include "base/json.hpp"
#include "rig/live_socket.hpp"

namespace troupe::bench {

boost::json::value api_get(uint16_t port, const std::string& target, std::chrono::milliseconds limit) {
  auto answer = http_get(port, target, limit);
  return answer.status == 200 ? base::reading::parsed(answer.body) : boost::json::value{};
}

} // namespace troupe::bench
