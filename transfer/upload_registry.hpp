// The upload registry: which files a coordinator lets others read and write over HTTP, and who may. Jobs and the HTTP
// server share it.
//
// Jobs register their files and their running attempts; the server passes on the details of each request. What belongs
// to an attempt is refused once the attempt is over. Files that clients upload, and results that they have not fetched
// yet, are stored below the work folder and survive a restart. All members may be called from any thread; those that
// touch the disk say so.
#pragma once

#include "base/path_roots.hpp"
#include "base/secret.hpp"
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

struct upload_registry_config {
  base::secret_text secret;       ///< for the tickets
  std::string work_folder;        ///< of file jobs; also contains uploads and results
  bool direct = true;             ///< workers may use paths that provably lead to the same files
  uint64_t bytes_max = 0;         ///< of one incoming file
  size_t uploads_max = 256;       ///< open at a time
  size_t client_uploads_max = 64; ///< open at a time, for one client
  /// If too many uploads are open, one that has received nothing for this long may be dropped for a new one.
  std::chrono::milliseconds upload_idle{60'000};
  std::chrono::milliseconds keep{24 * 3'600'000}; ///< how long clients' files are kept without access
  /// Why writing this many more bytes is too much for the disk of a path, human-readable; empty if they fit.
  std::function<std::string(const std::string& path, uint64_t bytes)> shortage;
  base::path_roots sources{}; ///< which files may be read as sources
  base::path_roots results{}; ///< where results may be written
};

/// A job's files.
struct job_files {
  std::string id;      ///< as text
  std::string life;    ///< distinguishes this run of the job from earlier ones
  std::string source;  ///< a path; or a URL, which is ignored here
  std::string folder;  ///< for its chunks
  std::string staging; ///< next to `output`
  std::string output;
  bool overwrite = false;
};

/// What a task needs to reach the job's files.
struct job_access {
  std::string ticket;
  std::string marker;   ///< content of the marker files
  std::string identity; ///< of the source as seen here; empty if it cannot be seen
  bool direct = true;
};

class upload_registry {
public:
  using clock = std::chrono::system_clock;

  explicit upload_registry(upload_registry_config config);

  /// The file in a job's folder that shows whether its path leads to the same folder for others.
  static constexpr const char* marker_name = "marker";

  /// Where workers reach the HTTP server: "http://host:port", or "http://:port" for the host that they already know.
  void set_address(std::string address);
  std::string address() const;

  // -- jobs -------------------------------------------------------------------

  /// Registers the job's files, and puts a marker into its folder. Touches the disk.
  job_access open_job(const job_files& x);

  /// The name of an attempt of the job in its uploads. The same text gives the same name, even after a restart. The
  /// name cannot be guessed.
  std::string attempt_name(const std::string& id, const std::string& text) const;

  /// All of the job's attempts are over. Touches the disk.
  void close_job(const std::string& id, const std::string& life);

  /// This attempt may write the chunk with this number, as `path`.
  void begin_chunk(const std::string& id, const std::string& attempt, uint32_t number, const std::string& path);

  /// This attempt may deliver the job's result. A marker is at the staging path until then. Touches the disk.
  void begin_result(const std::string& id, const std::string& attempt, bool overwrite);

  /// Identity of the result that an attempt delivered and that is in place; empty if there is none.
  std::string published(const std::string& id) const;

  /// Which files may be read as sources.
  const base::path_roots& source_roots() const noexcept {
    return config_.sources;
  }

  /// Where results may be written.
  const base::path_roots& result_roots() const noexcept {
    return config_.results;
  }

  /// Whether workers may use paths that provably lead to the same files.
  bool is_direct() const noexcept {
    return config_.direct;
  }

  /// Removes the attempt's unfinished files. Touches the disk.
  void end_attempt(const std::string& id, const std::string& attempt);

  // -- requests of workers ----------------------------------------------------

  /// The source, open to read. Touches the disk.
  answer<base::descriptor> source(const std::string& id, const std::string& ticket) const;

  /// The path of a finished chunk, found by its file name.
  answer<std::string> chunk(const std::string& id, const std::string& ticket, uint32_t number,
                            const std::string& name) const;

  answer<std::shared_ptr<incoming>> chunk_upload(const std::string& id, const std::string& ticket, uint32_t number,
                                                 const std::string& attempt) const;

  answer<std::shared_ptr<incoming>> result_upload(const std::string& id, const std::string& ticket,
                                                  const std::string& attempt) const;

  // -- requests of clients; all of these touch the disk ------------------------

  /// Creates an upload for a file with this name's type, and returns its id. The same key and size give the same upload
  /// again. Its announced bytes count as used disk space at once. `client`: the requester, for example an IP address.
  answer<std::string> create_upload(const std::string& key, uint64_t bytes, const std::string& name,
                                    const std::string& client = {});

  answer<std::shared_ptr<incoming>> upload(const std::string& id);

  answer<void> drop_upload(const std::string& id);

  /// The path of a finished upload.
  answer<std::string> uploaded(const std::string& id) const;

  /// The path for a result that is kept until it is fetched. `key` names the order that it is for.
  answer<std::string> kept_result(const std::string& key, const std::string& name) const;

  /// False if the path is not that of a kept result.
  bool drop_result(const std::string& path);

  /// Whether any clients' files are kept at all.
  bool keeps_any() const;

  /// Removes clients' files that have not been used for long, except those that a job still needs.
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
    std::shared_ptr<std::string> published = std::make_shared<std::string>(); ///< guarded by the registry's mutex
  };

  answer<void> check(const std::string& id, const std::string& ticket) const;
  answer<std::shared_ptr<incoming>> find(const std::string& id, const std::string& ticket, bool is_result,
                                         uint32_t number, const std::string& attempt) const;
  std::string uploads() const;
  std::string results() const;
  // -- call with the mutex held ------------------------------------------------

  /// Bytes that open uploads have announced and not yet delivered.
  uint64_t bytes_to_come() const;
  /// Makes room for one more upload of this client: if too many are open, the oldest idle one is dropped.
  answer<void> make_room(const std::string& client);
  /// Forgets an open upload: a connection that still writes to it is refused from now on.
  void forget(const std::string& id);
  /// The file of an upload, finished or not; empty if there is none.
  std::string find_upload(const std::string& id) const;

  const upload_registry_config config_;
  mutable std::mutex mutex_; ///< guards all members below
  std::string address_;
  std::map<std::string, job> jobs_;
  std::map<std::string, std::shared_ptr<incoming>> uploads_;
  std::map<std::string, std::string> clients_; ///< of open uploads, by upload id; lost at a restart
};

} // namespace troupe::transfer
