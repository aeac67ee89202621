// Plans what becomes of each stream.
#include "core/library/contract.hpp"

#include "core/library/quality.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

namespace troupe::core {

namespace {

std::string name_of(const film_description& film, size_t stream) {
  static constexpr std::string_view kinds[] = {"video", "audio", "subtitle", "attachment", "cover", "data"};
  const auto& x = film.streams[stream];
  auto result = "stream " + std::to_string(stream) + " (" + std::string{kinds[static_cast<size_t>(x.kind)]};
  if (!x.format.codec.empty())
    result += ", " + x.format.codec;
  if (!x.format.language.empty())
    result += ", " + x.format.language;
  return result + ")";
}

/// The first video that is no cover: the one that is converted.
std::optional<size_t> main_video(const film_description& film) {
  auto i = std::ranges::find(film.streams, element_kind::video, &described_stream::kind);
  return i == film.streams.end() ? std::nullopt : std::optional{static_cast<size_t>(i - film.streams.begin())};
}

class planner {
public:
  planner(film_description film, const contract_rules& rules) : rules_{rules}, main_{main_video(film)} {
    plan_.film = std::move(film);
    plan_.clauses.resize(plan_.film.streams.size());
    plan_.container = plan_.film.container == "mp4" && fits_mp4() ? "mp4" : "mkv";
  }

  film_contract run() {
    for (size_t i = 0; i < plan_.clauses.size(); ++i) {
      plan_.clauses[i] = clause_for(plan_.film.streams[i], i);
      plan_.clauses[i].stream = i;
    }
    if (!main_)
      plan_.obstacles.emplace_back("it has no video");
    return std::move(plan_);
  }

private:
  bool is_waived(const std::string& what) const {
    return rules_.waived.contains(what);
  }

  /// A stream that is encoded, or given up, needs no container for its old codec.
  bool fits_mp4() const {
    for (size_t i = 0; i < plan_.film.streams.size(); ++i) {
      const auto& x = plan_.film.streams[i];
      auto is_encoded = i == main_ || (x.kind == element_kind::audio && is_encoded_sound(x));
      if (!is_encoded && !x.is_made_anew && !is_waived(x.format.codec) && !x.held_by.contains("mp4"))
        return false;
    }
    return true;
  }

  bool is_encoded_sound(const described_stream& x) const {
    return why_copied(x).empty();
  }

  /// Why sound is copied; empty if it is encoded.
  std::string why_copied(const described_stream& x) const {
    if (x.format.codec == rules_.audio_codec)
      return "it is " + x.format.codec + " already";
    if (x.has_objects)
      return "an encode would lose its sound objects";
    if (x.is_lossless && !rules_.converts_lossless)
      return "it is lossless";
    if (opus_layout_of(x.format.channel_layout).empty())
      return "no layout of Opus has all its loudspeakers";
    if (!x.is_lossless && x.format.bit_rate > 0 && x.format.bit_rate <= default_opus_bit_rate(x.channels))
      return "it is as small as a result would be";
    return {};
  }

  stream_clause clause_for(const described_stream& x, size_t i) {
    if (i == main_)
      return video(x, i);
    if (x.kind == element_kind::audio)
      return sound(x, i);
    if (x.is_made_anew)
      return waive("the container writes it anew");
    return carry(x, i);
  }

  stream_clause video(const described_stream& x, size_t i) {
    stream_clause made;
    made.way = clause_way::converted;
    made.codec = rules_.video_codec;
    auto keep = [&](bool has, bool carries, const std::string& what) {
      if (!has || carries)
        return;
      if (is_waived(what))
        made.waived.emplace(what, "a person gave it up");
      else
        plan_.obstacles.push_back(name_of(plan_.film, i) + " has " + what + ", which the result would lose");
    };
    keep(x.hdr10_plus > 0, rules_.carries_hdr10_plus, "hdr10+");
    keep(x.dolby_vision > 0, rules_.carries_dolby_vision, "dolby vision");
    keep(x.has_captions, rules_.carries_captions, "captions");
    return made;
  }

