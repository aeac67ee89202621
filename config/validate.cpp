#include "config/validate.hpp"

#include "config/text.hpp"
#include "core/trust/join_token.hpp"
#include "messages/gpu.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace troupe::config {

namespace {

/// True if a channel may show the slate's image.
bool shows_image(const configuration& x) {
  return x.session.slate == slate_kind::image
         || std::ranges::any_of(x.channels, [](auto& c) { return c.second.slate == to_string(slate_kind::image); });
}

/// Collects problems, each with the place where its key was set.
class checker {
public:
  explicit checker(loaded& x) : config_(x.config), warnings_(x.warnings), origins_(x.origins) {}

  void cluster() {
    const auto& x = config_.cluster;
    const auto& tls = x.tls;
    // A task proves itself by its pass, so it has no certificate.
    const auto secure = config_.role == role::task ? !tls.ca.empty() : tls.enabled();
    if (!secure && !(tls.ca.empty() && tls.certificate.empty() && tls.key.empty()))
      wrong(tls.ca.empty()            ? "cluster.tls.ca"
            : tls.certificate.empty() ? "cluster.tls.certificate"
                                      : "cluster.tls.key",
            "is not set, but other keys of cluster.tls are: set all of ca, certificate and key, or none");
    // Without consent there is TLS: with certificates of the cluster's own authority.
    if (listens() && x.insecure)
      exposure("cluster.listen", x.listen, secure, x.insecure, "cluster.insecure",
               "tasks and workers talk in the clear");
    if (!x.join.empty())
      if (auto read = core::read_join_text(x.join); !read)
        wrong("cluster.join", read.error());
    if (connects()) {
      if (x.insecure)
        exposure("cluster.coordinator", x.coordinator, secure, x.insecure, "cluster.insecure",
                 "media travel in the clear");
      if (x.coordinator.port == 0)
        wrong("cluster.coordinator", "port 0 cannot be connected to: set the port on which the coordinator listens");
    }
    token();
    const auto& health = config_.workers;
    ascending("cluster.heartbeat_interval", x.heartbeat_interval, "cluster.degraded_after", health.degraded_after);
    ascending("cluster.degraded_after", health.degraded_after, "cluster.unhealthy_after", health.unhealthy_after);
    ascending("cluster.unhealthy_after", health.unhealthy_after, "cluster.gone_after", health.gone_after);
    if (x.reconnect_delay > x.reconnect_max_delay)
      wrong("cluster.reconnect_max_delay", "is shorter than cluster.reconnect_delay");
    if (health.degraded_failures > health.breaker.failures)
      wrong("cluster.unhealthy_failures", "is lower than cluster.degraded_failures");
    if (health.breaker.back_off > health.breaker.max_back_off)
      wrong("cluster.failure_max_back_off", "is shorter than cluster.failure_back_off");
  }

  void http() {
    if (!listens())
      return;
    exposure("http.listen", config_.http.listen, false, config_.http.insecure, "http.insecure",
             "keys and media would travel in the clear: set http.tls.enabled and http.tls.listen");
    other_port("http.listen", config_.http.listen, "cluster.listen", config_.cluster.listen);
    if (config_.http.proxy_protocol == "required" && config_.http.trusted_proxies.empty())
      wrong("http.proxy_protocol", "is required, but of no proxy: set http.trusted_proxies");
    const auto& tls = config_.http.tls;
    if (tls.certificate.empty() && !tls.key.empty())
      wrong("http.tls.key", "is set, but not the certificate that it belongs to: set http.tls.certificate");
    if (tls.enabled) {
      other_port("http.tls.listen", tls.listen, "cluster.listen", config_.cluster.listen);
      other_port("http.tls.listen", tls.listen, "http.listen", config_.http.listen);
    }
  }

  void live() {
    const auto& x = config_.session;
    if (x.credit_bytes > x.buffer.bytes_max)
      wrong("live.credit_bytes", "is larger than live.source_buffer_bytes");
    if (x.stall.least > x.stall.most)
      wrong("live.stall_min", "is longer than live.stall_max");
    if (config_.stream.lag_max > config_.stream.duration_max)
      wrong("live.client_lag_max", "is longer than live.variant_buffer_duration");
    if (shows_image(config_) && config_.live.slate_image.empty())
      wrong("live.slate_image", "is not set, but a slate is the image: set it to the path of a picture");
    const auto& times = config_.delivery;
    if (times.part * 2 > times.segment)
      wrong("live.part", "is longer than half of live.segment");
    if (times.window < times.segment * times.segments_min)
      wrong("live.window", "is shorter than six times live.segment");
  }

