#include "ctl/events.hpp"

#include "ctl/http.hpp"
#include "transfer/curl.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace troupe::ctl {

namespace {

namespace curl = transfer::curl;

constexpr long stream_connect_timeout_ms = 3'000;

/// The server sends at least a comment every 15 s.
constexpr long silence_max_s = 45;

constexpr size_t refusal_bytes_max = 64 * 1024;

struct reading {
  CURL* handle;
  event_parser parser;
  listening_end result;
  bool enough = false;
};

size_t take_bytes(const char* data, size_t one, size_t size, void* to) {
  auto& x = *static_cast<reading*>(to);
  if (curl::status_of(x.handle) != 200) {
    x.result.body.append(data, std::min(one * size, refusal_bytes_max - x.result.body.size()));
    return one * size;
  }
  x.enough = !x.parser.feed({data, one * size});
  return x.enough ? 0 : one * size;
}

int call_idle(void* idle, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  (*static_cast<const std::function<void()>*>(idle))();
  return 0;
}

} // namespace

bool event_parser::feed(std::string_view bytes) {
  for (auto c : bytes) {
    if (c == '\n') {
      if (!end_line())
        return false;
    } else if (c != '\r') {
      line_ += c;
    }
    if (line_.size() > line_bytes_max)
      return false;
  }
  return true;
}

bool event_parser::end_line() {
  auto line = std::exchange(line_, {});
  if (line.empty()) {
    auto whole = std::exchange(event_, {});
    return whole.data.empty() || take_(whole);
  }
  auto colon = line.find(':');
  auto name = line.substr(0, colon);
  auto value = colon == std::string::npos ? std::string{} : line.substr(colon + 1);
  if (value.starts_with(' '))
    value.erase(0, 1);
  if (name == "event") {
    event_.name = value;
  } else if (name == "data") {
    event_.data += (event_.data.empty() ? "" : "\n") + value;
    return event_.data.size() <= line_bytes_max;
  } else if (name == "id") {
    int64_t n = 0;
    auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), n);
    if (error == std::errc{} && end == value.data() + value.size())
      event_.id = n;
  }
  return true;
}

tl::expected<listening_end, std::string> listen(const std::string& url, const std::string& key,
                                                std::optional<int64_t> last,
                                                const std::function<bool(const event&)>& take,
                                                const std::function<void()>& idle) {
  auto handle = curl::make_easy();
  if (!handle)
    return tl::unexpected(std::string{"libcurl cannot be set up"});
  reading to{handle.get(), event_parser{take}, {}};
  curl::error_buffer detail{};
  curl::fields fields;
  fields.add("Accept: text/event-stream");
  if (!key.empty())
    fields.add(key_line(key));
  if (last)
    fields.add("Last-Event-ID: " + std::to_string(*last));
  curl::options set{handle.get(), detail};
  set(CURLOPT_URL, url.c_str());
  set(CURLOPT_HTTPHEADER, fields.get());
  set(CURLOPT_CONNECTTIMEOUT_MS, stream_connect_timeout_ms);
  set(CURLOPT_LOW_SPEED_LIMIT, 1L);
  set(CURLOPT_LOW_SPEED_TIME, silence_max_s);
  set(CURLOPT_USERAGENT, "caf-ctl/" TROUPE_VERSION);
  if (idle) {
    set(CURLOPT_NOPROGRESS, 0L);
    set(CURLOPT_XFERINFOFUNCTION, &call_idle);
    set(CURLOPT_XFERINFODATA, static_cast<const void*>(&idle));
  }
  set(CURLOPT_WRITEFUNCTION, &take_bytes);
  set(CURLOPT_WRITEDATA, static_cast<void*>(&to));
  auto code = set.perform();
  to.result.status = curl::status_of(handle.get());
  if (code != CURLE_OK && !to.enough && to.result.status == 0)
    return tl::unexpected(no_coordinator(url, curl::words(code, detail)));
  return std::move(to.result);
}

} // namespace troupe::ctl
