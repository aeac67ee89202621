// A second AVIOContext on top of libavformat's own: its read callback sees each byte as it arrives.
#include "rig/timed_input.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace troupe::bench {

namespace {

/// The scheme in lower case; empty for a plain path.
std::string scheme_of(const std::string& url) {
  auto end = url.find("://");
  if (end == std::string::npos || end > 16)
    return {};
  auto result = url.substr(0, end);
  std::transform(result.begin(), result.end(), result.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return result;
}

} // namespace

bool is_network(const std::string& url) {
  auto scheme = scheme_of(url);
  return !scheme.empty() && scheme != "file";
}

bool timed_input::can_wrap(const std::string& url) {
  constexpr std::array<std::string_view, 7> plain{"", "file", "http", "https", "tcp", "udp", "srt"};
  return std::find(plain.begin(), plain.end(), scheme_of(url)) != plain.end() && url.find(".m3u8") == std::string::npos;
}

int timed_input::open(const std::string& url) {
  if (auto code = av::open_io(inner_, url, interrupt()); code < 0)
    return code;
  constexpr int buffer_size = 32 * 1024;
  outer_ = av::make_io(buffer_size, this, &timed_input::read, nullptr, &timed_input::seek);
  outer_->seekable = inner_->seekable;
  return 0;
}

int timed_input::interrupted(void* self) {
  auto& me = *static_cast<timed_input*>(self);
  return me.stopped() || wall_clock::now() >= me.deadline_ ? 1 : 0;
}

int timed_input::read(void* self, uint8_t* buffer, int size) {
  auto& me = *static_cast<timed_input*>(self);
  auto got = avio_read_partial(me.inner_.get(), buffer, size);
  if (got == 0)
    return AVERROR_EOF;
  if (got < 0)
    return got;
  auto now = wall_clock::now();
  if (!me.first_byte_)
    me.first_byte_ = now;
  me.bytes_ += static_cast<uint64_t>(got);
  me.position_ += got;
  // Enough for any packet. The limit matters if nobody calls `arrival`, which removes entries.
  constexpr size_t stretches_max = 100'000;
  me.log_.push_back({me.position_, now});
  if (me.log_.size() > stretches_max)
    me.log_.pop_front();
  return got;
}

int64_t timed_input::seek(void* self, int64_t offset, int whence) {
  auto& me = *static_cast<timed_input*>(self);
  if (whence == AVSEEK_SIZE)
    return avio_size(me.inner_.get());
  auto result = avio_seek(me.inner_.get(), offset, whence & ~AVSEEK_FORCE);
  if (result >= 0) {
    me.position_ = result;
    me.log_.clear();
  }
  return result;
}

wall_clock::time_point timed_input::arrival(int64_t position) {
  if (position < 0)
    return wall_clock::now();
  while (!log_.empty() && log_.front().end <= position)
    log_.pop_front();
  return log_.empty() ? wall_clock::now() : log_.front().at;
}

} // namespace troupe::bench