  void gpus() {
    const auto check = [this](const std::string& key, const std::string& limit) {
      if (!limit.empty() && !session_limit_from(limit))
        wrong(key, quote(limit) + " is not a session limit: allowed is none, unlimited or a number from 1");
    };
    check("worker.gpu_sessions", config_.worker.gpu_sessions);
    for (const auto& [gpu, sessions] : config_.worker.gpu_limits)
      check("worker.gpu_limits." + gpu, sessions);
    for (const auto& [gpu, sessions] : config_.coordinator.gpu_sessions)
      check("gpu.sessions." + gpu, sessions);
    const auto& gpus = config_.leases.places.gpus;
    if (gpus.back_off > gpus.max_back_off)
      wrong("gpu.max_back_off", "is shorter than gpu.back_off");
  }

  void channels() {
    limit("channels", config_.channels.size(), defaults::channels_max);
    for (const auto& [name, x] : config_.channels)
      if (x.urls.empty())
        wrong("channels." + name, "has no source: set channels." + name + ".url or .urls");
  }

  void profiles() {
    limit("profiles", config_.profiles.size(), defaults::profiles_max);
    for (const auto& [name, x] : config_.profiles) {
      const auto key = "profiles." + name;
      video(key + ".video.", x.video);
      audio(key + ".audio.", x.audio);
      limit(key + ".video.options", x.video.options.size(), defaults::encoder_options_max);
      limit(key + ".audio.options", x.audio.options.size(), defaults::encoder_options_max);
      if (x.video.codec == "none" && x.audio.codec == "none")
        wrong(key + ".audio.codec", "is none, and so is the video codec: nothing is left");
    }
  }

  void ladders() {
    limit("ladders", config_.ladders.size(), core::ladders_max);
    for (const auto& [name, x] : config_.ladders) {
      const auto key = "ladders." + name;
      if (config_.profiles.contains(name))
        wrong(key, "is a profile's name, too: both would have one address");
      for (auto at = x.profiles.begin(); at != x.profiles.end(); ++at) {
        if (std::find(x.profiles.begin(), at, *at) != at)
          wrong(key, quote(*at) + " is in it twice");
        else if (const auto found = config_.profiles.find(*at); found == config_.profiles.end())
          wrong(key, "no profile is named " + quote(*at) + meant_profile(*at));
        else
          ladder_member(key, found->second, x);
      }
    }
  }

  problems take() {
    return std::move(wrong_);
  }

private:
  bool listens() const {
    return config_.role == role::coordinator || config_.role == role::all;
  }

  bool connects() const {
    return config_.role == role::worker || config_.role == role::task;
  }

  void wrong(std::string key, std::string text) {
    wrong_.push_back({where(key), std::move(key), std::move(text)});
  }

  /// The place where `key` was set, otherwise the first key below it.
  origin where(const std::string& key) const {
    if (const auto exact = origins_.find(key); exact != origins_.end())
      return exact->second;
    const auto below = origins_.lower_bound(key + '.');
    return below != origins_.end() && below->first.starts_with(key + '.') ? below->second : origin{};
  }

  void other_port(std::string_view key, const endpoint& at, std::string_view other, const endpoint& taken) {
    if (at.port != 0 && at.port == taken.port)
      wrong(std::string{key}, "has the port of " + std::string{other} + ": choose another");
  }

  void exposure(std::string_view key, const endpoint& at, bool has_tls, bool insecure, std::string_view permission,
                std::string_view danger) {
    if (at.is_loopback() || has_tls)
      return;
    const auto said = to_string(at) + " is beyond this machine and without TLS: " + std::string{danger};
    if (insecure)
      warnings_.push_back(std::string{key} + ": " + said + ". " + std::string{permission} + " allows it");
    else
      wrong(std::string{key},
            said + ", use a loopback address, or accept it with " + std::string{permission} + ": true");
  }

  void token() {
    const auto& token = config_.cluster.token;
    if (token.empty())
      return;
    const auto is_blank = [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == 0x7F; };
    if (token.size() < defaults::token_bytes_min || token.size() > defaults::token_bytes_max
        || std::ranges::any_of(token, is_blank))
      wrong("cluster.token", "the value is not accepted: allowed are 16 to 1024 characters without blanks");
    if (origins_.contains("cluster.token") && origins_.contains("cluster.token_file")
        && where("cluster.token").file == where("cluster.token_file").file)
      wrong("cluster.token_file", "cluster.token is set too: set only one of them");
  }

  void ascending(const std::string& first_key, std::chrono::milliseconds first, const std::string& second_key,
                 std::chrono::milliseconds second) {
    if (first < second)
      return;
    wrong(origins_.contains(second_key) ? second_key : first_key, second_key + " must be longer than " + first_key);
  }

  void limit(const std::string& key, size_t count, size_t most) {
    if (count > most)
      wrong(key, std::to_string(count) + " of them: allowed are at most " + std::to_string(most));
  }

