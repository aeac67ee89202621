// A rendition as one endless MPEG-TS: samples are muxed once, and every client of the rendition reads the same bytes.
#pragma once

#include "messages/media.hpp"
#include "packaging/muxer.hpp"
#include "packaging/variant_stream.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace troupe {

/// True if MPEG-TS, the container for clients of channels, carries a codec, by libav*'s name.
bool transport_holds(const std::string& codec);

/// Owned by one thread. Other threads may read its stream.
class ts_output {
public:
  using clock = std::chrono::steady_clock;

  explicit ts_output(variant_stream_ptr stream) : stream_(std::move(stream)) {}

  ts_output(const ts_output&) = delete;
  ts_output& operator=(const ts_output&) = delete;

  /// The tracks of all later samples. If they differ from before, the stream announces the change.
  av::expected<void> set_format(const stream_format& format);

  /// Muxes a block of at least one sample. Does nothing before the first format.
  av::expected<void> write(const sample_block& block, clock::time_point now);

  /// Sends the clock to clients while pictures are far apart.
  void pass_time(clock::time_point now);

private:
  void push(bool random_access, int64_t dts);

  variant_stream_ptr stream_;
  std::optional<av::muxer> mux_;
  stream_format format_;
  std::vector<std::byte> bytes_; ///< muxed and not yet pushed
  clock::time_point written_;    ///< when the newest sample was
  int64_t dts_ = no_timestamp;   ///< of that
};

} // namespace troupe
