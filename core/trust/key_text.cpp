#include "core/trust/key_text.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

#include <boost/crc.hpp>

namespace troupe::core {

namespace {

constexpr std::string_view prefix = "trp_";
constexpr size_t checksum_digits = 8;

std::string checksum_of(std::string_view text) {
  boost::crc_32_type sum;
  sum.process_bytes(text.data(), text.size());
  std::array<char, checksum_digits + 1> digits{};
  std::snprintf(digits.data(), digits.size(), "%08x", static_cast<unsigned>(sum.checksum()));
  return digits.data();
}

} // namespace

std::string key_text(std::string_view digits) {
  auto result = std::string{prefix}.append(digits);
  return result + checksum_of(result);
}

std::optional<std::string> key_id_of(std::string_view text) {
  if (text.size() != key_text_size || !text.starts_with(prefix))
    return {};
  auto body = text.substr(0, text.size() - checksum_digits);
  if (body.find_first_not_of("0123456789abcdef", prefix.size()) != std::string_view::npos
      || text.substr(body.size()) != checksum_of(body))
    return {};
  return std::string{body.substr(prefix.size(), key_id_digits)};
}

} // namespace troupe::core