  void video(const std::string& key, const video_profile& x) {
    if (x.bit_rate > 0 && x.crf >= 0)
      wrong(key + "crf", "a constant quality and a bit rate exclude each other: set only one of crf and bit_rate");
    if (x.max_bit_rate > 0 && x.max_bit_rate < x.bit_rate)
      wrong(key + "max_bit_rate", "is lower than bit_rate");
    if (x.width % 2 != 0)
      wrong(key + "width", "is odd: allowed are even numbers of pixels");
    if (x.height % 2 != 0)
      wrong(key + "height", "is odd: allowed are even numbers of pixels");
    if (x.codec != "copy" && x.codec != "none")
      return;
    video_profile untouched;
    untouched.codec = x.codec;
    if (x != untouched)
      wrong(key + "codec", '"' + x.codec + "\" encodes nothing: leave out the other video keys");
  }

  /// All renditions of a ladder have random-access points at the same times, so each is encoded. A profile that asks
  /// for no rate might be what the source already is, and would be copied.
  void ladder_member(const std::string& key, const profile& x, const core::ladder& of) {
    const auto& video = x.video;
    if (x.name == core::sound_name)
      wrong(key, quote(x.name) + " stands for the ladder's sound: give the profile another name");
    if (video.codec == "copy" || video.codec == "none")
      wrong(key, "the profile " + quote(x.name) + " does not encode video, as all in a ladder must");
    else if (video.bit_rate == 0 && video.max_bit_rate == 0 && video.crf < 0)
      wrong(key,
            "the profile " + quote(x.name) + " sets none of bit_rate, max_bit_rate and crf, as all in a ladder must");
    const auto first = config_.profiles.find(of.profiles.front());
    if (first != config_.profiles.end() && video.keyframe_interval != first->second.video.keyframe_interval)
      wrong(key, "the keyframe_interval of " + quote(x.name) + " is not that of " + quote(first->first)
                   + ": it must be equal in all profiles of a ladder");
  }

  std::string meant_profile(std::string_view name) const {
    std::vector<std::string_view> known;
    for (const auto& [other, unused] : config_.profiles)
      known.emplace_back(other);
    const auto near = closest(name, known);
    return near.empty() ? std::string{} : ": did you mean " + std::string{near} + '?';
  }

  void audio(const std::string& key, const audio_profile& x) {
    if (x.codec != "copy" && x.codec != "none")
      return;
    audio_profile untouched;
    untouched.codec = x.codec;
    if (x.codec == "copy") {
      untouched.languages = x.languages;
      untouched.others = x.others;
    }
    if (x != untouched)
      wrong(key + "codec", '"' + x.codec + "\" encodes nothing: leave out the other audio keys");
  }

  const configuration& config_;
  std::vector<std::string>& warnings_;
  const config::origins& origins_;
  problems wrong_;
};

} // namespace

problems validate(loaded& x) {
  checker all{x};
  all.cluster();
  all.http();
  all.live();
  all.gpus();
  all.channels();
  all.profiles();
  all.ladders();
  return all.take();
}

problems check_files(const loaded& x) {
  problems result;
  const auto& cluster = x.config.cluster;
  const auto readable = [&](const std::string& key, const std::string& path, uint64_t bytes_max = 0) {
    struct stat status {};
    auto error = stat(path.c_str(), &status) != 0 ? errno : S_ISDIR(status.st_mode) ? EISDIR : 0;
    if (error == 0 && access(path.c_str(), R_OK) != 0)
      error = errno;
    if (error == 0 && bytes_max > 0 && static_cast<uint64_t>(status.st_size) > bytes_max)
      error = EFBIG;
    const auto found = x.origins.find(key);
    if (error != 0)
      result.push_back({found == x.origins.end() ? origin{} : found->second, key,
                        "cannot read " + quote(path) + ": " + std::strerror(error)});
  };
  if (cluster.tls.enabled()) {
    readable("cluster.tls.ca", cluster.tls.ca);
    readable("cluster.tls.certificate", cluster.tls.certificate);
    readable("cluster.tls.key", cluster.tls.key);
  }
  const auto coordinates = x.config.role == role::coordinator || x.config.role == role::all;
  if (coordinates && shows_image(x.config) && !x.config.live.slate_image.empty())
    readable("live.slate_image", x.config.live.slate_image, live_options::slate_image_bytes_max);
  const auto& https = x.config.http.tls;
  if (coordinates && https.enabled && !https.certificate.empty()) {
    readable("http.tls.certificate", https.certificate);
    if (!https.key.empty())
      readable("http.tls.key", https.key);
  }
  // A coordinator makes its token file, perhaps only after a worker has started and waits for it.
  const auto may_come = access(cluster.token_file.c_str(), F_OK) != 0 && errno == ENOENT;
  if (x.config.role == role::worker && cluster.token.empty() && x.origins.contains("cluster.token_file") && !may_come)
    readable("cluster.token_file", cluster.token_file);
  return result;
}

} // namespace troupe::config
