#include "core/trust/login_limit.hpp"

namespace troupe::core {

login_limit::state login_limit::begin(const std::string& client, const std::string& key, time_point now) {
  auto result = clients_.take(client, now);
  if (!result.allowed || key.empty())
    return result;
  auto of_key = keys_.look(key, now);
  return of_key.allowed ? result : of_key;
}

void login_limit::failed(const std::string& key, time_point now) {
  if (!key.empty())
    keys_.take(key, now);
}

} // namespace troupe::core
