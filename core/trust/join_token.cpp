#include "core/trust/join_token.hpp"

#include <algorithm>
#include <array>

namespace troupe::core {

namespace {

constexpr std::string_view prefix = "TROUPE1";
constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
constexpr size_t authority_size = 52; // of 256 bits
constexpr size_t id_size = 8;         // of 40 bits
constexpr size_t secret_size = 32;    // of 160 bits
constexpr size_t id_digits = 10;      // hexadecimal

unsigned value_of(char hexadecimal) {
  return static_cast<unsigned>(hexadecimal <= '9' ? hexadecimal - '0' : hexadecimal - 'a' + 10);
}

/// The same bits, five at a time; the last letter is filled up with zeros.
std::string base32(std::string_view digits) {
  std::string result;
  unsigned bits = 0;
  unsigned kept = 0;
  for (auto digit : digits) {
    bits = ((bits << 4) | value_of(digit)) & 0xffu;
    kept += 4;
    if (kept >= 5) {
      kept -= 5;
      result += letters[(bits >> kept) & 31u];
    }
  }
  if (kept > 0)
    result += letters[(bits << (5 - kept)) & 31u];
  return result;
}

bool is_part(std::string_view text, size_t size) {
  return text.size() == size && std::ranges::all_of(text, [](char c) { return letters.find(c) != letters.npos; });
}

} // namespace

join_text join_text_of(std::string_view authority_sha256, std::string_view random_digits) {
  return {base32(authority_sha256), base32(random_digits.substr(0, id_digits)),
          base32(random_digits.substr(id_digits))};
}

std::string to_string(const join_text& x) {
  return std::string{prefix}.append("-").append(x.authority).append("-").append(x.id).append("-").append(x.secret);
}

tl::expected<join_text, std::string> read_join_text(std::string_view text) {
  std::array<std::string_view, 4> parts;
  size_t count = 0;
  for (auto rest = text; count < parts.size(); ++count) {
    auto dash = count + 1 == parts.size() ? std::string_view::npos : rest.find('-');
    parts[count] = rest.substr(0, dash);
    if (dash == std::string_view::npos) {
      ++count;
      break;
    }
    rest.remove_prefix(dash + 1);
  }
  if (parts[0] != prefix)
    return tl::unexpected(std::string{"it does not begin with TROUPE1-, as join tokens do"});
  if (count != parts.size() || !is_part(parts[1], authority_size) || !is_part(parts[2], id_size)
      || !is_part(parts[3], secret_size))
    return tl::unexpected(std::string{"a part of the join token is missing or damaged; copy the whole line"});
  return join_text{std::string{parts[1]}, std::string{parts[2]}, std::string{parts[3]}};
}

bool is_for(const join_text& x, std::string_view authority_sha256) {
  return x.authority == base32(authority_sha256);
}

} // namespace troupe::core
