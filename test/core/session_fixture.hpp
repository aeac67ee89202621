// A session on its own: the test calls it as the actors would, and its effects are recorded.
#pragma once

#include "core/live/session.hpp"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace troupe::core {

using namespace std::chrono_literals;

struct recorder : session_effects {
  uint64_t attempts = 0;
  std::vector<lease_request> requests;
  std::vector<ingest_work> ingests;
  std::vector<transcode_work> transcodes;
  std::vector<sample_batch> sent;
  std::vector<batch_ack> acknowledged;
  std::vector<attempt_id> finished;
  std::map<attempt_id, int64_t> ends;
  std::vector<std::pair<failover_reason, milliseconds>> failovers;
  std::map<std::string, std::string> quarantined;
  std::map<attempt_id, std::string> stopped;
  std::set<attempt_id> blamed; ///< attempts whose processes died or hung
  std::map<std::string, stream_format> outputs;
  std::map<std::string, output_form> forms;
  std::map<std::string, std::vector<int64_t>> delivered;
  std::map<std::string, int64_t> last_dts;
  std::map<std::string, std::string> closed;
  std::vector<std::string> notices;
  std::map<std::string, uint32_t> reading;
  std::map<ticket, std::string> answered;
  std::map<ticket, std::pair<ec, std::string>> refused;

  attempt_id next_attempt() override {
    return attempt_id{++attempts};
  }
  void request_lease(const lease_request& x) override {
    requests.push_back(x);
  }
  void start(const ingest_work& x) override {
    ingests.push_back(x);
  }
  void start(const transcode_work& x) override {
    transcodes.push_back(x);
  }
  void send(const sample_batch& x) override {
    sent.push_back(x);
  }
  void acknowledge(const batch_ack& x) override {
    acknowledged.push_back(x);
  }
  void finish(attempt_id x) override {
    finished.push_back(x);
  }
  void finish(attempt_id x, int64_t to_pts) override {
    ends[x] = to_pts;
  }
  void stop(attempt_id x, const lease_end& how) override {
    stopped[x] = how.reason;
    if (how.process_failed)
      blamed.insert(x);
  }
  void open_output(const std::string& profile, const stream_format& format, const output_form& form) override {
    outputs[profile] = format;
    forms[profile] = form;
  }
  void deliver(const std::string& profile, const sample_block& block) override {
    for (auto& s : block.samples)
      delivered[profile].push_back(s.pts);
    last_dts[profile] = block.samples.back().dts;
  }
  void close_output(const std::string& profile, const std::string& reason) override {
    closed[profile] = reason;
  }
  void failed_over(const std::string&, failover_reason why, milliseconds gap, uint64_t) override {
    failovers.emplace_back(why, gap);
  }
  void quarantine(const std::string& profile, const std::string& why) override {
    quarantined[profile] = why;
  }
  void notice(const std::string&, const std::string& what) override {
    notices.push_back(what);
  }
  uint32_t clients(const std::string& profile) override {
    return reading[profile];
  }
  void answer(ticket x, const std::string& profile) override {
    answered[x] = profile;
  }
  void refuse(ticket x, ec code, const std::string& why) override {
    refused[x] = {code, why};
  }
};

struct session_fixture {
  time_point now{1000s};
  recorder effects;
  session_config config;
  std::optional<session> it;
  uint64_t sequence = 0;

  session_fixture() {
    // Only tests of silent sources set shorter limits.
    config.read_timeout = 24h;
    config.stall = {24h, 24h};
    config.slate = slate_kind::none;
    make({"news", {}, {"http://one/a.ts", "http://two/b.ts"}, false});
  }

  void make(channel source) {
    it.emplace(config, session_id{1}, std::move(source), effects, now, 0);
  }

  static profile wanting(const std::string& name, const std::string& video) {
    profile x;
    x.name = name;
    x.video.codec = video;
    return x;
  }

  static stream_format format() {
    stream_format x;
    x.tracks.resize(1);
    x.tracks[0].codec = "h264";
    return x;
  }

  static sample_block block(int64_t pts, bool random_access, size_t bytes = 10) {
    return {{{0, static_cast<uint8_t>(random_access ? sample::closed | sample::random_access : sample::closed), pts,
              pts, 3600, static_cast<uint32_t>(bytes)}},
            shared_bytes{shared_bytes::container(bytes)}};
  }

