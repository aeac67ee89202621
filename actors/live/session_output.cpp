// The path of a channel's renditions to its clients.
#include "actors/live/session.hpp"

#include "telemetry/log.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <algorithm>

namespace troupe {

namespace {

constexpr auto memory_interval = std::chrono::seconds{1};

} // namespace

rendition_output& session_state::output_of(const std::string& profile) {
  if (auto i = outputs.find(profile); i != outputs.end())
    return i->second;
  auto name = core::ladder_of(profile);
  if (name.empty())
    return outputs.try_emplace(profile, config.stream, profile).first->second;
  auto& of = ladders[std::string{name}];
  ++of.outputs;
  return outputs.try_emplace(profile, config.stream, profile.substr(name.size() + 1), of.group).first->second;
}

void session_state::open_output(const std::string& profile, const stream_format& format,
                                const core::output_form& form) {
  auto& out = output_of(profile);
  if (auto of = ladders.find(core::ladder_of(profile)); of != ladders.end())
    for (auto& block : of->second.pace.take(profile))
      write(profile, block);
  auto times =
    delivery_times::of(config.delivery, form.on_grid ? form.keyframe_interval : std::chrono::milliseconds{0});
  segment_beginning at{form.from_pts, form.joins};
  if (auto done = out.set_format(format, times, form.clock, at); !done)
    failed_outputs.emplace_back(profile, done.error().what);
}

void session_state::deliver(const std::string& profile, const sample_block& block) {
  auto of = ladders.find(core::ladder_of(profile));
  if (of == ladders.end())
    return write(profile, block);
  of->second.pace.add(profile, block, self->now());
  release();
}

void session_state::write(const std::string& profile, const sample_block& block) {
  if (auto done = output_of(profile).write(block, self->now()); !done)
    failed_outputs.emplace_back(profile, done.error().what);
}

void session_state::release() {
  for (auto& [name, of] : ladders)
    for (auto& x : of.pace.due(self->now()))
      write(x.rendition, x.block);
}

void session_state::close_output(const std::string& profile, const std::string& reason) {
  auto i = outputs.find(profile);
  if (i == outputs.end())
    return;
  auto of = ladders.find(core::ladder_of(profile));
  if (of != ladders.end())
    for (auto& block : of->second.pace.take(profile))
      write(profile, block);
  i->second.end(reason);
  outputs.erase(i);
  if (of != ladders.end() && --of->second.outputs == 0)
    ladders.erase(of);
}

void session_state::remember() {
  if (self->now() - remembered_at < memory_interval)
    return;
  remembered_at = self->now();
  // A client of MPEG-TS has to connect again anyway, and then wants no slate.
  auto has_players = [this](auto& x) {
    auto& out = *x.second.shared();
    return out.clients(self->now()) > out.stream()->count().clients;
  };
  if (auto x = session.to_continue(self->now()); x && std::any_of(outputs.begin(), outputs.end(), has_players))
    memory.write(*x);
}

void session_state::notice(const std::string& profile, const std::string& what) {
  log::warning(what, {{"channel", channel_name}, {"profile", profile}, {"session", id}});
}

} // namespace troupe
