// A job's place at the coordinator's desk of files: opened when the job begins, closed with it. What the job's tasks are told of their files is made here.
#pragma once

#include "messages/file_work.hpp"
#include "messages/job.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <string>

namespace troupe::transfer {
class desk;
} // namespace troupe::transfer

namespace troupe {

class job_desk {
public:
  /// Touches the disk: not for a scheduled actor. `desk` may be null: then paths are all that tasks are told.
  job_desk(std::shared_ptr<transfer::desk> desk, job_id id, uint32_t life, const file_order& order,
           const std::string& folder, const std::string& staging);

  job_desk(const job_desk&) = delete;
  job_desk& operator=(const job_desk&) = delete;
  ~job_desk();

  /// The work as its task is to get it: its attempt is open from now on.
  file_work begin(file_work x);

  /// The work that a task of an earlier life was given is this attempt's from now on: under its old name it may bring what it made.
  void adopt(attempt_id attempt, const file_work& x);

  /// Identity of the result, where a task brought it over HTTP.
  std::string published() const;

  /// Nothing is taken from this attempt any more.
  void end(attempt_id attempt);

private:
  std::string tag_of(attempt_id attempt) const;

  std::shared_ptr<transfer::desk> desk_;
  file_access access_;
  std::string life_;
  std::map<attempt_id, std::string> adopted_; ///< the names by which such tasks know their attempts
};

/// Why a job's result cannot appear under its name, as far as this machine sees it; else empty. `direct`: workers may have folders of their own.
/// Touches the disk.
std::string in_the_way(const file_order& order, bool overwrite, bool direct);

/// Where that life of the job writes its result: beside the output.
std::string staging_of(const file_order& order, job_id id, uint32_t life);

} // namespace troupe
