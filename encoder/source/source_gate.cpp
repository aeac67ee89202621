#include "encoder/source/source_gate.hpp"

#include "encoder/source/demuxer.hpp"

#include <fcntl.h>
#include <strings.h>

#include <array>
#include <string_view>
#include <utility>

namespace troupe::av {

namespace {

/// How libavformat's HLS reader names an encrypted place.
constexpr std::array<std::string_view, 2> wrappers{"crypto+", "crypto:"};

uint16_t port_of(const core::url_place& x) {
  constexpr uint16_t http = 80;
  constexpr uint16_t https = 443;
  return x.port.value_or(x.scheme == "https" ? https : http);
}

connection_rules only_to(const core::url_place& place) {
  return {[host = place.host, port = std::to_string(port_of(place))](std::string_view to, std::string_view at) {
            return ::strcasecmp(std::string{to}.c_str(), host.c_str()) == 0 && at == port
                     ? std::string{}
                     : "it leads to another server, " + std::string{to};
          },
          [](const core::ip_address&) { return std::string{}; }};
}

connection_rules by_policy(std::shared_ptr<const source_access> access, const core::url_place& place) {
  return {[access](std::string_view host, std::string_view) { return access->urls.refusal_of_host(host); },
          [access, place](const core::ip_address& x) { return access->urls.refusal_of(x, place); }};
}

} // namespace

source_gate::source_gate(const source_options& options) {
  // A path or a URL that cannot be split has no host, and connects nowhere.
  if (auto place = core::parse_place(options.url))
    place_ = std::move(*place);
  if (options.one_file) {
    rules_ = only_to(place_);
  } else if (options.access) {
    access_ = options.access;
    rules_ = by_policy(access_, place_);
  }
}

tl::expected<gate_pass, std::string> source_gate::pass(const std::string& url) const {
  if (!access_)
    return gate_pass{url, {}};
  std::string_view place = url;
  std::string_view wrapper;
  for (auto x : wrappers)
    if (place.starts_with(x)) {
      wrapper = x;
      place.remove_prefix(x.size());
      break;
    }
  auto is_file = place.starts_with("file:");
  if (!is_file && place.find("://") != std::string_view::npos) {
    auto why = access_->urls.refusal(core::url_use::source, place);
    return why.empty() ? tl::expected<gate_pass, std::string>{gate_pass{url, {}}} : tl::unexpected{std::move(why)};
  }
  if (is_file)
    place.remove_prefix(place.starts_with("file://") ? 7 : 5);
  auto file = access_->files.open_file(std::string{place}, O_RDONLY);
  if (!file)
    return tl::unexpected{std::move(file.error().what)};
  auto name = std::string{wrapper} + "file:/proc/self/fd/" + std::to_string(file->get());
  return gate_pass{std::move(name), std::move(*file)};
}

} // namespace troupe::av
