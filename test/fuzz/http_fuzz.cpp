// Request targets, authorities, request ids, keys and the addresses that proxies tell. A decoded path is made of clean
// segments, and encoding them again leads to the same path.
#include "core/trust/key_text.hpp"
#include "core/trust/network.hpp"
#include "core/trust/signed_text.hpp"
#include "http/browser_guard.hpp"
#include "http/target.hpp"

#include "test/fuzz/fuzz.hpp"

#include <algorithm>

using namespace troupe;
using fuzz::require;

namespace {

bool is_clean(const std::string& segment) {
  return std::ranges::none_of(segment, [](unsigned char c) { return c < 0x20 || c == 0x7F; });
}

void check_target(std::string_view target) {
  auto path = http::decode_path(target);
  if (!path)
    return;
  std::string again;
  for (auto& segment : *path) {
    require(is_clean(segment), "a segment holds no control characters");
    // Paths with empty segments or "." can be written in several ways, and no route contains them.
    if (segment.empty() || segment == ".")
      return;
    again += '/' + http::encode_segment(segment);
  }
  if (again.empty())
    again = "/";
  require(http::decode_path(again) == path, "an encoded path is decoded to what it was");
}

void check_authority(std::string_view text) {
  auto host = http::host_of(text);
  require(host.size() <= text.size(), "a host is part of its authority");
  namespace beast = boost::beast::http;
  beast::fields header;
  // Beast's own parser refuses such a name or value.
  if (text.size() > 1000 || std::ranges::any_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7F; }))
    return;
  header.set(beast::field::host, boost::beast::string_view{text.data(), text.size()});
  header.set(beast::field::origin, boost::beast::string_view{text.data(), text.size()});
  http::browser_guard{true, {}}.check(11, http::verb::post, header);
  http::browser_guard{false, {"example.org"}}.check(11, http::verb::post, header);
}

void check_addresses(std::string_view text) {
  const core::network everywhere{{}, 0};
  core::ip_address peer{};
  core::client_behind(peer, text, {&everywhere, 1});
  if (auto found = core::parse_address(text))
    require(core::parse_address(core::to_text(*found)) == found, "an address as text is the same address");
  if (auto found = core::network::parse(text))
    require(found->contains(found->address), "a network contains its own address");
}

void check_proofs(std::string_view text) {
  if (auto id = core::key_id_of(text))
    require(id->size() == core::key_id_digits, "the id of a key has its size");
  require(!core::read_signed("a secret", "a purpose", text, "something"), "what was not signed is not read");
}

} // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0)
    return 0;
  auto text = fuzz::text_of(data + 1, size - 1);
  switch (data[0] % 3) {
  case 0:
    check_target(text);
    break;
  case 1:
    check_authority(text);
    check_addresses(text);
    break;
  default:
    check_proofs(text);
    require(!http::is_request_id(text) || text.size() <= 64, "a request id is short");
  }
  return 0;
}
