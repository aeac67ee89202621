#include "http/json.hpp"

namespace troupe::http::detail {

namespace {

/// The number of bytes of the well-formed UTF-8 sequence at the start of `text`, 0 if there is none. Table 3-7 of the
/// Unicode standard.
size_t sequence_size(std::string_view text) {
  auto byte = [text](size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  auto tail = [byte](size_t i, unsigned low = 0x80, unsigned high = 0xbf) { return byte(i) >= low && byte(i) <= high; };
  auto lead = byte(0);
  if (lead < 0x80)
    return 1;
  if (lead >= 0xc2 && lead <= 0xdf)
    return tail(1) ? 2 : 0;
  if (lead >= 0xe0 && lead <= 0xef)
    return tail(1, lead == 0xe0 ? 0xa0 : 0x80, lead == 0xed ? 0x9f : 0xbf) && tail(2) ? 3 : 0;
  if (lead >= 0xf0 && lead <= 0xf4)
    return tail(1, lead == 0xf0 ? 0x90 : 0x80, lead == 0xf4 ? 0x8f : 0xbf) && tail(2) && tail(3) ? 4 : 0;
  return 0;
}

} // namespace

boost::json::string json_text(std::string_view text) {
  boost::json::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    auto n = sequence_size(text);
    if (n == 0)
      result.push_back('?');
    else
      result.append(boost::json::string_view{text.data(), n});
    text.remove_prefix(n == 0 ? 1 : n);
  }
  return result;
}

} // namespace troupe::http::detail
