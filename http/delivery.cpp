#include "http/delivery.hpp"

#include "base/iso_time.hpp"
#include "http/ask.hpp"
#include "http/growing_segment.hpp"
#include "http/problem.hpp"
#include "http/target.hpp"
#include "messages/unix_time.hpp"
#include "packaging/compress.hpp"
#include "packaging/dash_manifest.hpp"
#include "packaging/text.hpp"

#include <algorithm>

#include <boost/asio/steady_timer.hpp>

namespace troupe::http {

namespace {

/// How long those renditions of a ladder that can be played wait for the others before an entry is answered.
constexpr auto late_renditions = std::chrono::milliseconds{4'000};

/// How often a rendition is started again for viewers of the others.
constexpr auto restart_pause = std::chrono::seconds{5};
constexpr auto forgotten = std::chrono::minutes{1};

} // namespace

/// A rendition that a request needs.
struct delivery::part {
  std::string folder; ///< of its files
  std::string name;   ///< as the session calls it
  bool sound = false; ///< of a ladder
  rendition_ptr is = nullptr;
  std::optional<caf::error> failed = {};
  std::shared_ptr<void> place = {}; ///< among those that wait for the rendition
  bool again = false;               ///< the rendition that was known had ended: another one was asked for

  /// It may do better if the viewer asks again.
  bool failed_for_now() const {
    return failed && *failed != ec::encode_failed && *failed != ec::source_failed && *failed != ec::invalid_argument;
  }
};

/// A request until it is answered. Who waits for the answer owns it; all that it waits for only knows of it. Everything
/// happens on the thread of its loop.
struct delivery::pending {
  pending(loop& in, const request& of, delivery_target target, reply_handler done)
    : mail(in.mail()), of(of), target(std::move(target)), done(std::move(done)), timer(in.context()) {}

  bool is_entry() const {
    return target.profile.empty();
  }

  /// Of a manifest that the viewer has.
  bool is_update() const {
    return is_entry() && !target.viewer.empty();
  }

  viewer_identity identity(const std::string& key) const {
    return {key, target.channel, target.name, of.address, core::client_name(of.from)};
  }

  void answer(reply x) {
    timer.cancel();
    for (auto& p : parts)
      p.place.reset();
    x.viewer = viewer;
    if (auto call = std::exchange(done, nullptr)) {
      allow_all_origins(x);
      call(std::move(x));
    }
  }

  /// Calls once, unless another time is set before.
  template <class Call>
  void after(std::chrono::milliseconds time, Call call) {
    timer.expires_after(time);
    timer.async_wait([call = std::move(call)](const boost::system::error_code& failure) {
      if (!failure)
        call();
    });
  }

