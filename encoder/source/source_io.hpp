// The bytes of a source under libavformat's demuxer. A file or connection is opened once, even if the demuxer is made
// again.
//
// A transport stream comes in parts, see `ts_parts`. At the end of a part, the demuxer sees the end of its input and
// returns all that it holds. The next part begins on the same connection.
#pragma once

#include "encoder/format_ptr.hpp"
#include "encoder/source/ts_parts.hpp"

#include <memory>
#include <string>
#include <vector>

namespace troupe::av {

class source_io {
public:
  /// Opens the URL with these options and waits for its first bytes; unknown options stay in `options`. `parts` cuts a
  /// transport stream. Returns null on failure, with libav*'s number in `code`.
  static std::unique_ptr<source_io> open(const std::string& url, AVDictionary** options, AVIOInterruptCB callback,
                                         bool parts, int& code);

  source_io(const source_io&) = delete;
  source_io& operator=(const source_io&) = delete;

  /// The first bytes.
  const std::string& head() const noexcept {
    return head_;
  }

  /// The input of the demuxer. This object keeps ownership.
  AVIOContext* context() const noexcept {
    return outer_ ? outer_.get() : inner_.get();
  }

  /// True if the present part is not the first.
  bool is_cut() const noexcept {
    return outer_ != nullptr && parts_.was_cut();
  }

  /// True if the present part has ended and another one follows.
  bool at_cut() const noexcept {
    return outer_ != nullptr && parts_.at_cut();
  }

  /// True for a transport stream that cannot be decoded without a key.
  bool is_scrambled() const noexcept {
    return parts_.is_scrambled();
  }

  /// Continues with the next part. `context` changes.
  void next_part();

  /// The number of the program to read.
  void follow(int program) {
    parts_.follow(program);
  }

private:
  source_io() = default;

  void make_outer();
  int read(uint8_t* to, int size);
  int64_t seek(int64_t offset, int whence);

  std::string head_;
  url_io_ptr inner_;
  callback_io_ptr outer_; ///< of a transport stream
  ts_parts parts_;
  std::vector<uint8_t> chunk_;
  int end_ = 0; ///< the result of the connection's last read, if nothing more comes
};

} // namespace troupe::av
