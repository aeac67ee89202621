// One callback for the process hands error lines to the capture of the thread that makes them, and drops all else.
#include "encoder/log.hpp"

extern "C" {
#include <libavutil/log.h>
}

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <mutex>

namespace troupe::av {

namespace {

constexpr size_t text_max_bytes = 512;

thread_local log_capture* current = nullptr;

void on_log(void*, int level, const char* format, va_list arguments) {
  if (current == nullptr || level > AV_LOG_ERROR)
    return;
  char line[text_max_bytes];
  std::vsnprintf(line, sizeof line, format, arguments);
  current->append(line);
}

} // namespace

void quiet_logs() {
  static std::once_flag once;
  std::call_once(once, [] {
    av_log_set_callback(on_log);
    // SVT-AV1 prints its banner unless the environment says otherwise; 1 is "errors only".
    setenv("SVT_LOG", "1", 0);
  });
}

log_capture::log_capture() : outer_(current) {
  quiet_logs();
  current = this;
}

log_capture::~log_capture() {
  current = outer_;
}

void log_capture::append(const char* line) {
  auto joint = !text_.empty();
  for (; *line != '\0' && text_.size() < text_max_bytes; ++line) {
    if (*line == '\n')
      continue;
    if (joint)
      text_ += "; ";
    joint = false;
    text_ += *line >= ' ' && *line <= '~' ? *line : '?';
  }
}

} // namespace troupe::av
