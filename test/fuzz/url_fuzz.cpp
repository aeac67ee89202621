// URLs of sources as users and playlists may write them. A password at a usual place of a URL is never shown, whatever
// surrounds it, a URL from the network cannot open a local file, and no spelling of an address passes the policy if the
// address itself does not.
#include "config/text.hpp"
#include "core/trust/url_policy.hpp"
#include "encoder/source/allowed_sources.hpp"

#include "base/mask_url.hpp"
#include "test/fuzz/fuzz.hpp"

#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <string>

using namespace troupe;
using fuzz::require;

namespace {

constexpr std::string_view password = "S3CRETWORD";

/// Whether `name` is one entry of a list with commas.
bool lists(std::string_view list, std::string_view name) {
  for (size_t from = 0; from <= list.size();) {
    auto end = std::min(list.find(',', from), list.size());
    if (list.substr(from, end - from) == name)
      return true;
    from = end + 1;
  }
  return false;
}

void check(const std::string& url) {
  auto source = av::parse_source(url);
  base::mask_url(url);
  if (!source) {
    require(!source.error().what.empty(), "a refusal says why");
    return;
  }
  require(source->is_file() || !lists(source->protocols, "file"), "the network reaches no file");
}

void check_place(const std::string& url) {
  const core::url_policy policy;
  if (!policy.refusal(core::url_use::source, url).empty())
    return;
  auto place = core::parse_place(url);
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (place->host.empty() || ::getaddrinfo(place->host.c_str(), "1", &hints, &found) != 0)
    return;
  auto address = core::address_of(*found->ai_addr);
  ::freeaddrinfo(found);
  require(address && policy.refusal_of(*address, *place).empty(), "an accepted URL names no refused address");
}

/// A secret word, alone and next to characters that users write in passwords although they end the user part of a URL.
constexpr std::array<std::string_view, 12> passwords{
  "S3CRETWORD",      "p/S3CRETWORD", "S3CRETWORD/w",   "p?S3CRETWORD",   "p#S3CRETWORD",    "p@S3CRETWORD",
  "p@w/S3CRETWORD?", "/S3CRETWORD",  "12/S3CRETWORD?", "12?S3CRETWORD#", "12#/S3CRETWORD@", "?#@/S3CRETWORD"};

/// "<scheme>://<user>:<password>@<rest>", where the user's name holds nothing that would end it.
void check_password(std::string_view scheme, std::string_view user, std::string_view secret, std::string_view rest) {
  if (user.find_first_of("/?#") != std::string_view::npos || user.find(password) != std::string_view::npos
      || rest.find(password) != std::string_view::npos)
    return;
  auto url = std::string{scheme}.append("://").append(user).append(":").append(secret).append("@").append(rest);
  require(base::mask_url(url).find(password) == std::string::npos, "a printed URL shows no password");
  require(base::host_of_url(url).find(password) == std::string::npos, "a viewer sees no password");
  auto source = av::parse_source(url);
  if (source)
    require(source->shown.find(password) == std::string::npos, "an address shows no password");
  else
    require(source.error().what.find(password) == std::string::npos, "an error shows no password");
}

} // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr std::array<std::string_view, 8> schemes{"http", "https", "rtmp", "rtsp", "srt", "udp", "HTTP", "ftp"};
  if (size < 2)
    return 0;
  auto text = fuzz::text_of(data + 2, size - 2);
  check(std::string{text});
  check_place(std::string{text});
  auto cut = std::min<size_t>(data[1], text.size());
  check_password(schemes[data[0] % schemes.size()], text.substr(0, cut),
                 passwords[data[0] / schemes.size() % passwords.size()], text.substr(cut));
  return 0;
}
