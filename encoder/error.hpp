// The errors of media work, and whether a retry can help.
#pragma once

#include "base/publish.hpp"

#include <tl/expected.hpp>

#include <string>
#include <string_view>

namespace troupe::av {

enum class errc {
  io,          ///< the network, a file, a disk or memory failed: a retry, here or on another worker, can help
  timeout,     ///< no data came in time: like `io`
  interrupted, ///< the caller asked to stop
  absent,      ///< the source does not exist, or may not be read: terminal
  media,       ///< the source is not media, or is too damaged to use: terminal
  unsupported, ///< no decoder, encoder, filter or container here supports this: terminal here
  option,      ///< a setting is unknown, out of range or not allowed: terminal
  encoder,     ///< the encoder failed: terminal, the same pictures and settings would fail again
  limit,       ///< a limit on size, count or time was exceeded
  /// A GPU, its driver or the machine refused or failed: the same work may succeed on another device or in software.
  device,
};

/// What was tried, on which object, and libav*'s own message.
struct error {
  errc code = errc::io;
  std::string what;

  /// True if the same work would fail on every worker.
  bool terminal() const noexcept {
    return code == errc::absent || code == errc::media || code == errc::unsupported || code == errc::option
           || code == errc::encoder || code == errc::limit;
  }
};

template <class T>
using expected = tl::expected<T, error>;

/// libav*'s text for one of its negative return values.
std::string av_text(int code);

/// An error for `code` (negative, from libav*) met in `step`, for example "open the encoder libx264". Network and
/// file errors map to `io`, `timeout` and `interrupted`; all others to `fallback`.
tl::unexpected<error> fail(errc fallback, std::string_view step, int code);

/// The same for a source that does not open: a missing or unreadable source is `absent`. `http_status` is the server's
/// answer, 0 if there was none.
tl::unexpected<error> fail_to_open(errc fallback, std::string_view step, int code, int http_status);

/// What went wrong with a file that is written.
error from_file(base::file_error x);

/// An error of our own.
tl::unexpected<error> fail(errc code, std::string what);

} // namespace troupe::av
