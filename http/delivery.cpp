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

#include <algorithm>
#include <array>
#include <cstdio>
#include <iterator>

#include <boost/asio/steady_timer.hpp>

namespace troupe::http {

namespace {

constexpr std::string_view hls_entry = "index.m3u8";
constexpr std::string_view dash_entry = "manifest.mpd";

constexpr std::string_view dash_suffix = ".mpd";

/// The server's clock, for players of DASH.
constexpr std::string_view clock_name = "time";

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

/// A request until it is answered. Everything happens on the thread of its loop.
struct delivery::pending {
  pending(loop& in, const request& of, delivery_target target, reply_handler done)
    : mail(in.mail()), of(of), target(std::move(target)), done(std::move(done)), timer(in.context()) {}

  bool is_entry() const {
    return target.profile.empty();
  }

  void answer(reply x) {
    timer.cancel();
    if (auto call = std::exchange(done, nullptr)) {
      allow_all_origins(x);
      call(std::move(x));
    }
  }

  std::shared_ptr<inbox> mail;
  request of;
  delivery_target target;
  reply_handler done;
  boost::asio::steady_timer timer;
  delivery_request wanted;
  bool transport = false; ///< HLS in MPEG-TS
  rendition_ptr from;
  bool waits = false; ///< the timer runs
  bool again = false; ///< the rendition that was known had ended: another one was asked for
};

delivery::delivery(caf::actor_system& system, gateway_actor gateway, std::chrono::milliseconds watch_timeout)
  : system_(system), gateway_(std::move(gateway)), watch_timeout_(watch_timeout) {}

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
  if (!x->is_entry() && target.profile != target.name)
    return x->answer(problem(ec::unknown_profile, "this address names no rendition", of.id));
  x->wanted = std::move(wanted->wanted);
  x->wanted.growing = of.takes_chunks && of.method == verb::get;
  x->transport = wanted->transport && x->is_entry() && target.file == hls_entry;
  if (x->transport)
    x->wanted.file = playlist_name(transport_name);
  if (auto rendition = known(target.channel, target.name))
    return found(x, std::move(rendition));
  watch(x);
}

rendition_ptr delivery::known(const std::string& channel, const std::string& profile) {
  std::lock_guard guard{mutex_};
  auto i = running_.find({channel, profile});
  if (i == running_.end())
    return nullptr;
  auto result = i->second.lock();
  if (result && !result->ended())
    return result;
  running_.erase(i);
  return nullptr;
}

/// Asks for the rendition; it is started if it does not run.
void delivery::watch(const std::shared_ptr<pending>& x) {
  auto mail = x->mail;
  ask<rendition_ptr>(
    system_, gateway_, watch_timeout_,
    [me = shared_from_this(), x, mail](caf::expected<rendition_ptr> answer) {
      mail->post([me, x, answer = std::make_shared<caf::expected<rendition_ptr>>(std::move(answer))] {
        if (!*answer)
          return x->answer(for_viewers(answer->error(), x->of.id));
        if (**answer == nullptr)
          return x->answer(problem(ec::stopping, {}, x->of.id));
        {
          std::lock_guard guard{me->mutex_};
          me->running_[{x->target.channel, x->target.name}] = **answer;
        }
        me->found(x, **answer);
      });
    },
    watch_atom_v, x->target.channel, x->target.name);
}

void delivery::found(const std::shared_ptr<pending>& x, rendition_ptr rendition) {
  x->from = std::move(rendition);
  look(x);
}

void delivery::look(const std::shared_ptr<pending>& x) {
  if (!x->done)
    return;
  if (!x->target.viewer.empty())
    x->from->seen(x->target.viewer, clock::now());
  using outcome = delivery_reply::outcome;
  auto got = x->from->get(x->wanted);
  switch (got.what) {
  case outcome::wait:
    return wait(x);
  case outcome::bad_request:
    return x->answer(problem(status::bad_request, "invalid_argument", got.why, x->of.id));
  case outcome::not_found:
    return x->answer(problem(status::not_found, "not_found", "there is no such file, or no longer", x->of.id));
  case outcome::ended:
    if (std::exchange(x->again, true))
      return x->answer(problem(ec::source_failed, "the channel has ended", x->of.id));
    return watch(x);
  case outcome::found:
    break;
  }
  if (x->is_entry())
    return x->answer(entry(*x));
  reply result;
  result.content_type = std::move(got.content_type);
  result.fields.emplace_back("Cache-Control", "max-age=" + std::to_string(got.fresh.count()));
  if (got.gzip)
    result.fields.emplace_back("Content-Encoding", "gzip");
  result.fields.emplace_back("Vary", "Accept-Encoding");
  if (got.open) {
    x->wanted.from = got.body.size();
    result.rest = std::make_shared<growing_segment>(x->from, x->wanted);
  }
  result.media = std::move(got.body);
  x->answer(std::move(result));
}

void delivery::wait(const std::shared_ptr<pending>& x) {
  if (!std::exchange(x->waits, true)) {
    // RFC 8216bis, 6.2.5.2: a request that waits for more than three target durations gets a 503.
    x->timer.expires_after(std::chrono::milliseconds{3 * x->from->times().target() / (ticks_per_second / 1000)});
    x->timer.async_wait([x](const boost::system::error_code& failure) {
      if (!failure)
        x->answer(problem(status::service_unavailable, "timeout", "nothing new came in time; try again", x->of.id));
    });
  }
  auto wake = [weak = weak_from_this(), x] {
    x->mail->post([weak, x] {
      if (auto me = weak.lock())
        me->look(x);
    });
  };
  if (!x->from->notify(x->wanted, std::move(wake)))
    x->answer(problem(ec::limit, "too many requests wait; try again", x->of.id));
}

/// The text of a playlist or manifest for this viewer; empty if the rendition has ended.
std::optional<std::string> delivery::entry_text(const pending& x, const std::string& key) const {
  auto folder = key + "/" + encode_segment(x.target.name);
  if (x.transport) {
    auto summary = x.from->transport(std::move(folder));
    return summary ? std::optional{transport_multivariant_playlist(*summary)} : std::nullopt;
  }
  auto summary = x.from->summary(std::move(folder));
  if (!summary)
    return std::nullopt;
  if (x.target.file == dash_entry)
    return dash_manifest(*x.from, *summary, clock_name);
  return multivariant_playlist({&*summary, 1}, x.from->times());
}

reply delivery::entry(const pending& x) const {
  auto key = x.target.viewer.empty() ? new_key() : x.target.viewer;
  // A player updates its manifest at the address that gave it: that address is the viewer's own. `Location` in the
  // manifest would have to be absolute for some players, and a server behind a proxy does not know its address.
  if (x.target.file == dash_entry && x.target.viewer.empty())
    return redirect(key + std::string{dash_suffix}, x.of);
  auto text = entry_text(x, key);
  if (!text)
    return problem(ec::source_failed, "the channel has ended", x.of.id);
  x.from->seen(key, clock::now());
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
