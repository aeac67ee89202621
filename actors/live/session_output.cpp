// The path of a channel's renditions to its clients.
#include "actors/live/session.hpp"

#include "telemetry/log.hpp"

#include <caf/typed_event_based_actor.hpp>

namespace troupe {

namespace {

/// A segment is as long as configured, or the next multiple of the keyframe interval.
delivery_times times_for(delivery_times x, const core::output_form& form) {
  x.on_grid = form.on_grid;
  if (auto interval = form.keyframe_interval.count() * ticks_per_second / 1000; form.on_grid)
    x.segment = (x.segment + interval - 1) / interval * interval;
  return x;
}

} // namespace

rendition_output& session_state::output_of(const std::string& profile) {
  if (auto i = outputs.find(profile); i != outputs.end())
    return i->second;
  auto ladder = core::ladder_of(profile);
  if (ladder.empty())
    return outputs.try_emplace(profile, config.stream, profile).first->second;
  auto& known = groups[std::string{ladder}];
  auto group = known.lock();
  if (!group)
    known = group = std::make_shared<rendition_group>();
  return outputs.try_emplace(profile, config.stream, profile.substr(ladder.size() + 1), group).first->second;
}

void session_state::open_output(const std::string& profile, const stream_format& format,
                                const core::output_form& form) {
  if (auto done = output_of(profile).set_format(format, times_for(config.delivery, form), form.clock,
                                                 {form.from_pts, form.joins});
      !done)
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
