// Keeps libav* and the codec libraries from writing to stderr. Their errors become part of our errors, and a piece of
// work may also collect their warnings.
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

/// Silences libav*'s log and that of the codec libraries that bypass it, once for the whole process. Every decoder and
/// encoder of this library calls it before it opens.
void quiet_logs();

/// The status of the latest HTTP request of this thread that was refused, as libavformat reports it. 0 if none was
/// refused since the last call.
int take_http_status();

/// Collects libav*'s error lines on the calling thread from construction to destruction: return codes say little, log
/// lines say why. Captures nest; the innermost one collects.
class log_capture {
public:
  log_capture();
  log_capture(const log_capture&) = delete;
  log_capture& operator=(const log_capture&) = delete;
  ~log_capture();

  /// The lines so far, joined by "; ", printable characters only, at most 512 bytes.
  const std::string& text() const noexcept {
    return text_;
  }

  void append(const char* line);

private:
  log_capture* outer_;
  std::string text_;
};

/// One line of libav*'s log.
struct log_entry {
  int64_t at_ms = 0; ///< since 1970, UTC
  bool error = false;
  std::string text; ///< "libx264: ..."; printable characters only, at most `work_log::line_bytes_max`
};

/// From now on `receive` gets libav*'s warnings and errors from any thread, one line a call, unless a `work_log`
/// collects them. Of lines that differ only in numbers the first few are passed on. Before the first call of `log_to`,
/// lines that no `work_log` collects are dropped.
void log_to(std::function<void(bool error, const std::string& text)> receive);

/// Collects libav*'s warnings and errors from any thread, from construction to destruction: for processes that do one
/// piece of work at a time. A second object, while the first exists, collects nothing.
///
/// Of lines that differ only in numbers the first few are kept, and at the end their count. Lines beyond the limits are
/// dropped, and the last line says so.
class work_log {
public:
  /// Adds a line of our own to the log of the current work, if there is one.
  static void say(std::string text);

  static constexpr size_t lines_max = 100;
  static constexpr size_t line_bytes_max = 500;
  static constexpr uint64_t alike_max = 3;

  work_log();
  work_log(const work_log&) = delete;
  work_log& operator=(const work_log&) = delete;
  ~work_log();

  /// The entries since the last call. Any thread may call it. `end` adds, once, how many more lines of each kind came.
  std::vector<log_entry> take(bool end);

  /// Any thread may call it.
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
