// Server-sent events of the coordinator, as they come.
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
  std::optional<int64_t> id; ///< what `Last-Event-ID` says later
  std::string data;
};

/// Cuts a stream into events, by WHATWG HTML, section 9.2.6. Lines longer than `line_bytes_max` end the reading.
class event_parser {
public:
  static constexpr size_t line_bytes_max = 4 * 1024 * 1024;

  explicit event_parser(std::function<bool(const event&)> take) : take_(std::move(take)) {}

  /// False when `take` said so, or the stream makes no sense.
  bool feed(std::string_view bytes);

private:
  bool end_line();

  std::function<bool(const event&)> take_;
  std::string line_;
  event event_;
};

struct listening_end {
  unsigned status = 0; ///< of the answer
  std::string body;    ///< of one that is no stream
};

/// Asks for the events behind `last`, and hands each to `take` until that returns false or the stream ends. The error says why no answer came. A stream that
/// is silent for longer than the server's comments are apart counts as ended. `idle` is called about once a second, whatever comes.
tl::expected<listening_end, std::string> listen(const std::string& url, std::optional<int64_t> last,
                                                const std::function<bool(const event&)>& take,
                                                const std::function<void()>& idle = {});

} // namespace troupe::ctl