  stream_clause sound(const described_stream& x, size_t i) {
    auto why = why_copied(x);
    if (!why.empty()) {
      auto made = carry(x, i);
      made.why = std::move(why);
      return made;
    }
    stream_clause made;
    made.way = clause_way::converted;
    made.codec = rules_.audio_codec;
    made.layout = opus_layout_of(x.format.channel_layout);
    made.bit_rate = default_opus_bit_rate(x.channels);
    if (made.layout != x.format.channel_layout)
      made.why = "the nearest layout of Opus with all its loudspeakers";
    return made;
  }

  /// Copied if the container holds it, converted if it is text, else waived if a person says so.
  stream_clause carry(const described_stream& x, size_t i) {
    if (x.held_by.contains(plan_.container)) {
      stream_clause made;
      made.codec = x.format.codec;
      return made;
    }
    if (x.kind == element_kind::subtitle && x.is_text) {
      stream_clause made;
      made.way = clause_way::converted;
      made.codec = plan_.container == "mp4" ? "mov_text" : "subrip";
      made.why = plan_.container + " does not hold " + x.format.codec;
      return made;
    }
    if (is_waived(x.format.codec) || (x.kind == element_kind::data && is_waived("data")))
      return waive("a person gave it up");
    plan_.obstacles.push_back(name_of(plan_.film, i) + " would be lost: " + plan_.container + " does not hold it");
    return waive("an obstacle");
  }

  static stream_clause waive(std::string why) {
    stream_clause made;
    made.way = clause_way::waived;
    made.why = std::move(why);
    return made;
  }

  const contract_rules& rules_;
  std::optional<size_t> main_;
  film_contract plan_;
};

struct layout_pair {
  std::string_view from;
  std::string_view to;
};

/// Side channels alone count as back channels, as in the two kinds of 5.1.
constexpr layout_pair opus_layouts[] = {
  {"mono", "mono"},       {"stereo", "stereo"}, {"downmix", "stereo"}, {"2.1", "5.1"}, {"3.0", "3.0"},
  {"3.1", "5.1"},         {"3.0(back)", "6.1"}, {"4.0", "6.1"},        {"4.1", "6.1"}, {"quad", "quad"},
  {"quad(side)", "quad"}, {"5.0", "5.0"},       {"5.0(side)", "5.0"},  {"5.1", "5.1"}, {"5.1(side)", "5.1"},
  {"6.0", "6.1"},         {"6.1", "6.1"},       {"6.1(back)", "6.1"},  {"7.0", "7.1"}, {"7.1", "7.1"}};

} // namespace

std::string opus_layout_of(const std::string& layout) {
  auto i = std::ranges::find(opus_layouts, std::string_view{layout}, &layout_pair::from);
  return i == std::end(opus_layouts) ? std::string{} : std::string{i->to};
}

film_contract plan_contract(film_description film, const contract_rules& rules) {
  return planner{std::move(film), rules}.run();
}

std::vector<std::string> to_lines(const film_contract& x) {
  std::vector<std::string> result{"container: " + x.container};
  for (const auto& clause : x.clauses) {
    auto line = name_of(x.film, clause.stream);
    switch (clause.way) {
    case clause_way::copied:
      line += ": copied";
      break;
    case clause_way::converted:
      line += ": converted to " + clause.codec + (clause.layout.empty() ? "" : ", " + clause.layout);
      break;
    case clause_way::waived:
      line += ": waived";
      break;
    }
    result.push_back(clause.why.empty() ? line : line + ": " + clause.why);
    for (const auto& [what, why] : clause.waived)
      result.push_back(name_of(x.film, clause.stream) + ", " + what + ": waived: " + why);
  }
  result.push_back("chapters: " + std::to_string(x.film.chapters.size()) + " copied");
  for (const auto& [key, value] : x.film.words)
    result.push_back("word " + key + ": copied");
  for (const auto& obstacle : x.obstacles)
    result.push_back("obstacle: " + obstacle);
  return result;
}

} // namespace troupe::core
