// Sends files to a coordinator and fetches files from it, however often the connection breaks.
//
// All functions block until the transfer is done, is refused, or is told to stop. An interrupted transfer resumes where
// it was. Pauses between tries grow, and the number of tries without any transferred byte is limited. A final refusal
// is not retried.
#pragma once

#include "base/secret.hpp"

#include <tl/expected.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace troupe::transfer {

/// A resource on the other side.
struct remote {
  std::string url;
  base::secret_text ticket;                                     ///< empty: none
  std::vector<std::pair<std::string, std::string>> fields = {}; ///< further header fields
};

struct control {
  /// Set by another thread to end the work early. Must outlive the work.
  const std::atomic<bool>* stop = nullptr;
  /// Bytes transferred, out of all. Called often, on the working thread. May be empty.
  std::function<void(uint64_t done, uint64_t all)> report = {};
  uint32_t tries_max = 8; ///< in a row without a transferred byte
  std::chrono::milliseconds first_pause{100};
  std::chrono::milliseconds longest_pause{5'000};
  std::chrono::milliseconds silence_max{30'000}; ///< of a connection
};

struct failure {
  bool lasting = false; ///< refused, or a failure of this machine's own disk: a retry would not help
  bool stopped = false;
  unsigned status = 0; ///< HTTP status, if there was one
  std::string text;
};

template <class T>
using expected = tl::expected<T, failure>;

/// An answer without its body; missing fields are empty.
struct answer_head {
  unsigned status = 0;
  uint64_t bytes = 0; ///< Content-Length
  std::string etag;   ///< without quotes
  std::string location;
  std::string sha256;    ///< of the whole file
  std::string body;      ///< its beginning, if the answer is an error
  uint64_t offset = 0;   ///< Upload-Offset
  std::string upload_id; ///< Upload-Id
};

/// One request without a body, with the usual retries. A refusal is a failure with the other side's words.
expected<answer_head> ask(const std::string& method, const remote& of, const control& with);

/// Sends the file and has its SHA-256 verified on the other side.
expected<void> upload(const std::string& path, const remote& to, const control& with);

enum class existing { keep, replace };

/// Downloads the file to `path`: written next to it, verified by `sha256` unless that is empty, flushed and renamed. A
/// partial file of an earlier try is resumed if the file on the other side is still the same. An existing regular file
/// is replaced only if allowed; anything else is never replaced. Returns the size.
expected<uint64_t> download(const remote& from, const std::string& path, const std::string& sha256, const control& with,
                            existing there = existing::replace);

} // namespace troupe::transfer
