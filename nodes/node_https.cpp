#include "nodes/node_https.hpp"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace troupe::nodes {

namespace {

constexpr size_t names_max = 128;

std::vector<std::string> addresses_of_machine() {
  std::vector<std::string> result;
  ifaddrs* first = nullptr;
  if (::getifaddrs(&first) != 0)
    return result;
  for (auto* x = first; x != nullptr; x = x->ifa_next) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (x->ifa_addr == nullptr)
      continue;
    auto family = x->ifa_addr->sa_family;
    const void* address = nullptr;
    if (family == AF_INET)
      address = &reinterpret_cast<const sockaddr_in*>(x->ifa_addr)->sin_addr;
    else if (family == AF_INET6)
      address = &reinterpret_cast<const sockaddr_in6*>(x->ifa_addr)->sin6_addr;
    if (address != nullptr && ::inet_ntop(family, address, text.data(), text.size()) != nullptr)
      result.emplace_back(text.data());
  }
  ::freeifaddrs(first);
  return result;
}

/// By which clients may reach the server.
std::vector<std::string> names_of(const config::http_options& x) {
  std::vector<std::string> result{"localhost", "127.0.0.1", "::1"};
  auto add = [&result](const std::string& name) {
    if (!name.empty() && result.size() < names_max && std::find(result.begin(), result.end(), name) == result.end())
      result.push_back(name);
  };
  auto& host = x.tls.listen.host;
  auto everywhere = host == "0.0.0.0" || host == "::";
  if (!everywhere)
    add(host);
  for (auto& name : x.hosts)
    add(name);
  if (x.tls.listen.is_loopback())
    return result;
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) == 0)
    add(name.data());
  if (everywhere)
    for (auto& address : addresses_of_machine())
      add(address);
  return result;
}

} // namespace

tl::expected<std::shared_ptr<trust::server_certificate>, std::string>
open_certificate(const config::configuration& x, std::shared_ptr<const trust::certificate> authority) {
  if (!x.http.tls.enabled)
    return nullptr;
  auto& tls = x.http.tls;
  auto opened = trust::server_certificate::open({.certificate = tls.certificate,
                                                 .key = tls.key,
                                                 .authority = std::move(authority),
                                                 .folder = x.node.state_dir,
                                                 .names = [http = x.http] { return names_of(http); }});
  if (!opened)
    return tl::unexpected(std::move(opened.error()));
  return std::shared_ptr{std::move(*opened)};
}

} // namespace troupe::nodes