  attempt_id ingest_runs(const stream_format& tracks = format()) {
    auto attempt = effects.requests.back().label.attempt;
    it->leased(attempt, {lease_id{1}, task_id{1}, worker_id{9}, ""}, now);
    it->started(attempt, now);
    it->on(format_change{attempt, tracks}, now);
    sequence = 0;
    return attempt;
  }

  void source(attempt_id attempt, int64_t pts, bool random_access, size_t bytes = 10) {
    it->on(sample_batch{attempt, ++sequence, block(pts, random_access, bytes)}, now);
  }

  attempt_id transcode_runs(uint64_t worker = 5, const stream_format& tracks = format()) {
    auto attempt = effects.requests.back().label.attempt;
    it->leased(attempt, {lease_id{2}, task_id{2}, worker_id{worker}, "w"}, now);
    it->started(attempt, now);
    it->on(format_change{attempt, tracks}, now);
    return attempt;
  }
};

/// The duration of a picture in ticks.
constexpr int64_t frame = 3600;

/// A channel whose rendition "hd" is transcoded by `first`.
struct failover_fixture : session_fixture {
  attempt_id ingest;
  attempt_id first;
  std::map<attempt_id, uint64_t> output;
  int64_t fed = 0;

  explicit failover_fixture(slate_kind slate = slate_kind::none) {
    config.slate = slate;
    config.stall = {500ms, 5000ms};
    config.failover_timeout = 60s;
    make({"news", {}, {"u", "v"}, false});
    it->watch(wanting("hd", "libx264"), 1, now);
    ingest = ingest_runs();
    feed(0, 20);
    first = transcode_runs(5);
    effects.reading["hd"] = 1;
  }

  /// Sends source pictures [from, to); every tenth is a random-access point.
  void feed(int64_t from, int64_t to) {
    for (auto i = from; i < to; ++i)
      source(ingest, i * frame, i % 10 == 0);
  }

  void make_output(attempt_id attempt, int64_t from, int64_t to, bool closed = true) {
    for (auto i = from; i < to; ++i) {
      auto x = block(i * frame, i == from);
      if (!closed)
        x.samples.front().flags &= static_cast<uint8_t>(~sample::closed);
      it->on(sample_batch{attempt, ++output[attempt], std::move(x)}, now);
    }
  }

  static stream_format with_sound() {
    auto x = format();
    x.tracks.resize(2);
    x.tracks[1].kind = track_kind::audio;
    x.tracks[1].codec = "mp2";
    return x;
  }

  /// A block with a picture and the sound of the same time.
  static sample_block both(int64_t i) {
    auto x = block(i * frame, i % 10 == 0, 0);
    x.samples.push_back({1, sample::key | sample::closed, i * frame, i * frame, frame, 0});
    return x;
  }

  void feed_both(int64_t from, int64_t to) {
    for (auto i = from; i < to; ++i)
      it->on(sample_batch{ingest, ++sequence, both(i)}, now);
  }

  void make_both(attempt_id attempt, int64_t from, int64_t to) {
    for (auto i = from; i < to; ++i)
      it->on(sample_batch{attempt, ++output[attempt], both(i)}, now);
  }

  void acknowledge_all() {
    std::map<attempt_id, uint64_t> last;
    for (auto& x : effects.sent)
      last[x.attempt] = std::max(last[x.attempt], x.sequence);
    for (auto& [attempt, sequence] : last)
      it->on(batch_ack{attempt, sequence}, now);
  }

  /// Runs this many intervals of 40 ms in which everything that is sent is acknowledged.
  void rhythm(int n, int64_t from) {
    for (int i = 0; i < n; ++i) {
      now += 40ms;
      feed(from + i, from + i + 1);
      acknowledge_all();
    }
  }

  void tick_for(milliseconds time) {
    for (milliseconds t{0}; t < time; t += 100ms) {
      now += 100ms;
      it->on(ingest, work_statistics{}, now);
      it->tick(now);
    }
  }

  bool delivered_once_each(int64_t from, int64_t to) {
    std::vector<int64_t> expected;
    for (auto i = from; i < to; ++i)
      expected.push_back(i * frame);
    return effects.delivered["hd"] == expected;
  }
};

} // namespace troupe::core
