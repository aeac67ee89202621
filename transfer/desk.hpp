// What of files a coordinator lets others read and write over HTTP, and who may: the one place that jobs and the HTTP server share.
//
// Jobs say which files are theirs and which attempts are at work; the server asks with what came in a request. What belongs to an attempt is refused once the attempt is over. Files that
// clients bring, and results that they have not fetched yet, lie below the work folder and survive a restart.
// All members may be called from any thread; those that touch the disk say so.
#pragma once

#include "transfer/incoming.hpp"
#include "transfer/refusal.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace troupe::transfer {

struct desk_config {
  std::string secret;             ///< of tickets
  std::string work_folder;        ///< of file jobs; uploads and results lie in it, too
  bool direct = true;             ///< workers may use paths that are really the same for them
  uint64_t bytes_max = 0;         ///< of one file that comes in
  size_t uploads_max = 256;       ///< that are open
  size_t client_uploads_max = 64; ///< of one client
  /// An open upload that brings nothing for so long gives way to another, where too many are open.
  std::chrono::milliseconds upload_idle{60'000};
  std::chrono::milliseconds keep{24 * 3'600'000}; ///< for clients' files that nobody touches
  /// Why so many bytes more are too many for the disk of a path, for people; empty where they are not.
  std::function<std::string(const std::string& path, uint64_t bytes)> shortage;
};

/// A job as far as its files go.
struct job_files {
  std::string id;      ///< as text
  std::string life;    ///< tells this run of the job from an earlier one
  std::string source;  ///< path, or URL that is none of our business
  std::string folder;  ///< of its chunks
  std::string staging; ///< beside `output`
  std::string output;
  bool overwrite = false;
};

/// What a task is told of it.
struct job_access {
  std::string ticket;
  std::string marker;   ///< what the marker files hold
  std::string identity; ///< of the source as it is here; empty where it is not
  bool direct = true;
};

class desk {
public:
  using clock = std::chrono::system_clock;

  explicit desk(desk_config config);

  /// The file in a job's folder that shows whether its path means the same to others.
  static constexpr const char* marker_name = "marker";

  /// Where workers reach the HTTP server: "http://host:port", or "http://:port" for the host that they know.
  void set_address(std::string address);
  std::string address() const;

  // -- jobs -------------------------------------------------------------------

  /// Opens the job's files, and puts a marker into its folder. Touches the disk.
  job_access open_job(const job_files& x);

  /// What an attempt of the job is called in its uploads: the same for the same text, also after a restart, and known to nobody who was not told.
  std::string attempt_name(const std::string& id, const std::string& text) const;

  /// All of its attempts are over. Touches the disk.
  void close_job(const std::string& id, const std::string& life);

  /// This attempt may write the chunk of that number, as `path`.
  void begin_chunk(const std::string& id, const std::string& attempt, uint32_t number, const std::string& path);

  /// This attempt may bring the job's result. A marker lies at the staging path until then. Touches the disk.
  void begin_result(const std::string& id, const std::string& attempt, bool overwrite);

  /// Identity of the result that an attempt brought and that took its place; empty where none did.
  std::string published(const std::string& id) const;

  /// Whether workers may use paths that are really the same for them.
  bool is_direct() const noexcept {
    return config_.direct;
  }

  /// What it has not finished is removed. Touches the disk.
  void end_attempt(const std::string& id, const std::string& attempt);

  // -- what workers ask for ---------------------------------------------------

  /// The path of the source.
  answer<std::string> source(const std::string& id, const std::string& ticket) const;

  /// The path of a finished chunk by its file name.
  answer<std::string> chunk(const std::string& id, const std::string& ticket, uint32_t number,
                            const std::string& name) const;

  answer<std::shared_ptr<incoming>> chunk_upload(const std::string& id, const std::string& ticket, uint32_t number,
                                                 const std::string& attempt) const;

  answer<std::shared_ptr<incoming>> result_upload(const std::string& id, const std::string& ticket,
                                                  const std::string& attempt) const;

  // -- what clients ask for; all of it touches the disk ------------------------

  /// A place for a file of that name's kind. The same key and size lead to the same place again. Returns its id.
  /// What it announces counts as taken from the disk at once. `client`: who asks, such as an IP address.
  answer<std::string> create_upload(const std::string& key, uint64_t bytes, const std::string& name,
                                    const std::string& client = {});

  answer<std::shared_ptr<incoming>> upload(const std::string& id);

  answer<void> drop_upload(const std::string& id);

  /// The path of a finished upload.
  answer<std::string> uploaded(const std::string& id) const;

  /// The path of a result that is kept until it is fetched, made for what `key` names.
  answer<std::string> kept_result(const std::string& key, const std::string& name) const;

  /// False where the path is none of a kept result.
  bool drop_result(const std::string& path);

  /// Whether there are files of clients at all.
  bool keeps_any() const;

  /// Removes clients' files that nobody has touched for long, but for those that a job still needs.
  void sweep(clock::time_point now, const std::function<bool(const std::string& path)>& needed);

private:
  struct attempt {
    bool is_result = false;
    uint32_t number = 0;
    std::shared_ptr<incoming> file;
  };

  struct job {
    job_files files;
    std::string marker;
    std::map<std::string, attempt> attempts;
    std::shared_ptr<std::string> published = std::make_shared<std::string>(); ///< guarded by the desk's mutex
  };

  answer<void> check(const std::string& id, const std::string& ticket) const;
  answer<std::shared_ptr<incoming>> find(const std::string& id, const std::string& ticket, bool is_result,
                                         uint32_t number, const std::string& attempt) const;
  std::string uploads() const;
  std::string results() const;
  // -- with the mutex held -----------------------------------------------------

  /// That open uploads have announced and not brought.
  uint64_t bytes_to_come() const;
  /// For one more upload of that client: the oldest idle one gives way where too many are open.
  answer<void> make_room(const std::string& client);
  /// Whoever still writes to it is refused from now on.
  void forget(const std::string& id);
  /// The file of an upload, finished or not; empty where there is none.
  std::string find_upload(const std::string& id) const;

  const desk_config config_;
  mutable std::mutex mutex_; ///< guards all below
  std::string address_;
  std::map<std::string, job> jobs_;
  std::map<std::string, std::shared_ptr<incoming>> uploads_;
  std::map<std::string, std::string> clients_; ///< of open uploads, by their ids; not known after a restart
};

} // namespace troupe::transfer
