// Which requests are written down in the audit log.
//
// Whoever changes something is written down, and so is whoever tries to and may not. Clients that prove no role are
// strangers: they may send what they like, so only a few of their requests are written down in a minute.
#pragma once

#include "core/trust/access.hpp"
#include "core/trust/sliding_limit.hpp"

#include <cstdint>
#include <string>

namespace troupe::core {

class audit_rules {
public:
  using time_point = sliding_limit::time_point;

  static constexpr std::chrono::minutes window{1};
  static constexpr uint32_t strangers_per_client = 10; ///< requests of one client that are written down in a window
  static constexpr uint32_t strangers_max = 120;       ///< the same of all clients together

  enum class verdict : uint8_t {
    ignore,   ///< it changes nothing
    write,    ///< it is written down
    leave_out ///< it would be, but strangers have sent too many
  };

  /// A request for something that needs `what`, from a client that showed `shown`. `reads`: it changes nothing.
  verdict judge(need what, bool reads, proof::kind shown, const std::string& client, time_point now);

private:
  sliding_limit by_client_{strangers_per_client, window};
  sliding_limit all_{strangers_max, window};
};

} // namespace troupe::core
