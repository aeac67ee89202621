// Reads the coordinator's server-sent events as they arrive.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

namespace troupe::ctl {

struct event {
  std::string name;          ///< "state", "progress", …
  std::optional<int64_t> id; ///< the value for a later `Last-Event-ID`
  std::string data;
};

/// Splits a stream into events, as in WHATWG HTML, section 9.2.6. A line longer than `line_bytes_max` ends the reading.
class event_parser {
public:
  static constexpr size_t line_bytes_max = 4 * 1024 * 1024;

  explicit event_parser(std::function<bool(const event&)> take) : take_(std::move(take)) {}

  /// False if `take` returned false, or if the stream is malformed.
  bool feed(std::string_view bytes);

private:
  bool end_line();

  std::function<bool(const event&)> take_;
  std::string line_;
  event event_;
};

struct listening_end {
  unsigned status = 0; ///< of the answer
  std::string body;    ///< of an answer that is not a stream
};

/// Requests the events after `last`, with a key unless that is empty, and passes each to `take` until that returns
/// false or the stream ends. The error says why no answer came. A stream counts as ended if it is silent for longer
/// than the interval of the server's comments. `idle` is called about once a second in any case.
tl::expected<listening_end, std::string> listen(const std::string& url, const std::string& key,
                                                std::optional<int64_t> last,
                                                const std::function<bool(const event&)>& take,
                                                const std::function<void()>& idle = {});

} // namespace troupe::ctl
