// Files sent to a coordinator and fetched from it, however often the connection breaks.
//
// Everything blocks until it is done, is refused, or is told to stop. A transfer that is cut goes on where it was: after pauses that grow, and only so often without any byte that gets
// through. What the other side refuses for good is not tried again.
#pragma once

#include <tl/expected.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace troupe::transfer {

/// Something over there.
struct remote {
  std::string url;
  std::string ticket;                                           ///< empty: none
  std::vector<std::pair<std::string, std::string>> fields = {}; ///< further header fields
};

struct control {
  /// Set by another thread to end the work early. Must outlive the work.
  const std::atomic<bool>* stop = nullptr;
  /// Bytes that are there, of all. Called on the working thread, often. May be empty.
  std::function<void(uint64_t done, uint64_t all)> report = {};
  uint32_t tries_max = 8; ///< in a row without a byte that gets through
  std::chrono::milliseconds first_pause{100};
  std::chrono::milliseconds longest_pause{5'000};
  std::chrono::milliseconds silence_max{30'000}; ///< of a connection
};

struct failure {
  bool lasting = false; ///< refused, or this machine's own disk: trying again would not help
  bool stopped = false;
  unsigned status = 0; ///< of HTTP, where there was one
  std::string text;
};

template <class T>
using expected = tl::expected<T, failure>;

/// An answer without its body; what it does not say is empty.
struct answer_head {
  unsigned status = 0;
  uint64_t bytes = 0; ///< Content-Length
  std::string etag;   ///< without quotes
  std::string location;
  std::string sha256;    ///< of the whole file
  std::string body;      ///< its beginning, where the answer is an error
  uint64_t offset = 0;   ///< Upload-Offset
  std::string upload_id; ///< Upload-Id
};

/// One request without a body, tried again like all. What is refused is a failure that names the other side's words.
expected<answer_head> ask(const std::string& method, const remote& of, const control& with);

/// Sends the file and has its SHA-256 proved over there.
expected<void> upload(const std::string& path, const remote& to, const control& with);

enum class existing { keep, replace };

/// Fetches the file to `path`: written beside it, proved by `sha256` where that is not empty, flushed and renamed. What an earlier try left beside it is gone on with, as long as
/// the file over there is still the same. A regular file is replaced where that is allowed, and nothing else ever. Returns its size.
expected<uint64_t> download(const remote& from, const std::string& path, const std::string& sha256, const control& with,
                            existing there = existing::replace);

} // namespace troupe::transfer
