// A job's registration with `transfer::upload_registry`: opened when the job begins, closed with it. It makes the file
// access that the job's tasks get.
#pragma once

#include "messages/file_work.hpp"
#include "messages/job.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <string>

namespace troupe::transfer {
class upload_registry;
} // namespace troupe::transfer

namespace troupe {

class job_registration {
public:
  /// Touches the disk: do not call it from a scheduled actor. `uploads` may be null: then tasks get only paths.
  job_registration(std::shared_ptr<transfer::upload_registry> uploads, job_id id, uint32_t life,
                   const file_order& order, const std::string& folder, const std::string& staging);

  job_registration(const job_registration&) = delete;
  job_registration& operator=(const job_registration&) = delete;
  ~job_registration();

  /// Completes the work for its task; from now on the attempt may use the job's files.
  file_work begin(file_work x);

  /// Work that a task got before a restart belongs to this attempt from now on. The task may deliver its files under
  /// the name of its old attempt.
  void adopt(attempt_id attempt, const file_work& x);

  /// Identity of the result, if a task delivered it over HTTP.
  std::string published() const;

  /// Nothing is accepted from this attempt any more.
  void end(attempt_id attempt);

private:
  std::string tag_of(attempt_id attempt) const;

  std::shared_ptr<transfer::upload_registry> uploads_;
  file_access access_;
  std::string life_;
  std::map<attempt_id, std::string> adopted_; ///< names under which adopted tasks know their attempts
};

/// Why a job's source may not be read, or its result cannot be stored under its name, as far as this machine can see;
/// else empty. A folder that it does not see may be a worker's. Touches the disk.
std::string in_the_way(const file_order& order, bool overwrite, const transfer::upload_registry& uploads);

/// Where this run of the job writes its result: next to the output.
std::string staging_of(const file_order& order, job_id id, uint32_t life);

} // namespace troupe
