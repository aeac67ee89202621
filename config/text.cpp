#include "config/text.hpp"

#include "base/utf8.hpp"

namespace troupe::config {

std::string quote(std::string_view text) {
  constexpr size_t shown_bytes_max = 80;
  auto shown = base::cut(text, shown_bytes_max);
  auto result = '"' + base::plain_text(shown);
  return shown.size() == text.size() ? result + '"' : result + "...\" (" + std::to_string(text.size()) + " bytes)";
}

bool is_clean_text(std::string_view text, bool lines) {
  constexpr std::string_view breaks = "\n\r\t";
  while (!text.empty()) {
    auto x = base::take_character(text);
    if (x.what != base::character::kind::plain && !(lines && breaks.find(x.bytes) != std::string_view::npos))
      return false;
  }
  return true;
}

} // namespace troupe::config
