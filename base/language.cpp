#include "base/language.hpp"

#include <algorithm>
#include <utility>

namespace troupe::base {

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

std::string language_tag(std::string_view language) {
  auto i = std::find_if(std::begin(tags), std::end(tags), [&](auto& x) { return x.first == language; });
  return std::string{i == std::end(tags) ? language : i->second};
}

bool is_language(std::string_view language, std::string_view wanted) {
  auto have = language_tag(language);
  auto want = language_tag(wanted);
  return !want.empty() && have.starts_with(want) && (have.size() == want.size() || have[want.size()] == '-');
}

} // namespace troupe::base
