// The one place where libav*'s negative numbers become our errors.
#include "encoder/error.hpp"

extern "C" {
#include <libavutil/error.h>
}

#include <cerrno>
#include <utility>

namespace troupe::av {

namespace {

/// The `errc` of a libav* error code; `fallback` if the code's meaning depends on the step that failed.
errc classify(errc fallback, int code) {
  switch (code) {
  case AVERROR_EXIT:
  case AVERROR(EINTR):
  case AVERROR(ECANCELED):
    return errc::interrupted;
  case AVERROR(ETIMEDOUT):
    return errc::timeout;
  case AVERROR(EIO):
  case AVERROR(ENOENT):
  case AVERROR(EACCES):
  case AVERROR(EPERM):
  case AVERROR(EISDIR):
  case AVERROR(ENOTDIR):
  case AVERROR(ENAMETOOLONG):
  case AVERROR(EMFILE):
  case AVERROR(ENFILE):
  case AVERROR(ENOSPC):
  case AVERROR(EDQUOT):
  case AVERROR(EROFS):
  case AVERROR(ENOMEM):
  case AVERROR(EPIPE):
  case AVERROR(ENODEV):
  case AVERROR(ENETDOWN):
  case AVERROR(ENETUNREACH):
  case AVERROR(EHOSTUNREACH):
  case AVERROR(ECONNREFUSED):
  case AVERROR(ECONNRESET):
  case AVERROR(ECONNABORTED):
  case AVERROR(EADDRINUSE):
  case AVERROR(EADDRNOTAVAIL):
  case AVERROR_HTTP_BAD_REQUEST:
  case AVERROR_HTTP_UNAUTHORIZED:
  case AVERROR_HTTP_FORBIDDEN:
  case AVERROR_HTTP_NOT_FOUND:
  case AVERROR_HTTP_OTHER_4XX:
  case AVERROR_HTTP_SERVER_ERROR:
    return errc::io;
  case AVERROR(EFBIG): // a limit on file sizes, which another disk would not remove
    return errc::limit;
  case AVERROR_DECODER_NOT_FOUND:
  case AVERROR_ENCODER_NOT_FOUND:
  case AVERROR_DEMUXER_NOT_FOUND:
  case AVERROR_MUXER_NOT_FOUND:
  case AVERROR_FILTER_NOT_FOUND:
  case AVERROR_BSF_NOT_FOUND:
  case AVERROR_PROTOCOL_NOT_FOUND:
    return errc::unsupported;
  case AVERROR_OPTION_NOT_FOUND:
    return errc::option;
  default:
    return fallback;
  }
}

/// True if the source does not exist, or may not be read, and a retry will not change that.
bool is_absent(int code, int http_status) {
  switch (code) {
  case AVERROR(ENOENT):
  case AVERROR(ENOTDIR):
  case AVERROR(EISDIR):
  case AVERROR(EACCES):
  case AVERROR(EPERM):
  case AVERROR(ELOOP):
  case AVERROR(ENAMETOOLONG):
  case AVERROR_HTTP_BAD_REQUEST:
  case AVERROR_HTTP_UNAUTHORIZED:
  case AVERROR_HTTP_FORBIDDEN:
  case AVERROR_HTTP_NOT_FOUND:
    return true;
  case AVERROR_HTTP_OTHER_4XX:
    // RFC 9110, 6585: "request timeout", "too early" and "too many requests" ask for a retry.
    return http_status != 0 && http_status != 408 && http_status != 425 && http_status != 429;
  default:
    return false;
  }
}

} // namespace

std::string av_text(int code) {
  char text[AV_ERROR_MAX_STRING_SIZE] = {};
  av_strerror(code, text, sizeof text);
  return text;
}

tl::unexpected<error> fail(errc fallback, std::string_view step, int code) {
  return tl::unexpected{error{classify(fallback, code), std::string{step} + ": " + av_text(code)}};
}

tl::unexpected<error> fail_to_open(errc fallback, std::string_view step, int code, int http_status) {
  auto result = fail(fallback, step, code);
  if (is_absent(code, http_status))
    result.value().code = errc::absent;
  if (http_status != 0 && (code == AVERROR_HTTP_OTHER_4XX || code == AVERROR_HTTP_SERVER_ERROR))
    result.value().what = std::string{step} + ": the server answered with status " + std::to_string(http_status);
  return result;
}

error from_file(base::file_error x) {
  auto code = x.kind == base::file_fault::refused     ? errc::option
              : x.kind == base::file_fault::too_large ? errc::limit
                                                      : errc::io;
  return {code, std::move(x.what)};
}

tl::unexpected<error> fail(errc code, std::string what) {
  return tl::unexpected{error{code, std::move(what)}};
}

} // namespace troupe::av
