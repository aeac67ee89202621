// Holds a finished file against its contract. Streams are compared by kind and order, because containers number them in
// different ways.
#include "core/library/contract.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string_view>

namespace troupe::core {

namespace {

constexpr int64_t sync_ticks = ticks_per_second * 5 / 1000;
constexpr int64_t chapter_ticks = ticks_per_second / 1000;

/// The steps in which AV1 stores a mastering display (AV1 specification, section 6.7.4).
constexpr double chromaticity_step = 1.0 / 65536;
constexpr double luminance_max_step = 1.0 / 256;
constexpr double luminance_min_step = 1.0 / 16384;

bool are_near(double a, double b, double step) {
  return std::abs(a - b) <= step * 1.0001;
}

bool are_near(const mastering_display& a, const mastering_display& b) {
  return std::ranges::equal(a.chromaticities, b.chromaticities,
                            [](double x, double y) { return are_near(x, y, chromaticity_step); })
         && are_near(a.luminance_max, b.luminance_max, luminance_max_step)
         && are_near(a.luminance_min, b.luminance_min, luminance_min_step);
}

/// "5.1" for "5.1(side)": the same loudspeakers.
std::string_view plain(std::string_view layout) {
  return layout.substr(0, layout.find('('));
}

class comparison {
public:
  comparison(const film_contract& contract, const film_description& have) : contract_{contract}, have_{have} {}

  std::vector<std::string> run() {
    if (have_.container != contract_.container)
      say("the container is " + have_.container + " instead of " + contract_.container);
    for (auto kind : {element_kind::video, element_kind::audio, element_kind::subtitle, element_kind::attachment,
                      element_kind::cover, element_kind::data})
      compare_kind(kind);
    compare_chapters();
    compare_words("", contract_.film.words, have_.words);
    return std::move(breaches_);
  }

private:
  void say(std::string what) {
    breaches_.push_back(std::move(what));
  }

  std::vector<const described_stream*> streams_of(element_kind kind) const {
    std::vector<const described_stream*> result;
    for (const auto& x : have_.streams)
      // What a muxer writes by itself is no element of the film.
      if (x.kind == kind && !x.is_made_anew)
        result.push_back(&x);
    return result;
  }

  void compare_kind(element_kind kind) {
    auto found = streams_of(kind);
    size_t next = 0;
    for (const auto& clause : contract_.clauses) {
      const auto& want = contract_.film.streams[clause.stream];
      if (want.kind != kind || clause.way == clause_way::waived)
        continue;
      name_ = "stream " + std::to_string(clause.stream);
      if (next == found.size())
        say(name_ + " is missing");
      else
        compare(clause, want, *found[next++]);
    }
    if (next < found.size())
      say(std::to_string(found.size() - next) + " streams were added that the film does not have");
  }

  void compare(const stream_clause& clause, const described_stream& want, const described_stream& have) {
    if (have.format.codec != clause.codec)
      say(name_ + " is " + have.format.codec + " instead of " + clause.codec);
    if (have.format.language != want.format.language)
      say(name_ + " has the language \"" + have.format.language + "\" instead of \"" + want.format.language + "\"");
    if (have.flags != want.flags)
      say(name_ + " has other flags");
    compare_words(name_ + " ", want.words, have.words);
    if (want.kind == element_kind::attachment || want.kind == element_kind::cover) {
      if (have.bytes != want.bytes)
        say(name_ + " has " + std::to_string(have.bytes) + " bytes instead of " + std::to_string(want.bytes));
      return;
    }
    if (std::llabs(have.start - want.start) > sync_ticks)
      say(name_ + " begins at another time");
    if (clause.way == clause_way::copied && have.packets != want.packets)
      say(name_ + " has " + std::to_string(have.packets) + " packets instead of " + std::to_string(want.packets));
    if (want.kind == element_kind::video)
      compare_video(clause, want, have);
    else if (want.kind == element_kind::audio)
      compare_sound(clause, want, have);
    else if (want.kind == element_kind::subtitle && have.packets < want.packets)
      say(name_ + " lacks " + std::to_string(want.packets - have.packets) + " lines");
  }

  void compare_sound(const stream_clause& clause, const described_stream& want, const described_stream& have) {
    auto layout = clause.layout.empty() ? want.format.channel_layout : clause.layout;
    if (plain(have.format.channel_layout) != plain(layout))
      say(name_ + " has the layout " + have.format.channel_layout + " instead of " + layout);
    if (std::llabs(have.end - want.end) > std::max<int64_t>(sync_ticks, ticks_per_second / 10))
      say(name_ + " ends at another time");
  }

  void compare_video(const stream_clause& clause, const described_stream& want, const described_stream& have) {
    if (have.packets != want.packets)
      say(name_ + " has " + std::to_string(have.packets) + " pictures instead of " + std::to_string(want.packets));
    const auto& a = want.format;
    const auto& b = have.format;
    if (a.width != b.width || a.height != b.height)
      say(name_ + " has another size");
    if (a.color_primaries != b.color_primaries || a.color_transfer != b.color_transfer || a.color_space != b.color_space
        || a.color_range != b.color_range)
      say(name_ + " has other colour tags");
    if (have.depth < want.depth)
      say(name_ + " has " + std::to_string(have.depth) + " bits instead of " + std::to_string(want.depth));
    if (want.mastering.has_value() != have.mastering.has_value()
        || (want.mastering && !are_near(*want.mastering, *have.mastering)))
      say(name_ + " has another mastering display");
    if (want.light != have.light)
      say(name_ + " has other light levels");
    for (const auto& x : want.records)
      if (!have.records.contains(x))
        say(name_ + " lacks the record \"" + x + "\"");
    auto count = [&](uint64_t wanted, uint64_t had, const char* what) {
      if (wanted != had && !clause.waived.contains(what))
        say(name_ + " has " + what + " in " + std::to_string(had) + " pictures instead of " + std::to_string(wanted));
    };
    count(want.hdr10_plus, have.hdr10_plus, "hdr10+");
    count(want.dolby_vision, have.dolby_vision, "dolby vision");
    if (want.has_captions && !have.has_captions && !clause.waived.contains("captions"))
      say(name_ + " lacks its captions");
  }

  void compare_chapters() {
    const auto& want = contract_.film.chapters;
    if (want.size() != have_.chapters.size())
      return say(std::to_string(have_.chapters.size()) + " chapters instead of " + std::to_string(want.size()));
    for (size_t i = 0; i < want.size(); ++i) {
      const auto& x = have_.chapters[i];
      auto name = "chapter " + std::to_string(i);
      if (std::llabs(x.begin - want[i].begin) > chapter_ticks || std::llabs(x.end - want[i].end) > chapter_ticks)
        say(name + " is at another time");
      compare_words(name + " ", want[i].words, x.words);
    }
  }

  /// Other words than the film's may be there: muxers add some.
  void compare_words(const std::string& of, const std::map<std::string, std::string>& want,
                     const std::map<std::string, std::string>& have) {
    for (const auto& [key, value] : want) {
      auto found = have.find(key);
      if (found == have.end())
        say(of + "lacks the word \"" + key + "\"");
      else if (found->second != value)
        say(of + "has another value of the word \"" + key + "\"");
    }
  }

  const film_contract& contract_;
  const film_description& have_;
  std::string name_;
  std::vector<std::string> breaches_;
};

} // namespace

std::vector<std::string> held_against(const film_contract& contract, const film_description& result) {
  return comparison{contract, result}.run();
}

} // namespace troupe::core