  std::shared_ptr<inbox> mail;
  request of;
  delivery_target target;
  reply_handler done;
  boost::asio::steady_timer timer;
  delivery_request wanted;
  bool transport = false;  ///< HLS in MPEG-TS
  std::vector<part> all;   ///< renditions that belong together
  std::vector<part> parts; ///< of these, for the entry all, else the one that has the file
  viewer_ptr viewer;       ///< null until it is known
  bool waits = false;      ///< the time is limited
  bool hurries = false;    ///< what can be played is enough, a moment from now
  bool enough = false;     ///< what can be played is enough
};

delivery::delivery(caf::actor_system& system, gateway_actor gateway, std::chrono::milliseconds watch_timeout,
                   ladder_map ladders, std::shared_ptr<viewer_list> viewers)
  : system_(system),
    gateway_(std::move(gateway)),
    watch_timeout_(watch_timeout),
    ladders_(std::move(ladders)),
    viewers_(std::move(viewers)) {}

std::vector<delivery::part> delivery::parts_of(const delivery_target& target) const {
  auto ladder = ladders_.find(target.name);
  if (ladder == ladders_.end())
    return {{target.name, target.name}};
  std::vector<part> result;
  for (auto& x : ladder->second)
    result.push_back({x.folder, x.name, x.sound});
  return result;
}

std::shared_ptr<void> delivery::handle(loop& in, const request& of, const delivery_target& target, reply_handler done) {
  auto x = std::make_shared<pending>(in, of, target, std::move(done));
  begin(x);
  return x;
}

void delivery::begin(const std::shared_ptr<pending>& x) {
  auto& of = x->of;
  auto& target = x->target;
  if (x->is_entry() && target.file == clock_name) {
    reply now{status::ok, "text/plain", base::iso_time(unix_ms())};
    now.fields.emplace_back("Cache-Control", "no-store");
    return x->answer(std::move(now));
  }
  auto wanted = read_parameters(of, x->is_entry() ? std::string{} : target.file);
  if (!wanted)
    return x->answer(problem(status::bad_request, "invalid_argument", wanted.error(), of.id));
  x->wanted = std::move(wanted->wanted);
  x->wanted.growing = of.takes_chunks && of.method == verb::get;
  x->transport = wanted->transport && x->is_entry() && target.file == hls_entry;
  if (x->transport)
    x->wanted.file = playlist_name(transport_name);
  if (!viewers_->admits(x->identity(target.viewer), clock::now()))
    return x->answer(too_many_clients(of.id));
  x->all = parts_of(target);
  find(target.channel, x->all);
  x->parts = x->all;
  if (!x->is_entry())
    std::erase_if(x->parts, [&](const part& p) { return p.folder != target.profile; });
  if (x->parts.empty())
    return x->answer(problem(ec::unknown_profile, "this address names no rendition", of.id));
  if (!target.viewer.empty() && is_ladder(target.name))
    keep_running(*x);
  // An update does not wait for pictures that are late, but for sound.
  auto shows = [](const part& p) { return p.is != nullptr && !p.sound; };
  if (x->is_update() && std::ranges::any_of(x->parts, shows))
    std::erase_if(x->parts, [](const part& p) { return p.is == nullptr && !p.sound; });
  for (auto& p : x->parts)
    if (!p.is)
      watch(x, p);
  look(x);
}

/// A viewer of one rendition of a ladder may want any other in a moment.
void delivery::keep_running(pending& of) {
  auto now = clock::now();
  auto& target = of.target;
  if (std::ranges::none_of(of.all, [](const part& p) { return p.is != nullptr; }))
    return; // it may be an address that nobody was given
  for (auto& p : of.all) {
    if (p.folder == target.profile || p.is)
      continue; // the request itself asks for the one that it names
    {
      std::lock_guard guard{mutex_};
      auto& x = running_[{target.channel, p.name}];
      if (now - x.asked < restart_pause)
        continue;
      x.asked = now;
    }
    ask<rendition_ptr>(
      system_, gateway_, watch_timeout_,
      [me = shared_from_this(), channel = target.channel, name = p.name](caf::expected<rendition_ptr> answer) {
        if (answer && *answer)
          me->remember(channel, *answer, name);
      },
      watch_atom_v, target.channel, p.name);
  }
}

void delivery::find(const std::string& channel, std::vector<part>& parts) {
  std::lock_guard guard{mutex_};
  for (auto& p : parts) {
    auto i = running_.find({channel, p.name});
    p.is = i == running_.end() ? nullptr : i->second.is.lock();
    if (p.is && p.is->ended())
      p.is = nullptr;
  }
}

void delivery::remember(const std::string& channel, const rendition_ptr& x, const std::string& name) {
  auto now = clock::now();
  std::lock_guard guard{mutex_};
  std::erase_if(running_,
                [&](auto& known) { return known.second.is.expired() && now - known.second.asked > forgotten; });
  running_[{channel, name}].is = x;
}

/// Asks for the rendition; it is started if it does not run.
void delivery::watch(const std::shared_ptr<pending>& x, part& of) {
  of.is = nullptr;
  ask<rendition_ptr>(
    system_, gateway_, watch_timeout_,
    [me = shared_from_this(), weak = std::weak_ptr{x}, &of, mail = x->mail](caf::expected<rendition_ptr> answer) {
      mail->post([me, weak, &of, answer = std::make_shared<caf::expected<rendition_ptr>>(std::move(answer))] {
        auto asked = weak.lock();
        if (!asked)
          return;
        if (!*answer || **answer == nullptr) {
          of.failed = *answer ? caf::make_error(ec::stopping) : answer->error();
        } else {
          of.is = **answer;
          me->remember(asked->target.channel, of.is, of.name);
        }
        me->look(asked);
      });
    },
    watch_atom_v, x->target.channel, of.name);
}

/// The viewer with this key is here. It keeps all renditions of its ladder running.
bool delivery::seen(pending& x, const std::string& key) {
  auto running = std::ranges::find_if(x.parts, [](const part& p) { return p.is != nullptr; });
  if (running == x.parts.end())
    return true;
  auto now = clock::now();
  x.viewer = viewers_->seen(x.identity(key), format_of(x.target.file), running->is->times().absence(), now);
  if (!x.viewer)
    return false;
  if (std::ranges::any_of(x.all, [](const part& p) { return p.is == nullptr; }))
    find(x.target.channel, x.all); // some may have begun meanwhile
  for (auto& p : x.all)
    if (p.is)
      p.is->seen(key, now);
  return true;
}

void delivery::look(const std::shared_ptr<pending>& x) {
  if (x->done)
    x->is_entry() ? look_at_entry(x) : look_at_file(x);
}

void delivery::look_at_file(const std::shared_ptr<pending>& x) {
  using outcome = delivery_reply::outcome;
  auto& from = x->parts.front();
  if (from.failed)
    return x->answer(for_viewers(*from.failed, x->of.id));
  if (!from.is)
    return;
  if (!seen(*x, x->target.viewer))
    return x->answer(too_many_clients(x->of.id));
  auto got = from.is->get(x->wanted);
  switch (got.what) {
  case outcome::wait:
    return wait(x, from);
  case outcome::bad_request:
    return x->answer(problem(status::bad_request, "invalid_argument", got.why, x->of.id));
  case outcome::not_found:
    return x->answer(problem(status::not_found, "not_found", "there is no such file, or no longer", x->of.id));
  case outcome::ended:
    if (std::exchange(from.again, true))
      return x->answer(problem(ec::source_failed, "the channel has ended", x->of.id));
    return watch(x, from);
  case outcome::found:
    break;
  }
  reply result;
  result.content_type = std::move(got.content_type);
  result.fields.emplace_back("Cache-Control", "max-age=" + std::to_string(got.fresh.count()));
  if (got.gzip)
    result.fields.emplace_back("Content-Encoding", "gzip");
  result.fields.emplace_back("Vary", "Accept-Encoding");
  if (got.open) {
    x->wanted.from = got.body.size();
    result.rest = std::make_shared<growing_segment>(from.is, x->wanted);
  }
  result.media = std::move(got.body);
  if (!format_of(x->target.file) && !result.rest && x->of.method == verb::get)
    cut_to_range(result, x->of.range);
  x->answer(std::move(result));
}

/// Answers when all renditions can be played or have failed, or when those that can be played have waited for the
/// others. What fails for good is left out; if sound fails for now, the viewer asks again.
void delivery::look_at_entry(const std::shared_ptr<pending>& x) {
  using outcome = delivery_reply::outcome;
  auto opening = false;
  auto pictures = false;
  auto heard = true;
  const part* failed = nullptr;
  for (auto& p : x->parts) {
    auto what = p.failed ? outcome::ended : p.is ? p.is->get(x->wanted).what : outcome::wait;
    if (what == outcome::ended && !p.failed && !std::exchange(p.again, true)) {
      watch(x, p);
      what = outcome::wait;
    } else if (what == outcome::ended && !p.failed) {
      p.failed = caf::make_error(ec::source_failed, "the channel has ended");
    }
    if (what == outcome::wait && p.is)
      wait(x, p);
    if (!x->done)
      return;
    opening = opening || what == outcome::wait;
    pictures = pictures || (what == outcome::found && !p.sound);
    heard = heard && (!p.sound || what != outcome::wait);
    if (p.failed && (!failed || (p.failed_for_now() && (p.sound || !failed->failed_for_now()))))
      failed = &p;
  }
  auto lacks = failed != nullptr && (!pictures || failed->sound) && failed->failed_for_now();
  auto none = std::ranges::all_of(x->parts, [](const part& p) { return p.failed.has_value(); });
  if (!opening || x->enough || (x->is_update() && pictures && heard))
    return x->answer(lacks || none ? for_viewers(*failed->failed, x->of.id) : entry(*x));
  if (!pictures || !heard || std::exchange(x->hurries, true))
    return;
  x->after(late_renditions, [me = weak_from_this(), weak = std::weak_ptr{x}] {
    auto self = me.lock();
    if (auto late = weak.lock(); self && late) {
      late->enough = true;
      self->look(late);
    }
  });
}

void delivery::wait(const std::shared_ptr<pending>& x, part& of) {
  auto all_answered = std::ranges::all_of(x->parts, [](const part& p) { return p.is || p.failed; });
  if (all_answered && !x->hurries && !std::exchange(x->waits, true)) {
    // RFC 8216bis, 6.2.5.2: a request that waits for more than three target durations gets a 503.
    auto longest = std::chrono::milliseconds{3 * of.is->times().target() / (ticks_per_second / 1000)};
    x->after(std::min(longest, watch_timeout_), [weak = std::weak_ptr{x}] {
      auto late = weak.lock();
      if (!late)
        return;
      auto refusal =
        problem(status::service_unavailable, "timeout", "nothing new came in time; try again", late->of.id);
      refusal.fields.emplace_back("Retry-After", "1");
      late->answer(std::move(refusal));
    });
  }
  if (of.place)
    return;
  auto wake = [me = weak_from_this(), weak = std::weak_ptr{x}, &of, mail = x->mail] {
    mail->post([me, weak, &of] {
      auto self = me.lock();
      if (auto woken = weak.lock(); self && woken) {
        of.place.reset();
        self->look(woken);
      }
    });
  };
  of.place = of.is->notify(x->wanted, std::move(wake));
  if (!of.place)
    x->answer(problem(ec::limit, "too many requests wait; try again", x->of.id));
}

/// The text of a playlist or manifest for this viewer; empty if no rendition can be played.
std::optional<std::string> delivery::entry_text(const pending& x, const std::string& key) const {
  auto folder = [&](const part& p) { return joined(key, "/", encode_segment(p.folder)); };
  if (x.transport) {
    std::vector<transport_summary> playable;
    std::vector<track_summary> sound;
    for (auto& p : x.parts)
      if (auto summary = p.is ? p.is->transport(folder(p)) : std::nullopt; summary && p.sound)
        sound = std::move(summary->tracks);
      else if (summary)
        playable.push_back(std::move(*summary));
    for (auto& r : playable) // it is in the stream of each
      r.tracks.insert(r.tracks.end(), sound.begin(), sound.end());
    return playable.empty() ? std::nullopt : std::optional{transport_multivariant_playlist(playable)};
  }
  std::vector<manifest_rendition> playable;
  for (auto& p : x.parts)
    if (p.is)
      if (auto summary = p.is->summary(folder(p)))
        playable.push_back({p.is, std::move(*summary)});
  if (playable.empty())
    return std::nullopt;
  if (x.target.file == dash_entry)
    return dash_manifest(playable, clock_name);
  std::vector<rendition_summary> summaries;
  for (auto& r : playable)
    summaries.push_back(std::move(r.summary));
  return multivariant_playlist(summaries, playable.front().of->times());
}

reply delivery::entry(pending& x) {
  auto key = x.target.viewer.empty() ? new_viewer_key() : x.target.viewer;
  // A player updates its manifest at the address that gave it: that address is the viewer's own. `Location` in the
  // manifest would have to be absolute for some players, and a server behind a proxy does not know its address.
  if (x.target.file == dash_entry && x.target.viewer.empty())
    return redirect(key + std::string{dash_suffix}, x.of);
  if (x.of.method != verb::head && !seen(x, key)) // HEAD gives nobody the key
    return too_many_clients(x.of.id);
  auto text = entry_text(x, key);
  if (!text)
    return problem(ec::source_failed, "the channel has ended", x.of.id);
  reply result;
  result.content_type = x.target.file == dash_entry ? "application/dash+xml" : "application/vnd.apple.mpegurl";
  result.body = std::move(*text);
  if (x.of.takes_gzip) {
    auto bytes = compressed(result.body);
    result.body.assign(reinterpret_cast<const char*>(bytes.span().data()), bytes.size());
    result.fields.emplace_back("Content-Encoding", "gzip");
  }
  // It is this viewer's own: the key is in it.
  result.fields.emplace_back("Cache-Control", "no-store");
  result.fields.emplace_back("Vary", "Accept-Encoding");
  return result;
}

} // namespace troupe::http
