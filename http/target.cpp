#include "http/target.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cctype>
#include <cstdint>
#include <cstdio>
#include <random>

#include <boost/url/encode.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/rfc/unreserved_chars.hpp>
#include <boost/url/url_view.hpp>

namespace troupe::http {

namespace {

namespace urls = boost::urls;

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

} // namespace

std::optional<std::vector<std::string>> decode_path(std::string_view target) {
  auto text = urls::string_view{target.data(), target.size()};
  auto parsed = target.starts_with('/') ? urls::parse_origin_form(text) : urls::parse_uri(text);
  if (parsed.has_error())
    return std::nullopt;
  std::vector<std::string> result;
  for (auto encoded : parsed->encoded_segments()) {
    auto decoded = encoded.decode();
    if (std::any_of(decoded.begin(), decoded.end(), is_control))
      return std::nullopt;
    result.emplace_back(decoded.begin(), decoded.end());
  }
  if (!result.empty() && result.back().empty())
    result.pop_back();
  return result;
}

std::string encode_segment(std::string_view text) {
  return urls::encode(urls::string_view{text.data(), text.size()}, urls::unreserved_chars);
}

std::string mask_token(std::string_view target) {
  constexpr std::string_view before = "/t/";
  auto begin = target.find(before);
  auto end = begin == std::string_view::npos ? begin : target.find('/', begin + before.size());
  return std::string{before} + "***" + std::string{end == std::string_view::npos ? "" : target.substr(end)};
}

std::string new_request_id() {
  // A counter with a random start, spread over 64 bits by an odd factor: its values are unique, and neighbours look
  // different.
  static std::atomic<uint64_t> next = (uint64_t{std::random_device{}()} << 32) | std::random_device{}();
  std::array<char, 17> text{};
  std::snprintf(text.data(), text.size(), "%016llx",
                static_cast<unsigned long long>(next.fetch_add(1) * 0x9e3779b97f4a7c15ull));
  return text.data();
}

bool is_request_id(std::string_view text) {
  auto fine = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || c == '_' || c == '-';
  };
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), fine);
}

} // namespace troupe::http
