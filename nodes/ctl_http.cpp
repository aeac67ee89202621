#include "nodes/ctl_http.hpp"

#include "nodes/ctl_table.hpp"

#include <array>
#include <cctype>
#include <memory>

#include <curl/curl.h>

namespace troupe::ctl {

namespace {

constexpr long connect_timeout_ms = 3'000;
constexpr long timeout_ms = 15'000;
constexpr size_t body_bytes_max = 64 * 1024 * 1024;

struct easy_cleanup {
  void operator()(CURL* x) const noexcept {
    curl_easy_cleanup(x);
  }
};

struct list_cleanup {
  void operator()(curl_slist* x) const noexcept {
    curl_slist_free_all(x);
  }
};

size_t append(const char* data, size_t one, size_t size, void* to) {
  auto& body = *static_cast<std::string*>(to);
  if (body.size() + one * size > body_bytes_max)
    return 0;
  body.append(data, one * size);
  return one * size;
}

std::string failure_text(CURLcode code, const std::string& url, const char* detail) {
  auto why = *detail != '\0' ? printable(detail) : std::string{curl_easy_strerror(code)};
  return "no coordinator answers at " + printable(url) + ": " + why
         + "; is it running, and is --url (or TROUPE_URL) its address?";
}

} // namespace

tl::expected<answer, std::string> send(const std::string& method, const std::string& url, const std::string& body,
                                       const std::vector<std::string>& lines) {
  // The library's one-time set-up, before any thread.
  static auto ready = curl_global_init(CURL_GLOBAL_DEFAULT);
  std::unique_ptr<CURL, easy_cleanup> handle{ready == CURLE_OK ? curl_easy_init() : nullptr};
  if (!handle)
    return tl::unexpected(std::string{"libcurl cannot be set up"});
  answer result;
  std::array<char, CURL_ERROR_SIZE> detail{};
  auto code = CURLE_OK;
  auto set = [&](CURLoption option, auto value) {
    if (code == CURLE_OK)
      code = curl_easy_setopt(handle.get(), option, value);
  };
  set(CURLOPT_ERRORBUFFER, detail.data());
  set(CURLOPT_URL, url.c_str());
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_CUSTOMREQUEST, method.c_str());
  std::unique_ptr<curl_slist, list_cleanup> fields;
  if (method == "POST") {
    set(CURLOPT_POSTFIELDSIZE, static_cast<long>(body.size()));
    set(CURLOPT_POSTFIELDS, body.c_str());
    if (!body.empty())
      fields.reset(curl_slist_append(nullptr, "Content-Type: application/json"));
    for (auto& line : lines)
      if (auto* longer = curl_slist_append(fields.get(), line.c_str()); longer != nullptr) {
        (void)fields.release();
        fields.reset(longer);
      }
    set(CURLOPT_HTTPHEADER, fields.get());
  }
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_CONNECTTIMEOUT_MS, connect_timeout_ms);
  set(CURLOPT_TIMEOUT_MS, timeout_ms);
  set(CURLOPT_USERAGENT, "caf-ctl/" TROUPE_VERSION);
  set(CURLOPT_WRITEFUNCTION, &append);
  set(CURLOPT_WRITEDATA, static_cast<void*>(&result.body));
  if (code == CURLE_OK)
    code = curl_easy_perform(handle.get());
  if (code != CURLE_OK)
    return tl::unexpected(failure_text(code, url, detail.data()));
  long status = 0;
  curl_easy_getinfo(handle.get(), CURLINFO_RESPONSE_CODE, &status);
  result.status = static_cast<unsigned>(status);
  return result;
}

std::string encoded(const std::string& text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string result;
  for (auto c : text) {
    auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || c == '-' || c == '.' || c == '_' || c == '~')
      result += c;
    else
      result += {'%', digits[byte >> 4], digits[byte & 15]};
  }
  // A path of dots would be taken for a way up.
  return result == "." || result == ".." ? "%2E" + std::string(result.size() == 2 ? "%2E" : "") : result;
}

} // namespace troupe::ctl
