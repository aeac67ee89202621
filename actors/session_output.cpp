// What clients and people are told beside the samples: the time, while none come, and what a rendition is not.
#include "actors/session.hpp"

#include "telemetry/log.hpp"

namespace troupe {

void session_state::pass_time(output& out) {
  if (!out.mux || out.dts == no_timestamp)
    return;
  auto passed = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - out.written);
  if (out.mux->pass_time(passed.count() * ticks_per_second / 1000))
    push(out, false, out.dts);
}

void session_state::notice(const std::string& profile, const std::string& what) {
  log::warning(what, {{"channel", channel_name}, {"profile", profile}, {"session", id}});
}

} // namespace troupe
