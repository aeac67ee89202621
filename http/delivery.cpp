#include "http/delivery.hpp"

#include "base/iso_time.hpp"
#include "base/random_id.hpp"
#include "http/ask.hpp"
#include "http/problem.hpp"
#include "http/query.hpp"
#include "http/target.hpp"
#include "messages/unix_time.hpp"
#include "packaging/compress.hpp"
#include "packaging/dash_manifest.hpp"
#include "packaging/text.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <functional>
#include <iterator>

#include <boost/asio/steady_timer.hpp>

namespace troupe::http {

namespace {

constexpr std::string_view hls_entry = "index.m3u8";
constexpr std::string_view dash_entry = "manifest.mpd";

constexpr std::string_view dash_suffix = ".mpd";

/// The server's clock, for players of DASH.
constexpr std::string_view clock_name = "time";

/// The folder of a ladder's sound.
constexpr std::string_view sound_name = "sound";

/// How long those renditions of a ladder that can be played wait for the others before an entry is answered.
constexpr auto late_renditions = std::chrono::milliseconds{4'000};

/// How often a rendition is started again for viewers of the others.
constexpr auto restart_pause = std::chrono::seconds{5};
constexpr auto forgotten = std::chrono::minutes{1};

/// A viewer's key: nobody can guess it, and a player that returns after a restart may bring an old one.
constexpr size_t key_max = 32;

bool is_key(std::string_view x) {
  return !x.empty() && x.size() <= key_max
         && std::ranges::all_of(x, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

std::string new_key() {
  std::array<char, 17> text{};
  std::snprintf(text.data(), text.size(), "%016llx", static_cast<unsigned long long>(base::random_id()));
  return text.data();
}

/// Every answer may be read by pages of all sites: players are embedded anywhere, and no answer holds a secret.
void allow_all_origins(reply& x) {
  x.fields.emplace_back("Access-Control-Allow-Origin", "*");
  x.fields.emplace_back("Access-Control-Expose-Headers", "Date, Content-Length");
}

/// The containers of HLS: MP4 is for all players of this decade, MPEG-TS for the older ones.
constexpr std::string_view in_mp4 = "mp4";
constexpr std::string_view in_transport = "ts";

struct parameters {
  delivery_request wanted;
  bool transport = false;
};

tl::expected<parameters, std::string> read_request(const request& of, const std::string& file) {
  parameters all;
  auto& result = all.wanted;
  result.file = file;
  result.gzip = of.takes_gzip;
  auto done =
    read_query(of.query, [&](const std::string& key, const std::string& value) -> tl::expected<void, std::string> {
      if (key == "_HLS_msn" || key == "_HLS_part") {
        auto number = to_number<int64_t>(value);
        if (!number || *number < 0)
          return tl::unexpected{key + " must be a whole number"};
        (key == "_HLS_msn" ? result.msn : result.part) = *number;
      } else if (key == "_HLS_skip") {
        result.skip = value == "YES" || value == "v2";
      } else if (key == "container") {
        if (value != in_mp4 && value != in_transport)
          return tl::unexpected{std::string{"container is mp4 or ts"}};
        all.transport = value == in_transport;
      }
      return {};
    });
  if (!done)
    return tl::unexpected{std::move(done.error())};
  return all;
}

/// To another name in the same folder.
reply redirect(std::string name, const request& of) {
  reply result{status::found, {}, {}};
  if (!of.query.empty())
    name += "?" + of.query;
  result.fields.emplace_back("Location", std::move(name));
  return result;
}

/// The rest of a segment that is being made.
class growing_segment final : public media_source {
public:
  growing_segment(rendition_ptr of, delivery_request wanted) : of_(std::move(of)), wanted_(std::move(wanted)) {}

  outcome read(std::vector<shared_bytes>& to) override {
    auto got = of_->get(wanted_);
    if (got.what == delivery_reply::outcome::wait)
      return outcome::wait;
    if (got.what != delivery_reply::outcome::found)
      return outcome::lost;
    wanted_.from += got.body.size();
    to.insert(to.end(), std::make_move_iterator(got.body.begin()), std::make_move_iterator(got.body.end()));
    return got.open ? outcome::more : outcome::last;
  }

  bool notify(std::function<void()> wake) override {
    return of_->notify(wanted_, std::move(wake));
  }

private:
  rendition_ptr of_;
  delivery_request wanted_;
};

} // namespace

std::optional<delivery_target> delivery_target::of(const std::vector<std::string>& path) {
  if (path.size() < 4 || path[0] != "live" || path[1].empty() || path[2].empty())
    return std::nullopt;
  if (path.size() == 4 && (path[3] == hls_entry || path[3] == dash_entry || path[3] == clock_name))
    return delivery_target{path[1], path[2], {}, {}, path[3]};
  if (path.size() == 6 && is_key(path[3]) && !path[4].empty() && !path[5].empty())
    return delivery_target{path[1], path[2], path[3], path[4], path[5]};
  // A player's updates of its manifest. They are in the folder of the entry: players disagree about what names in a
  // manifest are relative to, its first address or that of its updates.
  if (path.size() == 4 && path[3].ends_with(dash_suffix)) {
    auto key = path[3].substr(0, path[3].size() - dash_suffix.size());
    if (is_key(key))
      return delivery_target{path[1], path[2], key, {}, std::string{dash_entry}};
  }
  return std::nullopt;
}

/// A rendition that a request needs.
struct delivery::part {
  std::string folder; ///< of its files
  std::string name;   ///< as the session calls it
  bool sound = false; ///< of a ladder
  rendition_ptr is = nullptr;
  std::optional<caf::error> failed = {};
  bool waits = false; ///< the rendition calls when there is more
  bool again = false; ///< the rendition that was known had ended: another one was asked for

  /// It may do better if the viewer asks again.
  bool failed_for_now() const {
    return failed && *failed != ec::encode_failed && *failed != ec::source_failed && *failed != ec::invalid_argument;
  }
};

/// A request until it is answered. Everything happens on the thread of its loop.
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

  void answer(reply x) {
    timer.cancel();
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
  std::vector<part> parts; ///< for the entry all renditions, else the one that has the file
  bool waits = false;      ///< the time is limited
  bool hurries = false;    ///< what can be played is enough, a moment from now
  bool enough = false;     ///< what can be played is enough
};

delivery::delivery(caf::actor_system& system, gateway_actor gateway, std::chrono::milliseconds watch_timeout,
                   ladder_map ladders)
  : system_(system), gateway_(std::move(gateway)), watch_timeout_(watch_timeout), ladders_(std::move(ladders)) {}

std::vector<delivery::part> delivery::parts_of(const delivery_target& target) const {
  auto ladder = ladders_.find(target.name);
  if (ladder == ladders_.end())
    return {{target.name, target.name}};
  std::vector<part> result;
  for (auto& x : ladder->second)
    result.push_back({x, joined(ladder->first, "/", x), x == sound_name});
  return result;
}

void delivery::handle(loop& in, const request& of, const delivery_target& target, reply_handler done) {
  auto x = std::make_shared<pending>(in, of, target, std::move(done));
  if (x->is_entry() && target.file == clock_name) {
    reply now{status::ok, "text/plain", base::iso_time(unix_ms())};
    now.fields.emplace_back("Cache-Control", "no-store");
    return x->answer(std::move(now));
  }
  auto wanted = read_request(of, x->is_entry() ? std::string{} : target.file);
  if (!wanted)
    return x->answer(problem(status::bad_request, "invalid_argument", wanted.error(), of.id));
  x->wanted = std::move(wanted->wanted);
  x->wanted.growing = of.takes_chunks && of.method == verb::get;
  x->transport = wanted->transport && x->is_entry() && target.file == hls_entry;
  if (x->transport)
    x->wanted.file = playlist_name(transport_name);
  x->parts = parts_of(target);
  if (x->transport && x->parts.size() > 1)
    return x->answer(problem(status::bad_request, "invalid_argument",
                             "a ladder is not there in MPEG-TS: ask for one of its profiles", of.id));
  if (!x->is_entry())
    std::erase_if(x->parts, [&](const part& p) { return p.folder != target.profile; });
  if (x->parts.empty())
    return x->answer(problem(ec::unknown_profile, "this address names no rendition", of.id));
  if (!target.viewer.empty())
    keep_running(target);
  for (auto& p : x->parts)
    p.is = known(target.channel, p.name);
  auto runs = [](const part& p) { return p.is != nullptr; };
  if (x->is_update() && std::ranges::any_of(x->parts, runs))
    std::erase_if(x->parts, std::not_fn(runs));
  for (auto& p : x->parts)
    if (!p.is)
      watch(x, p);
  look(x);
}

/// A viewer of one rendition of a ladder may want any other in a moment.
void delivery::keep_running(const delivery_target& target) {
  auto now = clock::now();
  for (auto& p : parts_of(target)) {
    if (auto is = known(target.channel, p.name)) {
      is->seen(target.viewer, now);
      continue;
    }
    if (p.folder == target.profile)
      continue; // the request itself asks for it
    {
      std::lock_guard guard{mutex_};
      auto& x = running_[{target.channel, p.name}];
      if (now - x.asked < restart_pause)
        continue;
      x.asked = now;
    }
    ask<rendition_ptr>(
      system_, gateway_, watch_timeout_,
      [me = shared_from_this(), channel = target.channel, p](caf::expected<rendition_ptr> answer) {
        if (answer && *answer)
          me->remember(channel, *answer, p.name);
      },
      watch_atom_v, target.channel, p.name);
  }
}

rendition_ptr delivery::known(const std::string& channel, const std::string& name) {
  std::lock_guard guard{mutex_};
  auto i = running_.find({channel, name});
  if (i == running_.end())
    return nullptr;
  auto result = i->second.is.lock();
  return result && !result->ended() ? result : nullptr;
}

void delivery::remember(const std::string& channel, const rendition_ptr& x, const std::string& name) {
  auto now = clock::now();
  std::lock_guard guard{mutex_};
  std::erase_if(running_, [&](auto& known) { return known.second.is.expired() && now - known.second.asked > forgotten; });
  running_[{channel, name}].is = x;
}

/// Asks for the rendition; it is started if it does not run.
void delivery::watch(const std::shared_ptr<pending>& x, part& of) {
  auto mail = x->mail;
  of.is = nullptr;
  ask<rendition_ptr>(
    system_, gateway_, watch_timeout_,
    [me = shared_from_this(), x, &of, mail](caf::expected<rendition_ptr> answer) {
      mail->post([me, x, &of, answer = std::make_shared<caf::expected<rendition_ptr>>(std::move(answer))] {
        if (!*answer || **answer == nullptr) {
          of.failed = *answer ? caf::make_error(ec::stopping) : answer->error();
        } else {
          of.is = **answer;
          me->remember(x->target.channel, of.is, of.name);
        }
        me->look(x);
      });
    },
    watch_atom_v, x->target.channel, of.name);
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
  from.is->seen(x->target.viewer, clock::now());
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
  x->after(late_renditions, [me = shared_from_this(), x] {
    x->enough = true;
    me->look(x);
  });
}

void delivery::wait(const std::shared_ptr<pending>& x, part& of) {
  auto all_answered = std::ranges::all_of(x->parts, [](const part& p) { return p.is || p.failed; });
  if (all_answered && !x->hurries && !std::exchange(x->waits, true))
    // RFC 8216bis, 6.2.5.2: a request that waits for more than three target durations gets a 503.
    x->after(std::chrono::milliseconds{3 * of.is->times().target() / (ticks_per_second / 1000)}, [x] {
      x->answer(problem(status::service_unavailable, "timeout", "nothing new came in time; try again", x->of.id));
    });
  if (std::exchange(of.waits, true))
    return;
  auto wake = [weak = weak_from_this(), x, &of] {
    x->mail->post([weak, x, &of] {
      of.waits = false;
      if (auto me = weak.lock())
        me->look(x);
    });
  };
  if (!of.is->notify(x->wanted, std::move(wake)))
    x->answer(problem(ec::limit, "too many requests wait; try again", x->of.id));
}

/// The text of a playlist or manifest for this viewer; empty if no rendition can be played.
std::optional<std::string> delivery::entry_text(const pending& x, const std::string& key) const {
  auto folder = [&](const part& p) { return joined(key, "/", encode_segment(p.folder)); };
  if (x.transport) {
    auto& p = x.parts.front();
    auto summary = p.is ? p.is->transport(folder(p)) : std::nullopt;
    return summary ? std::optional{transport_multivariant_playlist(*summary)} : std::nullopt;
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

reply delivery::entry(const pending& x) const {
  auto key = x.target.viewer.empty() ? new_key() : x.target.viewer;
  for (auto& p : x.parts)
    if (p.is)
      p.is->seen(key, clock::now());
  // A player updates its manifest at the address that gave it: that address is the viewer's own. `Location` in the
  // manifest would have to be absolute for some players, and a server behind a proxy does not know its address.
  if (x.target.file == dash_entry && x.target.viewer.empty())
    return redirect(key + std::string{dash_suffix}, x.of);
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
