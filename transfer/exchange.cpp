#include "transfer/exchange.hpp"

#include "base/json.hpp"
#include "base/mask_url.hpp"
#include "base/utf8.hpp"
#include "transfer/curl.hpp"

#include <poll.h>

#include <algorithm>
#include <charconv>
#include <string_view>

namespace troupe::transfer {

namespace {

using clock = std::chrono::steady_clock;

constexpr long connect_timeout_ms = 5'000;
constexpr long buffer_bytes = 256 * 1024;
constexpr size_t error_body_bytes_max = 4 * 1024;
constexpr int wait_slice_ms = 20;

/// The state of one exchange, for the callbacks.
struct state {
  const exchange& what;
  const control& with;
  CURL* handle = nullptr;
  answer_head head = {};
  clock::time_point moved = clock::now();
  bool silent = false;
};

std::string_view unquoted(std::string_view x) {
  if (x.size() >= 2 && x.front() == '"' && x.back() == '"')
    return x.substr(1, x.size() - 2);
  return x;
}

uint64_t number(std::string_view x) {
  uint64_t result = 0;
  std::from_chars(x.data(), x.data() + x.size(), result);
  return result;
}

/// The value of a field of the latest answer; empty if it has none.
std::string_view field(CURL* of, const char* name) {
  curl_header* found = nullptr;
  constexpr int latest = -1;
  return curl_easy_header(of, name, 0, CURLH_HEADER, latest, &found) == CURLHE_OK ? found->value : std::string_view{};
}

answer_head head_of(CURL* of) {
  answer_head result;
  result.status = curl::status_of(of);
  result.bytes = number(field(of, "Content-Length"));
  result.etag = unquoted(field(of, "ETag"));
  result.location = field(of, "Location");
  result.offset = number(field(of, "Upload-Offset"));
  result.upload_id = field(of, "Upload-Id");
  result.sha256 = field(of, "File-Sha256");
  return result;
}

size_t on_body(const char* data, size_t, size_t size, void* self) {
  auto& x = *static_cast<state*>(self);
  x.moved = clock::now();
  if (x.head.status == 0)
    x.head = head_of(x.handle);
  auto good = x.head.status >= 200 && x.head.status < 300;
  if (good && x.what.write)
    return x.what.write(std::as_bytes(std::span{data, size}), x.head) ? size : 0;
  x.head.body.append(data, std::min(size, error_body_bytes_max - std::min(error_body_bytes_max, x.head.body.size())));
  return size;
}

size_t on_read(char* to, size_t, size_t size, void* self) {
  auto& x = *static_cast<state*>(self);
  x.moved = clock::now();
  auto n = x.what.read(std::as_writable_bytes(std::span{to, size}));
  return n < 0 ? CURL_READFUNC_ABORT : static_cast<size_t>(n);
}

int on_progress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  auto& x = *static_cast<state*>(self);
  if (x.with.stop != nullptr && x.with.stop->load(std::memory_order_relaxed))
    return 1;
  x.silent = clock::now() - x.moved > x.with.silence_max;
  return x.silent ? 1 : 0;
}

/// The detail of a problem document, or the beginning of the body.
std::string words_of(const std::string& body) {
  auto detail = base::reading::text(base::reading::parsed(body), "detail");
  std::string result{base::cut(detail.empty() ? body : detail, 512)};
  std::ranges::replace_if(
    result, [](unsigned char c) { return c < 0x20; }, ' ');
  return base::plain_text(result);
}

} // namespace

expected<answer_head> perform(const exchange& x, const remote& at, const control& with) {
  auto handle = curl::make_easy();
  if (!handle)
    return tl::unexpected(failure{true, false, 0, "libcurl cannot be set up"});
  state s{x, with, handle.get()};
  curl::error_buffer detail{};
  curl::fields fields;
  if (!at.ticket.empty())
    fields.add("Authorization: Bearer " + at.ticket.reveal());
  for (auto& [name, value] : at.fields)
    fields.add(std::string{name}.append(": ").append(value));
  if (x.method == "PUT" || x.method == "PATCH" || x.method == "POST")
    fields.add("Content-Type: application/octet-stream");
  curl::options set{handle.get(), detail};
  set(CURLOPT_URL, at.url.c_str());
  set(CURLOPT_NOPROXY, "*"); // a coordinator is never behind a machine's proxy for the internet
  set(CURLOPT_CUSTOMREQUEST, x.method.c_str());
  if (x.method == "HEAD")
    set(CURLOPT_NOBODY, 1L);
  if (x.read) {
    set(CURLOPT_UPLOAD, 1L);
    set(CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(x.body_bytes));
    set(CURLOPT_READFUNCTION, &on_read);
    set(CURLOPT_READDATA, static_cast<void*>(&s));
    set(CURLOPT_UPLOAD_BUFFERSIZE, buffer_bytes);
  } else if (x.method == "PUT" || x.method == "PATCH" || x.method == "POST") {
    set(CURLOPT_POSTFIELDSIZE, 0L);
    set(CURLOPT_POSTFIELDS, "");
  }
  set(CURLOPT_HTTPHEADER, fields.get());
  set(CURLOPT_CONNECTTIMEOUT_MS, connect_timeout_ms);
  set(CURLOPT_BUFFERSIZE, buffer_bytes);
  set(CURLOPT_USERAGENT, "troupe/" TROUPE_VERSION);
  set(CURLOPT_WRITEFUNCTION, &on_body);
  set(CURLOPT_WRITEDATA, static_cast<void*>(&s));
  set(CURLOPT_NOPROGRESS, 0L);
  set(CURLOPT_XFERINFOFUNCTION, &on_progress);
  set(CURLOPT_XFERINFODATA, static_cast<void*>(&s));
  auto code = set.perform();
  if (s.head.status == 0)
    s.head = head_of(handle.get());
  // A refusal may come before everything was sent. Then its text is reported, not the error of the connection, which
  // closed while data was still being sent.
  if (code != CURLE_OK && (s.head.status < 400 || s.head.status >= 600)) {
    auto stopped = with.stop != nullptr && with.stop->load();
    auto why = stopped    ? std::string{"stopped"}
               : s.silent ? "nothing came through for " + std::to_string(with.silence_max.count()) + " ms"
                          : curl::words(code, detail);
    return tl::unexpected(failure{false, stopped, s.head.status, base::mask_url(at.url) + ": " + why});
  }
  return std::move(s.head);
}

failure refused(const answer_head& x, const remote& at) {
  // 408, 425, 429 and 5xx may soon pass; 507 is a full disk, which needs an operator.
  auto passing = x.status == 408 || x.status == 425 || x.status == 429 || (x.status >= 500 && x.status != 507);
  return {!passing, false, x.status,
          base::mask_url(at.url) + " answers " + std::to_string(x.status) + ": " + words_of(x.body)};
}

bool patience::wait() {
  if (stopped() || ++tries_ >= with_.tries_max)
    return false;
  auto pause = std::min(with_.first_pause * (1 << std::min(tries_ - 1, 16u)), with_.longest_pause);
  // Only time shows whether the other side is back; check the stop flag in between.
  for (auto end = clock::now() + pause; clock::now() < end && !stopped();)
    ::poll(nullptr, 0, wait_slice_ms);
  return !stopped();
}

} // namespace troupe::transfer
