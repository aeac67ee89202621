// An incoming file: it only grows at its end, under a temporary name, until its checksum is verified; then it is moved
// into place in one step.
//
// A writer states the offset at which it appends. After an interruption it asks where to resume, and this cancels the
// earlier writer. So unread data of a dead connection can no longer move the file's end, and two connections never
// write the same file. Received bytes survive a restart of this process: the file's size says how many they are.
#pragma once

#include "base/descriptor.hpp"
#include "base/path_roots.hpp"
#include "base/sha256.hpp"
#include "transfer/refusal.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <span>
#include <string>

namespace troupe::transfer {

class incoming {
public:
  /// Moves the finished file, which has the name `from` and is open as `file`, into place.
  using placer = std::function<answer<void>(const std::string& from, int file)>;

  /// Whether an existing file under the name is the beginning of this one.
  enum class begin_with { what_is_there, nothing };

  /// `path` is the temporary name, below `roots`; the file is not opened yet.
  incoming(std::string path, uint64_t bytes_max, placer place, begin_with first = begin_with::what_is_there,
           base::path_roots roots = {});

  incoming(const incoming&) = delete;
  incoming& operator=(const incoming&) = delete;

  /// How many bytes have been received.
  answer<uint64_t> size();

  /// The same for a writer that resumes: the earlier writer is cancelled.
  answer<uint64_t> resume();

  /// Begins to append at `offset`, which must be the present size, to a file that will have `total` bytes. Returns the
  /// writer's number; earlier writers are cancelled.
  answer<uint64_t> begin(uint64_t offset, uint64_t total);

  /// Bytes beyond the total are refused.
  answer<void> append(uint64_t writer, std::span<const std::byte> bytes);

  /// Verifies the file's size and SHA-256, flushes it to the disk and moves it into place. A file that is
  /// too short stays; one that is damaged is removed. Once successful, the same call gives the same answer again.
  answer<void> finish(uint64_t total, const std::string& sha256);

  /// Removes the unfinished file, and refuses further data. It does not wait for a running `finish`, which notices this
  /// and removes the file itself.
  void abandon();

private:
  answer<void> open();
  /// Removes the file if it is no longer wanted.
  answer<void> still_wanted();
  answer<void> prove(uint64_t total, const std::string& sha256);
  answer<void> hash_rest();
  void remove();

  const std::string path_;
  const uint64_t bytes_max_;
  const placer place_;
  const begin_with first_;
  const base::path_roots roots_;
  std::atomic<bool> abandoned_{false};
  std::mutex mutex_; ///< guards all members below
  base::descriptor file_;
  uint64_t size_ = 0;
  uint64_t total_ = 0;
  uint64_t writer_ = 0;
  base::sha256 hash_;
  uint64_t hashed_ = 0; ///< bytes that `hash_` includes
  std::string done_;    ///< SHA-256 of the file that was moved into place
};

} // namespace troupe::transfer
