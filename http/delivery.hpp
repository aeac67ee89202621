// HLS and DASH: playlists, manifests, segments and parts of channels, each an answer of its own.
//
// "/live/{channel}/{name}/index.m3u8" gives a viewer a key, and names playlists below "/live/{channel}/{name}/{key}/".
// All requests below it belong to this viewer. A request starts a rendition that does not run yet. A request for
// something that is about to exist waits for it, without a thread, at most as long as the rules of HLS allow. If the
// client leaves, nothing of its request remains.
#pragma once

#include "actors/gateway.hpp"
#include "http/config.hpp"
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

/// What a path below "/live/" names, except for "/live/{channel}/{profile}.ts".
struct delivery_target {
  std::string channel;
  std::string name;    ///< of the profile
  std::string viewer;  ///< key; empty for the entry
  std::string profile; ///< of the rendition; empty for the entry
  std::string file;    ///< "index.m3u8", "v.m3u8", "v-1234.m4s"

  static std::optional<delivery_target> of(const std::vector<std::string>& path);
};

/// For pages of all sites: players are embedded anywhere, and nothing below "/live/" is secret.
void allow_all_origins(reply& x);

/// The answer to a browser that asks what a page of another site may do below "/live/".
reply preflight();

class delivery : public std::enable_shared_from_this<delivery> {
public:
  delivery(caf::actor_system& system, gateway_actor gateway, std::chrono::milliseconds watch_timeout,
           std::shared_ptr<viewer_list> viewers);

  /// Answers a GET or HEAD. `in` is the loop of the calling thread. `done` is called once, on that thread and perhaps
  /// at once, unless the loop or the actor system ends first, or the returned handle is dropped.
  std::shared_ptr<void> handle(loop& in, const request& of, const delivery_target& target, reply_handler done);

private:
  struct pending;

  void begin(const std::shared_ptr<pending>& x);
  void found(const std::shared_ptr<pending>& x, rendition_ptr rendition);
  void look(const std::shared_ptr<pending>& x);
  void wait(const std::shared_ptr<pending>& x);
  void watch(const std::shared_ptr<pending>& x);
  reply entry(pending& x);
  void seen(pending& x, const std::string& key);

  rendition_ptr known(const std::string& channel, const std::string& profile);

  caf::actor_system& system_;
  gateway_actor gateway_;
  std::chrono::milliseconds watch_timeout_;
  std::shared_ptr<viewer_list> viewers_;
  std::mutex mutex_;
  std::map<std::pair<std::string, std::string>, std::weak_ptr<rendition>> running_; ///< by channel and profile
};

} // namespace troupe::http
