// Goal: clients get the sounds that a profile wants, in its order, from every kind of rendition; without a rule, they
// get what the source has. Method: plans for sources with several sounds, and a session on its own.
#include "session_fixture.hpp"

#include <boost/test/unit_test.hpp>

using namespace troupe;
using namespace troupe::core;

BOOST_AUTO_TEST_SUITE(sound_rules_test)

namespace {

stream_format source_with(const std::vector<std::string>& languages) {
  stream_format result = session_fixture::format();
  for (auto& x : languages) {
    auto& sound = result.tracks.emplace_back();
    sound.kind = track_kind::audio;
    sound.codec = "aac";
    sound.language = x;
  }
  return result;
}

profile wanting(const std::vector<std::string>& languages, const std::string& others = "keep") {
  profile result;
  result.name = "hd";
  result.audio.languages = languages;
  result.audio.others = others;
  return result;
}

std::vector<std::string> kept(const stream_format& source, const profile& x) {
  auto plan = plan_variant(source, x);
  auto left = passthrough_format(source, plan);
  auto places = places_of(plan);
  std::vector<std::string> result(left.tracks.size());
  for (size_t i = 0; i < places.size(); ++i)
    result.at(places[i]) = left.tracks[i].kind == track_kind::video ? "video" : left.tracks[i].language;
  return result;
}

using texts = std::vector<std::string>;

/// The tracks and samples that were handed to the clients.
struct output : recorder {
  std::vector<uint16_t> tracks;

  void deliver(const std::string& profile, const sample_block& block) override {
    recorder::deliver(profile, block);
    for (auto& s : block.samples)
      tracks.push_back(s.track);
  }
};

sample_block block_of(const std::vector<uint16_t>& tracks, int64_t dts) {
  sample_block result;
  for (auto x : tracks) {
    auto flags = static_cast<uint8_t>(x == 0 ? sample::random_access | sample::key | sample::closed : sample::closed);
    result.samples.push_back({x, flags, dts, dts, 3600, 1});
  }
  result.bytes = shared_bytes{shared_bytes::container(tracks.size())};
  return result;
}

} // namespace

BOOST_AUTO_TEST_CASE(languages_come_in_the_order_of_the_profile) {
  auto source = source_with({"eng", "fra", "ger"});
  BOOST_TEST((kept(source, {}) == texts{"video", "eng", "fra", "ger"}));
  BOOST_TEST((kept(source, wanting({"de", "en"})) == texts{"video", "ger", "eng", "fra"}));
  BOOST_TEST((kept(source, wanting({"de", "en"}, "drop")) == texts{"video", "ger", "eng"}));
  // Without a rule, even a sound ahead of the picture stays there.
  auto turned = source;
  std::swap(turned.tracks[0], turned.tracks[1]);
  BOOST_TEST((kept(turned, {}) == texts{"eng", "video", "fra", "ger"}));
  // Several sounds in one language keep their order.
  BOOST_TEST((kept(source_with({"eng", "de", "eng", ""}), wanting({"en"})) == texts{"video", "eng", "eng", "de", ""}));
}

BOOST_AUTO_TEST_CASE(a_source_without_the_languages_keeps_its_sound) {
  auto source = source_with({"eng", "fra"});
  auto plan = plan_variant(source, wanting({"de"}, "drop"));
  BOOST_TEST(plan.notes.size() == 1u);
  BOOST_TEST((kept(source, wanting({"de"}, "drop")) == texts{"video", "eng", "fra"}));
  BOOST_TEST(plan_variant(source, wanting({"en"}, "drop")).notes.empty());
  auto silent = wanting({"de"}, "drop");
  silent.audio.codec = "none";
  BOOST_TEST(plan_variant(source, silent).notes.empty());
  BOOST_TEST((kept(source, silent) == texts{"video"}));
}

BOOST_AUTO_TEST_CASE(clients_of_a_copy_and_of_a_transcode_get_the_same_order) {
  output effects;
  session_config config;
  config.read_timeout = std::chrono::hours{24};
  config.stall = {std::chrono::hours{24}, std::chrono::hours{24}};
  time_point now{std::chrono::seconds{1000}};
  session it{config, session_id{1}, {"news", {}, {"http://one/a.ts"}, false}, effects, now, 0};
  auto source = source_with({"eng", "fra", "ger"});
  auto copy = wanting({"de", "en"}, "drop");
  it.watch(copy, 1, now);
  auto ingest = effects.requests.back().label.attempt;
  it.leased(ingest, {lease_id{1}, task_id{1}, worker_id{9}, ""}, now);
  it.started(ingest, now);
  it.on(format_change{ingest, source}, now);
  it.on(sample_batch{ingest, 1, block_of({0, 1, 2, 3}, 900'000)}, now);
  auto& told = effects.outputs["hd"].tracks;
  BOOST_REQUIRE(told.size() == 3u);
  BOOST_TEST(told[1].language == "ger");
  BOOST_TEST(told[2].language == "eng");
  BOOST_TEST((effects.tracks == std::vector<uint16_t>{0, 2, 1}));
  auto small = copy;
  small.name = "small";
  small.video.codec = "libx264";
  it.watch(small, 2, now);
  auto made = effects.requests.back().label.attempt;
  it.leased(made, {lease_id{2}, task_id{2}, worker_id{5}, ""}, now);
  it.started(made, now);
  effects.tracks.clear();
  it.on(format_change{made, source_with({"eng", "ger"})}, now);
  it.on(sample_batch{made, 1, block_of({0, 1, 2}, 900'000)}, now);
  BOOST_TEST((effects.outputs["small"].tracks == told));
  BOOST_TEST((effects.tracks == std::vector<uint16_t>{0, 2, 1}));
}

BOOST_AUTO_TEST_SUITE_END()
