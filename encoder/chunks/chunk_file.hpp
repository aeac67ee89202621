// The output of a window, on its way from the worker that encoded it to the one that assembles.
//
// None of libavformat's containers returns exactly what was put in: NUT has no decoding times, MP4 not every codec,
// Matroska only milliseconds; all lose codec parameters or packet side data. So a chunk file holds the tracks'
// parameters, then the packets, one after the other, with their times in ticks. Everything is little endian. Codecs,
// formats and layouts are stored by name, so that machines with different versions of libav* understand each other.
// Each record has a CRC-32, and an end record has the number of packets, so truncation and changes are detected.
#pragma once

#include "base/publish.hpp"
#include "encoder/error.hpp"
#include "encoder/track.hpp"

#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace troupe::av {

/// Legal calls: `create`, `begin` once, `write` any number of times, `commit` once.
class chunk_writer {
public:
  static expected<chunk_writer> create(const std::string& target, const std::string& tag);

  expected<void> begin(const std::vector<track>& tracks);

  /// `packet` has its times in ticks; its `stream_index` is an index in `tracks`.
  expected<void> write(const AVPacket& packet);

  /// Makes the file appear under its name, replacing an older one. Returns its SHA-256.
  expected<std::string> commit();

  uint64_t size() const noexcept {
    return file_.size();
  }

private:
  explicit chunk_writer(base::new_file file) : file_{std::move(file)} {}
  expected<void> put_record(std::span<const uint8_t> record);

  base::new_file file_;
  uint64_t packets_ = 0;
};

/// Legal calls: `open`, then `next` until it returns false, then `digest`. Any fault of the file is `errc::media`.
class chunk_reader {
public:
  static expected<chunk_reader> open(const std::string& path, bool hashing = false);

  const std::vector<track>& tracks() const noexcept {
    return tracks_;
  }

  /// The next packet; false after the last one. With `headers_only` a packet comes without its data.
  expected<bool> next(AVPacket& packet, bool headers_only = false);

  /// SHA-256 of the whole file, if `open` was asked for it.
  std::string digest() {
    return hash_->digest();
  }

private:
  struct closer {
    void operator()(std::FILE* ptr) const noexcept {
      std::fclose(ptr);
    }
  };

  chunk_reader(std::unique_ptr<std::FILE, closer> file, std::string path)
    : file_{std::move(file)}, path_{std::move(path)} {}
  expected<void> read_record();
  bool read(std::span<uint8_t> bytes);
  expected<void> take_tracks();
  expected<bool> take_packet(AVPacket& packet, bool headers_only);
  tl::unexpected<error> broken(const std::string& what) const;

  std::unique_ptr<std::FILE, closer> file_;
  std::string path_;
  std::optional<base::sha256> hash_;
  std::vector<uint8_t> record_;
  std::vector<track> tracks_;
  uint64_t packets_ = 0;
  bool ended_ = false;
};

} // namespace troupe::av
