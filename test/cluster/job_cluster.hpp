// A cluster that transcodes one file: its source, the orders, and their results.
#pragma once

#include "test/cluster/media.hpp"
#include "test/support/cluster.hpp"

#include <boost/json/object.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <sys/types.h>

namespace troupe::test {

inline constexpr auto job_limit = milliseconds{60'000};

/// The finished chunks of a job: their checksums by their numbers.
using finished_chunks = std::map<int64_t, std::string>;

struct job_settings {
  std::vector<std::string> flags = {};         ///< for each node
  std::string worker_program = node_program(); ///< of workers and their tasks
  std::vector<cluster_channel> channels = {};
  uint32_t seconds = 20;          ///< of the source
  milliseconds limit = job_limit; ///< within which a job ends
};

class job_cluster {
public:
  /// Starts nothing yet. The source is a file of its own, which a test may change.
  explicit job_cluster(job_settings settings = {});

  cluster c;
  std::string source = c.folder().path("source.mkv");
  std::string result = c.folder().path("result.mp4");

  // -- orders -------------------------------------------------------------------

  /// The JSON of an order that takes some seconds. `more` adds JSON members, each with a comma before it.
  std::string slow_order(const std::string& more = {}) const;

  http_answer submit(const std::string& order) const;

  /// Sends an order, and returns the job's id.
  std::string order(const std::string& text) const;

  /// caf-ctl with these arguments; all of them write into one log.
  process ctl(std::vector<std::string> arguments) const;

  /// caf-ctl that transcodes the source into the result, with these settings.
  process transcode(const std::vector<std::string>& settings) const;

  /// The same without waiting for the job; returns its id.
  std::string transcode_detached(std::vector<std::string> settings) const;

  // -- what the API says --------------------------------------------------------

  boost::json::object job(const std::string& id) const;
  std::string error_of(const std::string& id) const;

  /// The job's history, as one text.
  std::string history(const std::string& id) const;

  finished_chunks finished(const std::string& id) const;
  size_t attempts(const std::string& id) const;

  void wait_for_chunks(const std::string& id, size_t count) const;
  void wait_until_over(const std::string& id, const std::string& state) const;

  /// Waits until processes work on files, and returns them.
  std::vector<pid_t> wait_for_file_tasks() const;
  std::vector<pid_t> file_tasks() const;

  std::vector<pid_t> chunk_tasks() const;

  struct hit {
    pid_t task = 0;
    size_t attempts = 0; ///< of all chunks, before the signal
    clock::time_point at;
  };

  /// Sends the signal to a task that works on a chunk. If it had finished its chunk, the job's history does not get
  /// `words`, and another task is hit.
  hit hit_chunk(const std::string& id, int signal, const std::string& words) const;

  // -- checks -------------------------------------------------------------------

  /// Checks that the result has every picture once and in order, sound in sync, and no decoding errors.
  void check_result() const;

  /// Checks that the chunks finished `before` were not made again.
  void check_kept(const finished_chunks& before, const std::string& id) const;

  /// Checks that only the job's result is left.
  void check_nothing_is_left(const std::string& id) const;

  /// Checks that there is no result, and no partial file in its folder.
  void check_nothing_is_published() const;

private:
  /// Waits until a process begins with a chunk, and returns it. Those that run already may end at any moment.
  pid_t wait_for_new_chunk() const;

  uint32_t seconds_;
  milliseconds limit_;
};

/// Checks the file at `path`, made from the small sample of this many seconds: it has every picture once and in order,
/// sound in sync, and no decoding errors.
void check_transcoded(const std::string& path, uint32_t seconds);

/// The small sample, but longer or shorter.
bench::sample_options sample_of(uint32_t seconds);

/// True if none of these processes exists any more.
bool all_gone(const std::vector<pid_t>& pids);

bool says(const std::string& text, const std::string& words);

int64_t ms_since(clock::time_point x);

/// A small disk in memory that exists as long as the object. Needs root.
class small_disk {
public:
  small_disk(const std::string& path, size_t bytes);
  small_disk(const small_disk&) = delete;
  small_disk& operator=(const small_disk&) = delete;
  ~small_disk();

  /// False if this machine does not allow it.
  explicit operator bool() const noexcept {
    return mounted_;
  }

  /// Fills the free space.
  void fill() const;
  void free() const;
  void resize(size_t bytes) const;

private:
  std::string path_;
  bool mounted_ = false;
};

} // namespace troupe::test
