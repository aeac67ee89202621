// HLS and DASH: playlists, manifests, segments and parts of channels, each an answer of its own.
//
// "/live/{channel}/{name}/index.m3u8" gives a viewer a key, and names playlists below "/live/{channel}/{name}/{key}/".
// All requests below it belong to this viewer. A request starts a rendition that does not run yet. A request for
// something that is about to exist waits for it, without a thread, at most as long as the rules of HLS allow. If the
// client leaves, nothing of its request remains.
//
// The name is that of a profile or of a ladder. A viewer of a ladder keeps all of its renditions running, so that it
// can switch at any time. The entry waits a moment for those that are late, and then leaves them out.
#pragma once

#include "actors/gateway.hpp"
#include "http/config.hpp"
#include "http/delivery_request.hpp"
#include "http/loop.hpp"
#include "http/message.hpp"
#include "http/viewers.hpp"
#include "packaging/rendition.hpp"

#include <caf/fwd.hpp>

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace troupe::http {

class delivery : public std::enable_shared_from_this<delivery> {
public:
  /// By name: the renditions of each ladder.
  using ladder_map = std::map<std::string, std::vector<ladder_rendition>>;

  delivery(caf::actor_system& system, gateway_actor gateway, std::chrono::milliseconds watch_timeout,
           ladder_map ladders, std::shared_ptr<viewer_list> viewers);

  /// Answers a GET or HEAD. `in` is the loop of the calling thread. `done` is called once, on that thread and perhaps
  /// at once, unless the loop or the actor system ends first, or the returned handle is dropped.
  std::shared_ptr<void> handle(loop& in, const request& of, const delivery_target& target, reply_handler done);

  bool is_ladder(const std::string& name) const {
    return ladders_.contains(name);
  }

private:
  struct part;
  struct pending;

  /// A rendition that runs, or was asked for.
  struct running {
    std::weak_ptr<rendition> is;
    rendition::clock::time_point asked; ///< when it was last started for a viewer of others
  };

  void begin(const std::shared_ptr<pending>& x);

  std::vector<part> parts_of(const delivery_target& target) const;
  void keep_running(pending& x);
  void look(const std::shared_ptr<pending>& x);
  void look_at_file(const std::shared_ptr<pending>& x);
  void look_at_entry(const std::shared_ptr<pending>& x);
  void wait(const std::shared_ptr<pending>& x, part& of);
  void watch(const std::shared_ptr<pending>& x, part& of);
  void remember(const std::string& channel, const rendition_ptr& x, const std::string& name);
  reply entry(pending& x);
  /// False if there are too many clients.
  bool seen(pending& x, const std::string& key);
  std::optional<std::string> entry_text(const pending& x, const std::string& key) const;

  /// Finds those of the parts that run.
  void find(const std::string& channel, std::vector<part>& parts);

  caf::actor_system& system_;
  gateway_actor gateway_;
  std::chrono::milliseconds watch_timeout_;
  ladder_map ladders_;
  std::shared_ptr<viewer_list> viewers_;
  std::mutex mutex_;
  std::map<std::pair<std::string, std::string>, running> running_; ///< by channel and the session's name
};

} // namespace troupe::http
