// What libav* and the codecs behind it write to stderr by themselves: nothing. What their errors say is kept for ours, and a piece of work may keep
// their warnings, too.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace troupe::av {

/// Silences libav*'s log and that of the codec libraries which print past it, once for the whole process. Every decoder and encoder of
/// this library calls it before it opens.
void quiet_logs();

/// The status with which the latest HTTP request of this thread was refused, as libavformat told; 0 where none was since the last call.
int take_http_status();

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

/// One thing that libav* said.
struct log_entry {
  int64_t at_ms = 0; ///< since 1970, UTC
  bool error = false;
  std::string text; ///< "libx264: ..."; printable characters only, at most `work_log::line_bytes_max`
};

/// From now on `receive` gets what libav* logs as warnings and errors on any thread of the process, a line a call, where no `work_log` collects it. Of
/// lines that differ in their numbers alone the first few are passed on. Without it they are dropped.
void log_to(std::function<void(bool error, const std::string& text)> receive);

/// Collects what libav* logs as warnings and errors on any thread of the process, from construction to destruction: for processes that do one
/// piece of work at a time. A second one, while the first is there, collects nothing.
///
/// Of lines that differ in their numbers alone the first few are kept, and in the end their count. What exceeds the limits is dropped, and the last line
/// says so.
class work_log {
public:
  /// Adds a line of our own to the log of the work that is under way, if there is one.
  static void say(std::string text);

  static constexpr size_t lines_max = 100;
  static constexpr size_t line_bytes_max = 500;
  static constexpr uint64_t alike_max = 3;

  work_log();
  work_log(const work_log&) = delete;
  work_log& operator=(const work_log&) = delete;
  ~work_log();

  /// What has come since the last call. Any thread. `end` adds how much more of each kind there was, which is said once.
  std::vector<log_entry> take(bool end);

  /// Any thread.
  void add(bool error, std::string text);

private:
  struct alike {
    uint64_t lines = 0;
    log_entry latest;
  };

  std::mutex mutex_;
  std::vector<log_entry> entries_;
  std::map<std::string, alike> kinds_; ///< by the text without its numbers
  size_t lines_ = 0;                   ///< so far
  bool cut_ = false;
};

} // namespace troupe::av
