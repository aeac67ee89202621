#include "http/byte_range.hpp"

#include <algorithm>
#include <charconv>

namespace troupe::http {

namespace {

/// A number of digits only. A number too large for 64 bits becomes the largest: it lies behind the end of any file.
std::optional<uint64_t> number(std::string_view text) {
  if (text.empty() || !std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; }))
    return {};
  uint64_t result = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), result);
  return error == std::errc{} ? result : UINT64_MAX;
}

} // namespace

wanted_range read_range(std::string_view field, uint64_t file_bytes) {
  constexpr std::string_view unit = "bytes=";
  if (!field.starts_with(unit))
    return {};
  field.remove_prefix(unit.size());
  auto dash = field.find('-');
  if (dash == std::string_view::npos)
    return {};
  auto first = number(field.substr(0, dash));
  auto last = number(field.substr(dash + 1));
  auto open = dash + 1 == field.size();
  if ((!first && dash > 0) || (!last && !open) || (!first && !last) || (first && last && *first > *last))
    return {};
  constexpr wanted_range nothing{range_kind::unsatisfiable, {}};
  if (!first) {
    // A suffix range: the last bytes of the file.
    auto size = std::min(*last, file_bytes);
    return size == 0 ? nothing : wanted_range{range_kind::part, {file_bytes - size, size}};
  }
  if (*first >= file_bytes)
    return nothing;
  auto end = open ? file_bytes - 1 : std::min(*last, file_bytes - 1);
  return {range_kind::part, {*first, end - *first + 1}};
}

} // namespace troupe::http
