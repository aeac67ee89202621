#include "rig/delivery/web_client.hpp"

#include <curl/curl.h>

#include <algorithm>
#include <cctype>

namespace troupe::bench::delivery {

namespace {

constexpr size_t body_bytes_max = 256UL * 1024 * 1024;
constexpr long redirects_max = 5;
constexpr long connect_timeout_ms = 5'000;

struct answer {
  observation& to;
  const run_clock& clock;
};

size_t on_body(const char* data, size_t, size_t size, void* self) {
  auto& [to, clock] = *static_cast<answer*>(self);
  if (to.body.size() + size > body_bytes_max)
    return 0;
  if (to.body.empty())
    to.began = clock.now();
  to.body.append(data, size);
  return size;
}

size_t on_header(const char* data, size_t, size_t size, void* self) {
  auto& headers = static_cast<answer*>(self)->to.headers;
  std::string_view line{data, size};
  if (line.starts_with("HTTP/"))
    headers.clear(); // of the answer before a redirect
  auto colon = line.find(':');
  if (colon == std::string_view::npos)
    return size;
  std::string name{line.substr(0, colon)};
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
  auto value = line.substr(colon + 1);
  auto from = value.find_first_not_of(' ');
  auto to = value.find_last_not_of(" \r\n");
  headers[name] = from == std::string_view::npos || to == std::string_view::npos
                    ? std::string{}
                    : std::string{value.substr(from, to - from + 1)};
  return size;
}

} // namespace

struct web_client::handle {
  CURL* curl = curl_easy_init();
  curl_slist* headers = curl_slist_append(nullptr, "Origin: https://player.example");

  handle() = default;
  handle(const handle&) = delete;
  handle& operator=(const handle&) = delete;

  ~handle() {
    curl_easy_cleanup(curl);
    curl_slist_free_all(headers);
  }
};

web_client::web_client(const run_clock& clock) : clock_(clock), handle_(std::make_unique<handle>()) {}

web_client::~web_client() = default;

observation web_client::get(const std::string& url, seconds limit, const std::optional<byte_range>& range) {
  observation result;
  result.url = url;
  auto* curl = handle_->curl;
  if (curl == nullptr) {
    result.problem = "libcurl gives no handle";
    return result;
  }
  curl_easy_reset(curl); // keeps the connection
  auto bytes = range ? std::to_string(range->from) + "-" + std::to_string(range->from + range->bytes - 1) : "";
  auto failed = 0;
  auto set = [&](auto option, auto value) { failed += curl_easy_setopt(curl, option, value) == CURLE_OK ? 0 : 1; };
  set(CURLOPT_URL, url.c_str());
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
  set(CURLOPT_HTTPHEADER, handle_->headers);
  set(CURLOPT_ACCEPT_ENCODING, "gzip");
  set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
  set(CURLOPT_FOLLOWLOCATION, 1L);
  set(CURLOPT_MAXREDIRS, redirects_max);
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_CONNECTTIMEOUT_MS, connect_timeout_ms);
  set(CURLOPT_TIMEOUT_MS, std::max(1L, static_cast<long>(limit.count() * 1000)));
  set(CURLOPT_WRITEFUNCTION, on_body);
  answer self{result, clock_};
  set(CURLOPT_WRITEDATA, static_cast<void*>(&self));
  set(CURLOPT_HEADERFUNCTION, on_header);
  set(CURLOPT_HEADERDATA, static_cast<void*>(&self));
  if (range)
    set(CURLOPT_RANGE, bytes.c_str());
  if (failed > 0) {
    result.problem = "libcurl refuses an option";
    return result;
  }
  result.asked = clock_.now();
  auto code = curl_easy_perform(curl);
  result.answered = clock_.now();
  if (code != CURLE_OK) {
    result.problem = curl_easy_strerror(code);
    return result;
  }
  long status = 0;
  long version = 0;
  long redirects = 0;
  const char* effective = nullptr;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  curl_easy_getinfo(curl, CURLINFO_HTTP_VERSION, &version);
  curl_easy_getinfo(curl, CURLINFO_REDIRECT_COUNT, &redirects);
  curl_easy_getinfo(curl, CURLINFO_EFFECTIVE_URL, &effective);
  result.status = static_cast<int>(status);
  result.http_version = version >= CURL_HTTP_VERSION_2_0 ? 2 : 1;
  result.redirected = redirects > 0;
  if (result.redirected && effective != nullptr)
    result.url = effective;
  return result;
}

} // namespace troupe::bench::delivery
