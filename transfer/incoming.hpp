// A file on its way in: grows at its end alone, under another name, until its checksum is proved; then it takes its place at once.
//
// Whoever appends says where. After a cut it asks where to go on, and whoever wrote before is put off: what of a dead connection still waits to be read moves the file's
// end no more, and two connections never write the same file. Bytes that are there survive a restart of this process: the file itself says how many they are.
#pragma once

#include "base/descriptor.hpp"
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
  /// Puts the finished file, which has the name `from` and is open as `file`, where it belongs.
  using placer = std::function<answer<void>(const std::string& from, int file)>;

  /// Whether what lies under the name already is the file's beginning.
  enum class begin_with { what_is_there, nothing };

  /// `path` is the name until the end; nothing is opened yet.
  incoming(std::string path, uint64_t bytes_max, placer place, begin_with first = begin_with::what_is_there);

  incoming(const incoming&) = delete;
  incoming& operator=(const incoming&) = delete;

  /// How many bytes are there.
  answer<uint64_t> size();

  /// The same for one that goes on: whoever wrote until now is put off.
  answer<uint64_t> resume();

  /// Begins to append at `offset`, which has to be the size, to a file that will have `total` bytes. Returns the writer's number; earlier writers are put off.
  answer<uint64_t> begin(uint64_t offset, uint64_t total);

  /// Bytes beyond the total are refused.
  answer<void> append(uint64_t writer, std::span<const std::byte> bytes);

  /// Proves the file's size and SHA-256, flushes it to the disk and puts it in its place. A file that is not as it should be is removed. Once done, the same question has the same answer.
  answer<void> finish(uint64_t total, const std::string& sha256);

  /// Removes what is there; everything after this is refused. Does not wait for whoever proves the file just now: who does sees it, and removes the file.
  void abandon();

private:
  answer<void> open();
  /// Removes the file where it is not.
  answer<void> still_wanted();
  answer<void> prove(uint64_t total, const std::string& sha256);
  answer<void> hash_rest();
  void remove();

  const std::string path_;
  const uint64_t bytes_max_;
  const placer place_;
  const begin_with first_;
  std::atomic<bool> abandoned_{false};
  std::mutex mutex_; ///< guards all below
  base::descriptor file_;
  uint64_t size_ = 0;
  uint64_t total_ = 0;
  uint64_t writer_ = 0;
  base::sha256 hash_;
  uint64_t hashed_ = 0; ///< bytes that went into `hash_`
  std::string done_;    ///< SHA-256 of the file that took its place
};

} // namespace troupe::transfer
