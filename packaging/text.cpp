#include "packaging/text.hpp"

#include "base/iso_time.hpp"

extern "C" {
#include <libavutil/channel_layout.h>
}

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

namespace troupe {

namespace {

/// ISO 639-2 codes, terminological and bibliographic, of the languages that television uses most.
constexpr std::pair<std::string_view, std::string_view> tags[] = {
  {"ara", "ar"}, {"bul", "bg"}, {"cat", "ca"}, {"ces", "cs"}, {"chi", "zh"}, {"cze", "cs"}, {"dan", "da"},
  {"deu", "de"}, {"dut", "nl"}, {"ell", "el"}, {"eng", "en"}, {"est", "et"}, {"eus", "eu"}, {"fin", "fi"},
  {"fra", "fr"}, {"fre", "fr"}, {"ger", "de"}, {"gle", "ga"}, {"glg", "gl"}, {"gre", "el"}, {"heb", "he"},
  {"hin", "hi"}, {"hrv", "hr"}, {"hun", "hu"}, {"ind", "id"}, {"isl", "is"}, {"ita", "it"}, {"jpn", "ja"},
  {"kor", "ko"}, {"lav", "lv"}, {"lit", "lt"}, {"mkd", "mk"}, {"nld", "nl"}, {"nor", "no"}, {"per", "fa"},
  {"pol", "pl"}, {"por", "pt"}, {"ron", "ro"}, {"rum", "ro"}, {"rus", "ru"}, {"slk", "sk"}, {"slv", "sl"},
  {"spa", "es"}, {"sqi", "sq"}, {"srp", "sr"}, {"swe", "sv"}, {"tha", "th"}, {"tur", "tr"}, {"ukr", "uk"},
  {"vie", "vi"}, {"zho", "zh"}};

} // namespace

std::string fixed(double x, int digits) {
  std::array<char, 64> text{};
  auto n = std::snprintf(text.data(), text.size(), "%.*f", digits, x);
  return {text.data(), static_cast<size_t>(n)};
}

std::string seconds(int64_t ticks) {
  return fixed(static_cast<double>(ticks) / static_cast<double>(ticks_per_second), 5);
}

int channel_count(const std::string& layout) {
  AVChannelLayout x{};
  if (layout.empty() || av_channel_layout_from_string(&x, layout.c_str()) < 0)
    return 2;
  auto result = x.nb_channels;
  av_channel_layout_uninit(&x);
  return result;
}

std::string language_tag(const std::string& language) {
  auto i = std::find_if(std::begin(tags), std::end(tags), [&](auto& x) { return x.first == language; });
  return i == std::end(tags) ? language : std::string{i->second};
}

std::string date_time(const core::clock_map& map, int64_t pts) {
  return base::iso_time(map.unix_ms + (pts - map.pts) / (ticks_per_second / 1000));
}

} // namespace troupe
