// Media for the tests of demuxer and muxer, made by libav* itself: a small moving picture and a tone, encoded once,
// written into any container, with wrong times if a test wants them.
#pragma once

#include "encoder/track.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace troupe::av::test {

/// Encoded packets in the order of their decoding times; `stream_index` is an index into the tracks, times in
/// `time_base`.
struct clip {
  std::vector<track> tracks;
  std::vector<packet_ptr> packets;
};

struct clip_settings {
  std::string video = "libx264"; ///< empty for none
  std::string audio = "aac";     ///< empty for none
  int frames = 75;               ///< at 25 a second; the sound has the same length
  int gop = 25;
  int b_frames = 2;
  bool global_header = false;                 ///< as MP4 and MKV want it
  std::map<std::string, std::string> options; ///< of the video encoder
};

clip make_clip(const clip_settings& settings);

/// Changes a packet's times before it is written; false drops it.
using change = std::function<bool(AVPacket&)>;

/// Writes a new file with libavformat and these muxer options; "mpegts" keeps the times as they are. Returns the path.
std::string write_file(const clip& from, const std::string& format, const std::string& name, const change& edit = {},
                       const std::map<std::string, std::string>& muxer = {});

/// A path in this process's own temporary folder, which is removed at the end.
std::string temporary(const std::string& name);

std::string read_bytes(const std::string& path);
std::string write_bytes(const std::string& name, const std::string& bytes);

/// Adds `ticks` to every time.
change moved(int64_t ticks);

/// A server on a loopback port of its own that answers each connection with what `answer` returns for the path of its
/// request, then closes it. If `answer` returns "hang", nothing is sent and the connection stays open.
class tiny_server {
public:
  explicit tiny_server(std::function<std::string(const std::string&)> answer);
  tiny_server(const tiny_server&) = delete;
  tiny_server& operator=(const tiny_server&) = delete;
  ~tiny_server();

  /// "http://127.0.0.1:port" + path
  std::string url(const std::string& path) const;

  std::vector<std::string> requests() const;

private:
  struct state;
  std::unique_ptr<state> state_;
};

} // namespace troupe::av::test
