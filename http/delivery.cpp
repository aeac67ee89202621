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

/// The format that a file belongs to for certain: segments belong to both.
std::optional<delivery_format> format_of(std::string_view file) {
  if (file == hls_entry || file.ends_with(".m3u8"))
    return delivery_format::hls;
  if (file == dash_entry)
    return delivery_format::dash;
  return std::nullopt;
}

/// The part of its body that the client asked for.
void cut(reply& x, const std::string& range) {
  uint64_t size = 0;
  for (auto& bytes : x.media)
    size += bytes.size();
  auto wanted = read_range(range, size);
  x.fields.emplace_back("Accept-Ranges", "bytes");
  if (wanted.kind == range_kind::whole)
    return;
  if (wanted.kind == range_kind::unsatisfiable) {
    x = {status::range_not_satisfiable, {}, {}};
    x.fields.emplace_back("Content-Range", "bytes */" + std::to_string(size));
    return;
  }
  x.code = status::partial_content;
  x.part = wanted.part;
  x.fields.emplace_back("Content-Range", "bytes " + std::to_string(wanted.part.first) + "-"
                                           + std::to_string(wanted.part.first + wanted.part.size - 1) + "/"
                                           + std::to_string(size));
}

tl::expected<delivery_request, std::string> read_request(const request& of, const std::string& file) {
  delivery_request result;
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
      }
      return {};
    });
  if (!done)
    return tl::unexpected{std::move(done.error())};
  return result;
}

} // namespace

void allow_all_origins(reply& x) {
  x.fields.emplace_back("Access-Control-Allow-Origin", "*");
  x.fields.emplace_back("Access-Control-Expose-Headers", "Date, Content-Length, Content-Range");
}

reply preflight() {
  reply result{status::no_content, {}, {}};
  allow_all_origins(result);
  result.fields.emplace_back("Access-Control-Allow-Methods", "GET, HEAD, OPTIONS");
  result.fields.emplace_back("Access-Control-Allow-Headers", "*");
  result.fields.emplace_back("Access-Control-Max-Age", "86400");
  result.fields.emplace_back("Allow", "GET, HEAD, OPTIONS");
  return result;
}

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

/// A request until it is answered. Who waits for the answer owns it; all that it waits for only knows of it. Everything
/// happens on the thread of its loop.
struct delivery::pending {
  pending(loop& in, const request& of, delivery_target target, reply_handler done)
    : mail(in.mail()), of(of), target(std::move(target)), done(std::move(done)), timer(in.context()) {}

  bool is_entry() const {
    return target.profile.empty();
  }

  void answer(reply x) {
    timer.cancel();
    place.reset();
    x.viewer = viewer;
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
  rendition_ptr from;
  viewer_ptr viewer;           ///< null until it is known
  std::shared_ptr<void> place; ///< among those that wait for the rendition
  bool waits = false;          ///< the timer runs
  bool again = false;          ///< the rendition that was known had ended: another one was asked for
};

delivery::delivery(caf::actor_system& system, gateway_actor gateway, std::chrono::milliseconds watch_timeout,
                   std::shared_ptr<viewer_list> viewers)
  : system_(system), gateway_(std::move(gateway)), watch_timeout_(watch_timeout), viewers_(std::move(viewers)) {}

std::shared_ptr<void> delivery::handle(loop& in, const request& of, const delivery_target& target, reply_handler done) {
  auto x = std::make_shared<pending>(in, of, target, std::move(done));
  begin(x);
  return x;
}

void delivery::begin(const std::shared_ptr<pending>& x) {
  if (x->is_entry() && x->target.file == clock_name) {
    reply now{status::ok, "text/plain", base::iso_time(unix_ms())};
    now.fields.emplace_back("Cache-Control", "no-store");
    return x->answer(std::move(now));
  }
  auto wanted = read_request(x->of, x->is_entry() ? std::string{} : x->target.file);
  if (!wanted)
    return x->answer(problem(status::bad_request, "invalid_argument", wanted.error(), x->of.id));
  if (!x->is_entry() && x->target.profile != x->target.name)
    return x->answer(problem(ec::unknown_profile, "this address names no rendition", x->of.id));
  x->wanted = std::move(*wanted);
  if (auto rendition = known(x->target.channel, x->target.name))
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
  ask<rendition_ptr>(
    system_, gateway_, watch_timeout_,
    [me = shared_from_this(), weak = std::weak_ptr{x}, mail = x->mail](caf::expected<rendition_ptr> answer) {
      mail->post([me, weak, answer = std::make_shared<caf::expected<rendition_ptr>>(std::move(answer))] {
        auto asked = weak.lock();
        if (!asked)
          return;
        if (!*answer)
          return asked->answer(for_viewers(answer->error(), asked->of.id));
        if (**answer == nullptr)
          return asked->answer(problem(ec::stopping, {}, asked->of.id));
        {
          std::lock_guard guard{me->mutex_};
          me->running_[{asked->target.channel, asked->target.name}] = **answer;
        }
        me->found(asked, **answer);
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
    seen(*x, x->target.viewer);
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
  result.media = std::move(got.body);
  if (!format_of(x->target.file) && x->of.method == verb::get)
    cut(result, x->of.range);
  x->answer(std::move(result));
}

/// The viewer with this key is here.
void delivery::seen(pending& x, const std::string& key) {
  auto& client = x.of.place ? *x.of.place : x.of.address;
  auto now = clock::now();
  auto [who, listed] = viewers_->seen({key, x.target.channel, x.target.name, x.of.address, client},
                                      format_of(x.target.file), x.from->times().absence(), now);
  x.viewer = std::move(who);
  x.from->seen(listed ? key : std::string{}, now);
}

void delivery::wait(const std::shared_ptr<pending>& x) {
  if (!std::exchange(x->waits, true)) {
    // RFC 8216bis, 6.2.5.2: a request that waits for more than three target durations gets a 503.
    auto longest = std::chrono::milliseconds{3 * x->from->times().target() / (ticks_per_second / 1000)};
    x->timer.expires_after(std::min(longest, watch_timeout_));
    x->timer.async_wait([weak = std::weak_ptr{x}](const boost::system::error_code& failure) {
      auto late = weak.lock();
      if (!late || failure)
        return;
      auto refusal =
        problem(status::service_unavailable, "timeout", "nothing new came in time; try again", late->of.id);
      refusal.fields.emplace_back("Retry-After", "1");
      late->answer(std::move(refusal));
    });
  }
  auto wake = [me = weak_from_this(), weak = std::weak_ptr{x}, mail = x->mail] {
    mail->post([me, weak] {
      auto self = me.lock();
      if (auto woken = weak.lock(); self && woken)
        self->look(woken);
    });
  };
  x->place = x->from->notify(x->wanted, std::move(wake));
  if (!x->place)
    x->answer(problem(ec::limit, "too many requests wait; try again", x->of.id));
}

reply delivery::entry(pending& x) {
  auto key = x.target.viewer.empty() ? new_key() : x.target.viewer;
  auto summary = x.from->summary(key + "/" + encode_segment(x.target.name));
  if (!summary)
    return problem(ec::source_failed, "the channel has ended", x.of.id);
  if (x.of.method != verb::head) // which gives nobody the key
    seen(x, key);
  reply result;
  if (x.target.file == dash_entry) {
    result.content_type = "application/dash+xml";
    result.body = dash_manifest(*x.from, *summary, {key + std::string{dash_suffix}, std::string{clock_name}});
  } else {
    result.content_type = "application/vnd.apple.mpegurl";
    result.body = multivariant_playlist({&*summary, 1}, x.from->times());
  }
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
