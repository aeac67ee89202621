// The path of a channel's renditions to its clients.
#include "actors/live/session.hpp"

#include "telemetry/log.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <algorithm>

namespace troupe {

namespace {

constexpr auto memory_interval = std::chrono::seconds{1};

/// The ladder of which the rendition is the sound; empty if it is something else.
std::string_view heard_in(std::string_view rendition) {
  auto ladder = core::ladder_of(rendition);
  return rendition == core::rendition_name(ladder, core::sound_name) ? ladder : std::string_view{};
}

/// The rendition has pictures of the ladder.
bool is_seen_in(std::string_view ladder, std::string_view rendition) {
  return core::ladder_of(rendition) == ladder && heard_in(rendition).empty();
}

} // namespace

rendition_output& session_state::output_of(const std::string& profile) {
  if (auto i = outputs.find(profile); i != outputs.end())
    return i->second;
  auto name = core::ladder_of(profile);
  if (name.empty())
    return outputs.try_emplace(profile, config.stream, profile).first->second;
  auto& of = ladders[std::string{name}];
  ++of.outputs;
  auto& made = outputs.try_emplace(profile, config.stream, profile.substr(name.size() + 1), of.group).first->second;
  if (!of.sound.tracks.empty() && is_seen_in(name, profile))
    check(profile, made.set_sound(of.sound, self->now()));
  return made;
}

void session_state::check(const std::string& profile, const av::expected<void>& done) {
  if (!done)
    failed_outputs.emplace_back(profile, done.error().what);
}

void session_state::open_output(const std::string& profile, const stream_format& format,
                                const core::output_form& form) {
  auto& out = output_of(profile);
  if (auto of = ladders.find(core::ladder_of(profile)); of != ladders.end()) {
    for (auto& block : of->second.pace.take(profile))
      write(profile, block);
    if (!form.heard && of->second.sound.tracks.empty())
      check(profile, out.set_sound({}, self->now())); // there is none to wait for
  }
  auto times =
    delivery_times::of(config.delivery, form.on_grid ? form.keyframe_interval : std::chrono::milliseconds{0});
  segment_beginning at{form.from_pts, form.joins};
  check(profile, out.set_format(format, times, form.clock, at));
  if (auto ladder = heard_in(profile); !ladder.empty())
    set_sound(ladder, format);
}

void session_state::set_sound(std::string_view ladder, const stream_format& format) {
  ladders.find(ladder)->second.sound = format;
  for (auto& [profile, out] : outputs)
    if (is_seen_in(ladder, profile))
      check(profile, out.set_sound(format, self->now()));
}

void session_state::deliver(const std::string& profile, const sample_block& block) {
  auto of = ladders.find(core::ladder_of(profile));
  if (of == ladders.end())
    return write(profile, block);
  of->second.pace.add(profile, block, self->now());
  release();
}

void session_state::write(const std::string& profile, const sample_block& block) {
  check(profile, output_of(profile).write(block, self->now()));
  auto ladder = heard_in(profile);
  if (ladder.empty())
    return;
  for (auto& [other, out] : outputs)
    if (is_seen_in(ladder, other))
      check(other, out.write_sound(block, self->now()));
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
  if (auto ladder = heard_in(profile); !ladder.empty())
    set_sound(ladder, {});
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

// -- answers to clients, and entries in the log --------------------------------

void session_state::failed_over(const std::string& profile, core::failover_reason why, std::chrono::milliseconds gap,
                                uint64_t replayed_bytes) {
  config.failovers->failed_over(core::to_string(why), gap, replayed_bytes);
  log::warning("another task took over", {{"channel", channel_name},
                                          {"profile", profile},
                                          {"session", id},
                                          {"reason", core::to_string(why)},
                                          {"gap_ms", gap.count()},
                                          {"replayed_bytes", replayed_bytes}});
}

void session_state::quarantine(const std::string& profile, const std::string& why) {
  log::error("a rendition is quarantined", {{"channel", channel_name}, {"profile", profile}, {"reason", why}});
  config.failovers->gave_up();
  quarantined.add(profile, why, self->now());
  self->send(coordinator, quarantine_atom_v, channel_name, profile, why);
}

uint32_t session_state::clients(const std::string& profile) {
  auto i = outputs.find(profile);
  return i == outputs.end() ? 0 : i->second.shared()->clients(self->now());
}

void session_state::answer(core::ticket x, const std::string& profile) {
  if (auto i = waiting.find(x); i != waiting.end()) {
    i->second.deliver(output_of(profile).shared());
    waiting.erase(i);
  }
}

void session_state::refuse(core::ticket x, ec code, const std::string& why) {
  if (auto i = waiting.find(x); i != waiting.end()) {
    i->second.deliver(caf::make_error(code, why));
    waiting.erase(i);
  }
}

} // namespace troupe
