// The stream contract over a film with everything: what the plan says, and that each single change of the result is a
// breach.
#include "core/library/contract.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <functional>

using namespace troupe;
using namespace troupe::core;

BOOST_AUTO_TEST_SUITE(contract_test)

namespace {

described_stream stream_of(element_kind kind, const char* codec, const char* language = "") {
  described_stream x;
  x.kind = kind;
  x.format.codec = codec;
  x.format.language = language;
  x.held_by = {"mkv"};
  x.packets = 100;
  x.end = 900'000;
  x.bytes = 5000;
  return x;
}

described_stream sound(const char* codec, const char* layout, int channels, int64_t bit_rate, const char* language) {
  auto x = stream_of(element_kind::audio, codec, language);
  x.format.channel_layout = layout;
  x.format.bit_rate = bit_rate;
  x.channels = channels;
  x.held_by = {"mkv", "mp4"};
  return x;
}

/// HDR10, two languages, a commentary, two kinds of text, a font, a cover, and chapters.
film_description full_film() {
  film_description film;
  film.container = "mkv";
  film.words = {{"title", "A film"}};
  auto video = stream_of(element_kind::video, "hevc");
  video.format.width = 3840;
  video.format.height = 2160;
  video.format.color_primaries = "bt2020";
  video.format.color_transfer = "smpte2084";
  video.format.color_space = "bt2020nc";
  video.format.color_range = "tv";
  video.depth = 10;
  video.mastering = mastering_display{{0.708, 0.292, 0.17, 0.797, 0.131, 0.046, 0.3127, 0.329}, 0.0001, 1000};
  video.light = light_level{1000, 400};
  film.streams = {video,
                  sound("ac3", "5.1(side)", 6, 448'000, "eng"),
                  sound("truehd", "7.1", 8, 0, "deu"),
                  sound("aac", "stereo", 2, 64'000, "eng"),
                  stream_of(element_kind::subtitle, "subrip", "eng"),
                  stream_of(element_kind::subtitle, "ass", "deu"),
                  stream_of(element_kind::attachment, "ttf"),
                  stream_of(element_kind::cover, "mjpeg")};
  film.streams[1].flags = {"default"};
  film.streams[2].has_objects = true;
  film.streams[2].is_lossless = true;
  film.streams[3].flags = {"comment"};
  film.streams[3].words = {{"title", "Commentary"}};
  film.streams[4].flags = {"forced"};
  film.streams[4].is_text = true;
  film.streams[5].is_text = true;
  film.chapters = {{0, 450'000, {{"title", "One"}}}, {450'000, 900'000, {{"title", "Two"}}}};
  return film;
}

/// What an encoder and a muxer make of it, if they do all that the contract says.
film_description result_of(const film_contract& contract) {
  auto made = contract.film;
  made.container = contract.container;
  made.streams.clear();
  for (const auto& clause : contract.clauses) {
    if (clause.way == clause_way::waived)
      continue;
    auto x = contract.film.streams[clause.stream];
    x.format.codec = clause.codec;
    if (!clause.layout.empty())
      x.format.channel_layout = clause.layout;
    if (clause.way == clause_way::converted && x.kind == element_kind::audio)
      x.packets = 77;
    made.streams.push_back(std::move(x));
  }
  return made;
}

bool holds(const film_contract& contract, const std::function<void(film_description&)>& change) {
  auto result = result_of(contract);
  change(result);
  return held_against(contract, result).empty();
}

} // namespace

BOOST_AUTO_TEST_CASE(every_stream_of_a_film_has_a_clause) {
  auto x = plan_contract(full_film(), {});
  BOOST_TEST(x.obstacles.empty());
  BOOST_TEST(x.container == "mkv");
  BOOST_REQUIRE(x.clauses.size() == x.film.streams.size());
  BOOST_TEST((x.clauses[0].way == clause_way::converted && x.clauses[0].codec == "av1"));
  BOOST_TEST(
    (x.clauses[1].way == clause_way::converted && x.clauses[1].codec == "opus" && x.clauses[1].layout == "5.1"));
  BOOST_TEST(x.clauses[1].bit_rate == 256'000);
  for (auto copied : {2, 3, 4, 5, 6, 7})
    BOOST_TEST((x.clauses[static_cast<size_t>(copied)].way == clause_way::copied));
  BOOST_TEST(x.clauses[2].why == "an encode would lose its sound objects");
  BOOST_TEST(to_lines(x).size() == 1 + 8 + 1 + 1u);
}

BOOST_AUTO_TEST_CASE(a_result_that_keeps_everything_holds_the_contract) {
  auto x = plan_contract(full_film(), {});
  BOOST_TEST(held_against(x, result_of(x)).empty());
}

BOOST_AUTO_TEST_CASE(each_change_of_the_result_is_a_breach) {
  auto x = plan_contract(full_film(), {});
  using change = std::function<void(film_description&)>;
  const std::vector<std::pair<const char*, change>> changes{
    {"no stream", [](auto& y) { y.streams.pop_back(); }},
    {"no sound", [](auto& y) { y.streams.erase(y.streams.begin() + 1); }},
    {"added stream", [](auto& y) { y.streams.push_back(y.streams[4]); }},
    {"codec", [](auto& y) { y.streams[0].format.codec = "hevc"; }},
    {"language", [](auto& y) { y.streams[2].format.language = "und"; }},
    {"flag", [](auto& y) { y.streams[4].flags.clear(); }},
    {"other default", [](auto& y) { y.streams[3].flags.insert("default"); }},
    {"title", [](auto& y) { y.streams[3].words.clear(); }},
    {"film's title", [](auto& y) { y.words["title"] = "B"; }},
    {"layout", [](auto& y) { y.streams[1].format.channel_layout = "stereo"; }},
    {"delay", [](auto& y) { y.streams[1].start += 6 * 90; }},
    {"short sound", [](auto& y) { y.streams[1].end -= 90'000; }},
    {"copied packets", [](auto& y) { --y.streams[2].packets; }},
    {"pictures", [](auto& y) { --y.streams[0].packets; }},
    {"size", [](auto& y) { y.streams[0].format.height = 1080; }},
    {"tags", [](auto& y) { y.streams[0].format.color_transfer = "bt709"; }},
    {"depth", [](auto& y) { y.streams[0].depth = 8; }},
    {"no volume", [](auto& y) { y.streams[0].mastering.reset(); }},
    {"volume", [](auto& y) { y.streams[0].mastering->luminance_max = 1001; }},
    {"no light", [](auto& y) { y.streams[0].light.reset(); }},
    {"font", [](auto& y) { y.streams[6].bytes = 10; }},
    {"chapter", [](auto& y) { y.chapters.pop_back(); }},
    {"chapter's time", [](auto& y) { y.chapters[1].begin += 91; }},
    {"chapter's title", [](auto& y) { y.chapters[1].words.clear(); }},
    {"container", [](auto& y) { y.container = "mp4"; }}};
  for (const auto& [name, f] : changes)
    BOOST_TEST(!holds(x, f), name);
}

BOOST_AUTO_TEST_CASE(what_codecs_and_containers_round_is_no_breach) {
  auto x = plan_contract(full_film(), {});
  BOOST_TEST(holds(x, [](auto& y) { y.streams[0].mastering->luminance_min = 0.000122; }));
  BOOST_TEST(holds(x, [](auto& y) { y.streams[0].mastering->chromaticities[0] += 1.0 / 65536; }));
  BOOST_TEST(holds(x, [](auto& y) { y.streams[1].start += 5 * 90; }));
  BOOST_TEST(holds(x, [](auto& y) { y.chapters[1].begin += 90; }));
  BOOST_TEST(holds(x, [](auto& y) { y.words["encoder"] = "muxer"; }));
  BOOST_TEST(holds(x, [](auto& y) { std::rotate(y.streams.begin(), y.streams.begin() + 1, y.streams.end()); }));
}

BOOST_AUTO_TEST_CASE(nothing_is_invented) {
  auto film = full_film();
  film.streams[0].mastering.reset();
  film.streams[0].light.reset();
  auto x = plan_contract(film, {});
  BOOST_TEST(!holds(x, [](auto& y) { y.streams[0].light = light_level{1000, 400}; }));
  BOOST_TEST(!holds(x, [](auto& y) { y.streams[0].mastering.emplace(); }));
  BOOST_TEST(!holds(x, [](auto& y) { y.streams[0].hdr10_plus = 100; }));
}

BOOST_AUTO_TEST_CASE(metadata_of_each_picture_are_carried_or_waived_or_in_the_way) {
  auto film = full_film();
  film.streams[0].hdr10_plus = 100;
  film.streams[0].has_captions = true;
  BOOST_TEST(plan_contract(film, {}).obstacles.size() == 2);
  contract_rules rules;
  rules.carries_hdr10_plus = true;
  rules.waived = {"captions"};
  auto x = plan_contract(film, rules);
  BOOST_TEST(x.obstacles.empty());
  BOOST_TEST(holds(x, [](auto& y) { y.streams[0].has_captions = false; }));
  BOOST_TEST(!holds(x, [](auto& y) { y.streams[0].hdr10_plus = 99; }));
}

BOOST_AUTO_TEST_CASE(sound_is_copied_if_an_encode_gains_nothing_or_loses_something) {
  auto way = [](described_stream x, bool lossless_too = false) {
    film_description film;
    film.container = "mkv";
    film.streams = {stream_of(element_kind::video, "h264"), std::move(x)};
    contract_rules rules;
    rules.converts_lossless = lossless_too;
    return plan_contract(film, rules).clauses[1].way;
  };
  auto flac = sound("flac", "stereo", 2, 900'000, "");
  flac.is_lossless = true;
  BOOST_TEST((way(flac) == clause_way::copied));
  BOOST_TEST((way(flac, true) == clause_way::converted));
  BOOST_TEST((way(sound("opus", "stereo", 2, 200'000, "")) == clause_way::copied));
  BOOST_TEST((way(sound("aac", "stereo", 2, 96'000, "")) == clause_way::copied));
  BOOST_TEST((way(sound("aac", "stereo", 2, 97'000, "")) == clause_way::converted));
  BOOST_TEST((way(sound("aac", "stereo", 2, 0, "")) == clause_way::converted)); // unknown
  BOOST_TEST((way(sound("pcm_s16le", "22.2", 24, 0, "")) == clause_way::copied));
}

BOOST_AUTO_TEST_CASE(a_layout_that_opus_lacks_becomes_the_smallest_one_with_all_its_loudspeakers) {
  BOOST_TEST(opus_layout_of("2.1") == "5.1");
  BOOST_TEST(opus_layout_of("3.1") == "5.1");
  BOOST_TEST(opus_layout_of("4.0") == "6.1");
  BOOST_TEST(opus_layout_of("4.1") == "6.1");
  BOOST_TEST(opus_layout_of("5.1(side)") == "5.1");
  BOOST_TEST(opus_layout_of("7.0") == "7.1");
  BOOST_TEST(opus_layout_of("hexadecagonal") == "");
}

BOOST_AUTO_TEST_CASE(the_container_is_mp4_only_if_the_film_was_and_mp4_holds_everything) {
  film_description film;
  film.container = "mp4";
  film.streams = {stream_of(element_kind::video, "h264"), sound("aac", "5.1", 6, 384'000, "eng"),
                  stream_of(element_kind::subtitle, "mov_text", "eng"), stream_of(element_kind::data, "tmcd")};
  film.streams[2].held_by = {"mp4"};
  film.streams[2].is_text = true;
  film.streams[3].held_by = {};
  film.streams[3].is_made_anew = true;
  auto x = plan_contract(film, {});
  BOOST_TEST(x.container == "mp4");
  BOOST_TEST((x.clauses[2].way == clause_way::copied));
  BOOST_TEST((x.clauses[3].way == clause_way::waived));
  BOOST_TEST(x.obstacles.empty());
  BOOST_TEST(held_against(x, result_of(x)).empty());
  film.streams.push_back(stream_of(element_kind::attachment, "ttf"));
  x = plan_contract(film, {});
  BOOST_TEST(x.container == "mkv");
  BOOST_TEST((x.clauses[2].way == clause_way::converted && x.clauses[2].codec == "subrip"));
}

BOOST_AUTO_TEST_CASE(a_stream_that_no_container_holds_is_in_the_way_until_a_person_gives_it_up) {
  film_description film;
  film.container = "mp4";
  film.streams = {stream_of(element_kind::video, "h264"), stream_of(element_kind::data, "bin_data")};
  film.streams[0].held_by = {"mkv", "mp4"};
  film.streams[1].held_by = {};
  BOOST_TEST(plan_contract(film, {}).obstacles.size() == 1);
  contract_rules rules;
  rules.waived = {"bin_data"};
  BOOST_TEST(plan_contract(film, rules).obstacles.empty());
  film.streams.erase(film.streams.begin());
  BOOST_TEST(plan_contract(film, rules).obstacles.front() == "it has no video");
}

BOOST_AUTO_TEST_SUITE_END()
