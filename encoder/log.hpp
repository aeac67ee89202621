// What libav* and the codecs behind it write to stderr by themselves: nothing, and what their errors say is kept for ours.
#pragma once

#include <string>

namespace troupe::av {

/// Silences libav*'s log and that of the codec libraries which print past it, once for the whole process. Every decoder and encoder of
/// this library calls it before it opens.
void quiet_logs();

/// Collects what libav* logs as errors on the calling thread from construction to destruction: its return codes say little, its log lines
/// say why. Captures nest; the innermost one collects.
class log_capture {
public:
  log_capture();
  log_capture(const log_capture&) = delete;
  log_capture& operator=(const log_capture&) = delete;
  ~log_capture();

  /// The lines so far, joined by "; ", at most 512 bytes. Printable characters only.
  const std::string& text() const noexcept {
    return text_;
  }

  void append(const char* line);

private:
  log_capture* outer_;
  std::string text_;
};

} // namespace troupe::av
