// The path of a channel's renditions to its clients.
#include "actors/live/session.hpp"

#include "telemetry/log.hpp"

#include <caf/typed_event_based_actor.hpp>

namespace troupe {

rendition_output& session_state::output_of(const std::string& profile) {
  return outputs.try_emplace(profile, config.stream, profile).first->second;
}

void session_state::open_output(const std::string& profile, const stream_format& format,
                                const core::output_form& form) {
  auto times =
    delivery_times::of(config.delivery, form.on_grid ? form.keyframe_interval : std::chrono::milliseconds{0});
  if (auto done = output_of(profile).set_format(format, times, form.clock); !done)
    failed_outputs.emplace_back(profile, done.error().what);
}

void session_state::deliver(const std::string& profile, const sample_block& block) {
  if (auto done = output_of(profile).write(block, self->now()); !done)
    failed_outputs.emplace_back(profile, done.error().what);
}

void session_state::close_output(const std::string& profile, const std::string& reason) {
  auto i = outputs.find(profile);
  if (i == outputs.end())
    return;
  i->second.end(reason);
  outputs.erase(i);
}

void session_state::notice(const std::string& profile, const std::string& what) {
  log::warning(what, {{"channel", channel_name}, {"profile", profile}, {"session", id}});
}

} // namespace troupe
