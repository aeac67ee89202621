// A cluster that works at a file: its source, its orders, what becomes of them.
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

class job_cluster {
public:
  /// Starts nothing yet. The source is a file of its own, which a test may change.
  explicit job_cluster(std::vector<std::string> flags = {}, std::string worker_program = node_program());

  cluster c;
  std::string source = c.folder().path("source.mkv");
  std::string result = c.folder().path("result.mp4");

  /// What an order that takes some seconds says, as JSON; `more` is added: members with their commas.
  std::string slow_order(const std::string& more = {}) const;

  http_answer submit(const std::string& order) const;

  /// Orders, and returns the job's id.
  std::string order(const std::string& text) const;

  boost::json::object job(const std::string& id) const;
  std::string error_of(const std::string& id) const;

  /// All that has happened to it, as one text.
  std::string history(const std::string& id) const;

  /// The finished chunks: their checksums by their numbers.
  std::map<int64_t, std::string> finished(const std::string& id) const;
  size_t attempts(const std::string& id) const;

  void wait_for_chunks(const std::string& id, size_t count) const;
  void wait_until_over(const std::string& id, const std::string& state) const;

  /// The processes that work at files, once there are some.
  std::vector<pid_t> wait_for_file_tasks() const;
  std::vector<pid_t> file_tasks() const;

  /// Every picture once and in order, sound in sync, nothing that a decoder finds fault with.
  void check_result() const;

  /// No result, nothing half written beside where it would be.
  void check_nothing_is_published() const;
};

/// A small disk of memory, for as long as it lives. Needs root.
class small_disk {
public:
  small_disk(const std::string& path, size_t bytes);
  small_disk(const small_disk&) = delete;
  small_disk& operator=(const small_disk&) = delete;
  ~small_disk();

  /// False where this machine does not let us.
  explicit operator bool() const noexcept {
    return mounted_;
  }

  /// Takes all that is left.
  void fill() const;
  void free() const;
  void resize(size_t bytes) const;

private:
  std::string path_;
  bool mounted_ = false;
};

} // namespace troupe::test
