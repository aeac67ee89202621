// The REST API: which path and method means what, and which actor is asked for it.
//
// All answers come from snapshots of the coordinator. Replies are made on the actor system's threads, so that a long
// list never delays the streams of an I/O thread.
#pragma once

#include "actors/gateway.hpp"
#include "http/config.hpp"
#include "http/loop.hpp"
#include "http/message.hpp"
#include "http/viewers.hpp"
#include "telemetry/transfer_totals.hpp"

#include <caf/expected.hpp>
#include <caf/fwd.hpp>

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

namespace troupe::http {

/// Outstanding questions keep it alive, so it is held by a shared pointer.
class routes : public std::enable_shared_from_this<routes> {
public:
  routes(caf::actor_system& system, gateway_actor gateway, const server_config& config,
         std::shared_ptr<statistics> counters, std::shared_ptr<const viewer_list> viewers);

  using handler = void (routes::*)(const request&, reply_handler) const;

  /// `pattern` is a path in which a segment "{}" stands for anything, and "{*}" at the end for one or more segments.
  /// A name after "?" is a parameter that the request has. A route says what it needs: none is open by omission.
  struct route {
    verb method;
    std::string_view pattern;
    core::need needs;
    handler call;
    std::string_view about; ///< for the index; empty: it is not listed
  };

  static const std::vector<route>& table();

  /// The route of a request; the error is the answer if there is none.
  static tl::expected<const route*, reply> find(const request& of);

  /// Answers any request except the GET of a live stream. `done` is called once: perhaps at once, perhaps on another
  /// thread. It is not called if the actor system ends first.
  void handle(const route& by, const request& of, reply_handler done) const;

private:
  void index(const request& of, reply_handler done) const;
  void health(const request& of, reply_handler done) const;
  void ready(const request& of, reply_handler done) const;
  void metrics(const request& of, reply_handler done) const;
  void daemons(const request& of, reply_handler done) const;
  void daemon(const request& of, reply_handler done) const;
  void jobs(const request& of, reply_handler done) const;
  void drain(const request& of, reply_handler done) const;
  void resume(const request& of, reply_handler done) const;
  void remove(const request& of, reply_handler done) const;
  void channels(const request& of, reply_handler done) const;
  void profiles(const request& of, reply_handler done) const;
  void presets(const request& of, reply_handler done) const;
  void sessions(const request& of, reply_handler done) const;
  void session(const request& of, reply_handler done) const;
  void viewers(const request& of, reply_handler done) const;
  void submit_job(const request& of, reply_handler done) const;
  void file_jobs(const request& of, reply_handler done) const;
  void file_job(const request& of, reply_handler done) const;
  void job_placement(const request& of, reply_handler done) const;
  void cancel_job(const request& of, reply_handler done) const;
  void pause_job(const request& of, reply_handler done) const;
  void resume_job(const request& of, reply_handler done) const;
  void retry_job(const request& of, reply_handler done) const;
  void events(const request& of, reply_handler done) const;
  void job_log(const request& of, reply_handler done) const;
  void remove_job(const request& of, reply_handler done) const;
  void live(const request& of, reply_handler done) const;
  void keys(const request& of, reply_handler done) const;
  void make_key(const request& of, reply_handler done) const;
  void revoke_key(const request& of, reply_handler done) const;
  void show_session(const request& of, reply_handler done) const;
  void make_session(const request& of, reply_handler done) const;
  void end_session(const request& of, reply_handler done) const;
  void make_address(const request& of, reply_handler done) const;
  void audit(const request& of, reply_handler done) const;
  telemetry::audit_counters audit_counters() const;
  void authority(const request& of, reply_handler done) const;
  void join_tokens(const request& of, reply_handler done) const;
  void make_join_token(const request& of, reply_handler done) const;
  void revoke_join_token(const request& of, reply_handler done) const;
  void nodes(const request& of, reply_handler done) const;
  void join_node(const request& of, reply_handler done) const;
  void renew_node(const request& of, reply_handler done) const;
  void revoke_node(const request& of, reply_handler done) const;
  /// Refuses a request for a file. Called only if file transfer is off: otherwise a `file_client` has taken over the
  /// connection.
  void no_files(const request& of, reply_handler done) const;

  /// Calls `then(job_id)` if the path names a job.
  template <class Then>
  void with_job_id(const request& of, const reply_handler& done, Then then) const;

  /// Asks the gateway and passes the answer to `then(value)`, whose reply goes to `done`; an error becomes a problem.
  template <class Result, class Then, class... Args>
  void query(const std::string& id, const reply_handler& done, Then then, Args... args) const;

  /// The one worker that the path names, by name or id.
  template <class Then>
  void with_daemon(const request& of, const reply_handler& done, Then then) const;

  /// Asks for a change of what `id` names. Answers with its new state, as `show` shows it; or with nothing if it is
  /// removed.
  template <class Atom, class Id>
  void change(const request& of, const reply_handler& done, handler show, Atom what, const Id& id) const;

  template <class Atom>
  void command(const request& of, const reply_handler& done, Atom what) const;

  template <class Atom>
  void change_job(const request& of, const reply_handler& done, Atom what) const;

  caf::actor_system& system_;
  gateway_actor gateway_;
  std::chrono::milliseconds timeout_;
  std::shared_ptr<statistics> counters_;
  std::shared_ptr<const viewer_list> viewers_;
  std::shared_ptr<const telemetry::failover_log> failovers_;
  std::shared_ptr<const telemetry::file_job_log> file_jobs_;
  std::shared_ptr<transfer::upload_registry> files_; ///< may be null
  std::chrono::milliseconds session_life_;
  std::chrono::milliseconds address_life_;
  std::shared_ptr<trust::key_ring> keys_;               ///< may be null
  std::shared_ptr<trust::audit_log> audit_;             ///< may be null
  std::shared_ptr<trust::cluster_authority> authority_; ///< may be null
  std::string cluster_secret_;                          ///< of which nodes get theirs
  std::string join_fault_;
  int64_t started_at_ms_;

  mutable std::mutex mutex_; ///< guards `totals_`
  mutable telemetry::transfer_totals totals_;
};

} // namespace troupe::http
