// The bytes of a source under libavformat's demuxer: a file or a connection, opened once, however often the demuxer is made anew on it.
//
// A transport stream comes out in parts, see `ts_parts`: at the end of each the demuxer sees the end of its input, gives all that it holds, and the
// next one begins on the same connection.
#pragma once

#include "encoder/source/ts_parts.hpp"

extern "C" {
#include <libavformat/avformat.h>
}

#include <memory>
#include <string>
#include <vector>

namespace troupe::av {

class source_io {
public:
  /// Opens the URL with those options, of which those that nobody knew are left, and waits for its first bytes. `parts` cuts a transport stream. Null, and
  /// libav*'s number in `code`, where that fails.
  static std::unique_ptr<source_io> open(const std::string& url, AVDictionary** options, AVIOInterruptCB callback,
                                         bool parts, int& code);

  source_io(const source_io&) = delete;
  source_io& operator=(const source_io&) = delete;
  ~source_io();

  /// The first bytes.
  const std::string& head() const noexcept {
    return head_;
  }

  /// What the demuxer reads. Stays ours.
  AVIOContext* context() const noexcept {
    return outer_ != nullptr ? outer_ : inner_;
  }

  /// True where the present part is not the first.
  bool is_cut() const noexcept {
    return outer_ != nullptr && parts_.was_cut();
  }

  /// The part that is read has ended, and another one follows.
  bool at_cut() const noexcept {
    return outer_ != nullptr && parts_.at_cut();
  }

  /// True for a transport stream that nobody can decode without a key.
  bool is_scrambled() const noexcept {
    return parts_.is_scrambled();
  }

  /// Goes on with that. `context` is another one then.
  void next_part();

  /// The number of the program that is read.
  void follow(int program) {
    parts_.follow(program);
  }

private:
  source_io() = default;

  void make_outer();
  void free_outer() noexcept;
  int read(uint8_t* to, int size);
  int64_t seek(int64_t offset, int whence);

  std::string head_;
  AVIOContext* inner_ = nullptr;
  AVIOContext* outer_ = nullptr; ///< of a transport stream
  ts_parts parts_;
  std::vector<uint8_t> chunk_;
  int end_ = 0; ///< what the connection's last read returned, where nothing more comes
};

} // namespace troupe::av
