// A session that makes a ladder of two videos and their sound; its events and effects are those of `session_fixture`.
#pragma once

#include "test/core/session_fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <map>
#include <string>

namespace troupe::core {

struct ladder_fixture : session_fixture {
  /// `sharing`: the renditions may be made by one task.
  explicit ladder_fixture(slate_kind slate = slate_kind::none, bool sharing = false) {
    config.slate = slate;
    make({"news", {}, {"http://one/a.ts", "http://two/b.ts"}, false});
    for (auto* name : {"hd", "sd"}) {
      auto& x = profiles[name] = wanting(name, "libx264");
      x.video.bit_rate = 1'000'000;
      x.audio.codec = "aac";
      x.video.on_busy = sharing ? exhaustion_policy::fallback : exhaustion_policy::queue;
    }
    main = {"main", {"hd", "sd"}};
  }

  static stream_format with_sound(const std::string& codec = "mp2") {
    auto x = format();
    x.tracks.resize(2);
    x.tracks[1].kind = track_kind::audio;
    x.tracks[1].codec = codec;
    return x;
  }

  /// Source pictures [from, to) with their sound, a random-access point each tenth.
  void feed(int64_t from, int64_t to) {
    for (auto i = from; i < to; ++i) {
      auto x = block(i * frame, i % 10 == 0, 0);
      x.samples.push_back({1, sample::key | sample::closed, i * frame, i * frame, frame, 0});
      it->on(sample_batch{ingest, ++sequence, std::move(x)}, now);
    }
  }

  void watch_all() {
    for (auto& x : profiles_of(main, profiles))
      it->watch(x, ++tickets, now);
  }

  const lease_request& request_of(const std::string& rendition) {
    auto x = std::find_if(effects.requests.rbegin(), effects.requests.rend(),
                          [&](auto& r) { return r.label.profile == rendition; });
    BOOST_REQUIRE((x != effects.requests.rend()));
    return *x;
  }

  attempt_id requested(const std::string& rendition) {
    return request_of(rendition).label.attempt;
  }

  /// A worker takes the rendition's latest request; returns the time of the first block that it is sent.
  int64_t run(const std::string& rendition) {
    auto attempt = requested(rendition);
    it->leased(attempt, {lease_id{attempt.value}, task_id{attempt.value}, worker_id{attempt.value}, "w"}, now);
    auto sent = effects.sent.size();
    it->started(attempt, now);
    auto made = with_sound("aac");
    made.tracks.erase(rendition == "main/sound" ? made.tracks.begin() : made.tracks.end() - 1);
    it->on(format_change{attempt, made}, now);
    BOOST_REQUIRE_MESSAGE(effects.sent.size() > sent, rendition << " is sent nothing");
    return effects.sent[sent].block.samples.front().pts / frame; // of the picture, or of its sound
  }

  void deliver(const std::string& rendition, int64_t i) {
    it->on(sample_batch{requested(rendition), ++output[rendition], block(i * frame, true)}, now);
  }

  /// All renditions have been asked for, and the source has sent pictures [0, 15).
  void begin(const std::string& sound = "mp2") {
    watch_all();
    ingest = ingest_runs(with_sound(sound));
    feed(0, 15);
  }

  variant_status status_of(const std::string& rendition) {
    for (auto& v : it->status().variants)
      if (v.profile == rendition)
        return v;
    return {};
  }

  std::map<std::string, profile> profiles;
  ladder main;
  attempt_id ingest;
  uint64_t tickets = 0;
  std::map<std::string, uint64_t> output;
};

} // namespace troupe::core
