// Puts an I/O context with our callbacks on top of libavformat's own, if the stream is to be cut.
#include "encoder/source/source_io.hpp"

#include <algorithm>
#include <utility>

namespace troupe::av {

namespace {

constexpr int chunk_bytes = 32 * 1024;
constexpr char sync_byte = 0x47;

/// Bytes of the start that are examined: enough for two transport packets or the first lines of a playlist.
constexpr size_t head_bytes = 1024;

} // namespace

std::unique_ptr<source_io> source_io::open(const std::string& url, AVDictionary** options, AVIOInterruptCB callback,
                                           bool parts, int& code) {
  std::unique_ptr<source_io> self{new source_io};
  code = open_io(self->inner_, url, callback, options);
  if (code < 0)
    return {};
  std::string head(head_bytes, '\0');
  code =
    avio_read_partial(self->inner_.get(), reinterpret_cast<unsigned char*>(head.data()), static_cast<int>(head.size()));
  if (code < 0 && code != AVERROR_EOF)
    return {};
  head.resize(static_cast<size_t>(std::max(code, 0)));
  auto is_ts =
    head.size() > ts_parts::packet_bytes && head[0] == sync_byte && head[ts_parts::packet_bytes] == sync_byte;
  // These bytes are still in the buffer, even if the source cannot seek.
  if (auto at = avio_seek(self->inner_.get(), 0, SEEK_SET); at < 0) {
    code = static_cast<int>(at);
    return {};
  }
  self->head_ = std::move(head);
  if (parts && is_ts) {
    self->chunk_.resize(chunk_bytes);
    self->make_outer();
  }
  code = 0;
  return self;
}

void source_io::make_outer() {
  auto on_read = [](void* self, uint8_t* to, int size) { return static_cast<source_io*>(self)->read(to, size); };
  auto on_seek = [](void* self, int64_t offset, int whence) {
    return static_cast<source_io*>(self)->seek(offset, whence);
  };
  outer_ = make_io(chunk_bytes, this, on_read, nullptr, on_seek);
  outer_->seekable = parts_.was_cut() ? 0 : inner_->seekable;
}

void source_io::next_part() {
  parts_.next_part();
  make_outer();
}

int source_io::read(uint8_t* to, int size) {
  for (;;) {
    if (auto count = parts_.take({to, static_cast<size_t>(size)}); count > 0)
      return static_cast<int>(count);
    if (parts_.at_cut())
      return AVERROR_EOF;
    if (end_ != 0)
      return end_;
    auto count = avio_read_partial(inner_.get(), chunk_.data(), chunk_bytes);
    if (count == AVERROR(EAGAIN) || count == AVERROR_EXIT)
      return count;
    if (count > 0) {
      parts_.feed({chunk_.data(), static_cast<size_t>(count)});
    } else {
      end_ = count == 0 ? AVERROR_EOF : count;
      parts_.finish();
    }
  }
}

int64_t source_io::seek(int64_t offset, int whence) {
  if ((whence & AVSEEK_SIZE) != 0)
    return avio_size(inner_.get());
  auto at = avio_seek(inner_.get(), offset, whence & ~AVSEEK_FORCE);
  if (at >= 0) {
    parts_.flush();
    end_ = 0;
  }
  return at;
}

} // namespace troupe::av
