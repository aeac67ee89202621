// One callback for the process. It passes error lines to the capture of their thread, warnings and errors to the log of
// the current work, and drops everything else.
#include "encoder/log.hpp"

#include "base/mask_url.hpp"
#include "base/utf8.hpp"

extern "C" {
#include <libavutil/log.h>
}

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string_view>
#include <utility>

namespace troupe::av {

namespace {

constexpr size_t text_max_bytes = 512;

thread_local log_capture* current = nullptr;

/// libavformat's error codes distinguish only four HTTP statuses; its log has them all.
thread_local int http_status = 0;
constexpr std::string_view http_error = "HTTP error ";

std::mutex work_mutex; ///< guards all variables below
work_log* work = nullptr;

struct relay {
  std::function<void(bool, const std::string&)> receive;
  std::map<std::string, uint64_t> lines; ///< count of each kind, by the text without numbers
};

relay* lines_to = nullptr; ///< lives as long as the process, because drivers' threads log until its very end

/// The source of a line: the name of a codec, a format, a filter.
std::string speaker(void* object) {
  auto* type = object != nullptr ? *static_cast<AVClass**>(object) : nullptr;
  if (type == nullptr || type->item_name == nullptr)
    return {};
  auto* name = type->item_name(object);
  return name != nullptr ? std::string{name} + ": " : std::string{};
}

/// Makes a line printable, without its line break and without credentials of sources.
std::string clean(const char* line) {
  std::string text{line};
  std::erase_if(text, [](char c) { return c == '\n' || c == '\r'; });
  text = base::mask_urls(base::plain_text(text));
  return std::string{base::cut(text, work_log::line_bytes_max)};
}

/// The text with '#' for each number: it identifies a kind of line.
std::string without_numbers(const std::string& text) {
  std::string result;
  for (auto c : text)
    if (c < '0' || c > '9')
      result += c;
    else if (result.empty() || result.back() != '#')
      result += '#';
  return result;
}

/// Call it with `work_mutex` locked.
void pass_on(bool error, const std::string& text) {
  auto& lines = lines_to->lines;
  auto kind = lines.find(without_numbers(text));
  if (kind == lines.end() && lines.size() < work_log::lines_max)
    kind = lines.try_emplace(without_numbers(text)).first;
  if (kind != lines.end() && ++kind->second <= work_log::alike_max)
    lines_to->receive(error, text);
}

void on_log(void* object, int level, const char* format, va_list arguments) {
  if (level > AV_LOG_WARNING)
    return;
  char text[text_max_bytes];
  auto size = std::vsnprintf(text, sizeof text, format, arguments);
  if (std::string_view{text}.starts_with(http_error))
    http_status = std::atoi(text + http_error.size());
  if (current != nullptr && level <= AV_LOG_ERROR)
    current->append(base::mask_urls(text).c_str());
  // A line may come in several parts.
  thread_local std::string line;
  if (line.empty())
    line = speaker(object);
  line += text;
  auto cut = size >= static_cast<int>(sizeof text);
  if (!cut && !line.ends_with('\n') && line.size() < text_max_bytes)
    return;
  auto whole = clean(std::exchange(line, {}).c_str());
  std::lock_guard guard{work_mutex};
  if (whole.empty())
    return;
  if (work != nullptr)
    work->add(level <= AV_LOG_ERROR, std::move(whole));
  else if (lines_to != nullptr)
    pass_on(level <= AV_LOG_ERROR, whole);
}

} // namespace

void quiet_logs() {
  static std::once_flag once;
  std::call_once(once, [] {
    av_log_set_callback(on_log);
    // SVT-AV1 prints its banner unless this variable is set; 1 is "errors only".
    setenv("SVT_LOG", "1", 0);
  });
}

int take_http_status() {
  return std::exchange(http_status, 0);
}

void log_to(std::function<void(bool error, const std::string& text)> receive) {
  quiet_logs();
  std::lock_guard guard{work_mutex};
  if (lines_to == nullptr)
    lines_to = new relay;
  *lines_to = {std::move(receive), {}};
}

log_capture::log_capture() : outer_(current) {
  quiet_logs();
  current = this;
}

log_capture::~log_capture() {
  current = outer_;
}

void log_capture::append(const char* line) {
  std::string text{line};
  std::erase(text, '\n');
  if (text.empty())
    return;
  text = text_ + (text_.empty() ? "" : "; ") + base::plain_text(text);
  text_ = base::cut(text, text_max_bytes);
}

work_log::work_log() {
  quiet_logs();
  std::lock_guard guard{work_mutex};
  if (work == nullptr)
    work = this;
}

work_log::~work_log() {
  std::lock_guard guard{work_mutex};
  if (work == this)
    work = nullptr;
}

void work_log::say(std::string text) {
  std::lock_guard guard{work_mutex};
  if (work != nullptr)
    work->add(false, std::move(text));
}

void work_log::add(bool error, std::string text) {
  text.resize(std::min(text.size(), line_bytes_max));
  auto now = std::chrono::system_clock::now().time_since_epoch();
  log_entry entry{std::chrono::duration_cast<std::chrono::milliseconds>(now).count(), error, std::move(text)};
  std::lock_guard guard{mutex_};
  auto kind = without_numbers(entry.text);
  auto known = kinds_.find(kind);
  if (known == kinds_.end() && kinds_.size() < lines_max)
    known = kinds_.try_emplace(std::move(kind)).first;
  if (known != kinds_.end() && ++known->second.lines > alike_max) {
    known->second.latest = std::move(entry);
    return;
  }
  if (lines_ < lines_max)
    entries_.push_back(std::move(entry));
  else if (!std::exchange(cut_, true))
    entries_.push_back({entry.at_ms, false, "there were more lines; they are not kept"});
  ++lines_;
}

std::vector<log_entry> work_log::take(bool end) {
  std::lock_guard guard{mutex_};
  auto result = std::exchange(entries_, {});
  if (!end)
    return result;
  for (auto& [kind, x] : kinds_) {
    if (x.lines <= alike_max)
      continue;
    auto text = std::to_string(x.lines - alike_max) + " more such as: " + x.latest.text;
    text.resize(std::min(text.size(), line_bytes_max));
    result.push_back({x.latest.at_ms, x.latest.error, std::move(text)});
  }
  kinds_.clear();
  return result;
}

} // namespace troupe::av
