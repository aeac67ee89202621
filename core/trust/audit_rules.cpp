#include "core/trust/audit_rules.hpp"

namespace troupe::core {

namespace {

/// True if a key, a session or a token was shown that does not count. Players show an address for each segment, so for
/// media only what may be a guess matters.
bool fails_to_enter(need what, proof::kind shown) {
  if (what == need::channel)
    return shown == proof::kind::wrong;
  return shown != proof::kind::none && shown != proof::kind::good;
}

} // namespace

audit_rules::verdict audit_rules::judge(need what, bool reads, proof::kind shown, const std::string& client,
                                        time_point now) {
  if (what == need::nothing || what == need::ticket || (reads && !fails_to_enter(what, shown)))
    return verdict::ignore;
  if (shown == proof::kind::good)
    return verdict::write;
  if (!all_.look({}, now).allowed || !by_client_.take(client, now).allowed)
    return verdict::leave_out;
  all_.take({}, now);
  return verdict::write;
}

} // namespace troupe::core
