// The connections that the gate has admitted: how many there are, and which passes and nodes they have.
//
// A pass and a node have one connection at a time. CAF tells nodes apart by names that they choose themselves. So a
// second node of a name could speak for the first.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>

namespace troupe {

/// Threads share it.
class link_places : public std::enable_shared_from_this<link_places> {
public:
  /// One connection's place, which is free again when this is destroyed.
  class place {
  public:
    place(std::shared_ptr<link_places> in, std::string pass) : in_(std::move(in)), pass_(std::move(pass)) {}

    ~place() {
      std::lock_guard lock{in_->mutex_};
      --in_->taken_;
      in_->passes_.erase(pass_);
      in_->nodes_.erase(node_);
    }

    place(const place&) = delete;
    place& operator=(const place&) = delete;

    /// False if another connection has this node.
    bool claim_node(const std::string& node) {
      std::lock_guard lock{in_->mutex_};
      if (!in_->nodes_.insert(node).second)
        return false;
      node_ = node;
      return true;
    }

  private:
    std::shared_ptr<link_places> in_;
    std::string pass_;
    std::string node_;
  };

  size_t taken() {
    std::lock_guard lock{mutex_};
    return taken_;
  }

  /// A place for a connection with this pass; without a pass if the name is empty. Null if another connection has it.
  std::shared_ptr<place> take(const std::string& pass) {
    {
      std::lock_guard lock{mutex_};
      if (!pass.empty() && !passes_.insert(pass).second)
        return nullptr;
      ++taken_;
    }
    return std::make_shared<place>(shared_from_this(), pass);
  }

private:
  std::mutex mutex_;
  size_t taken_ = 0;
  std::set<std::string> passes_;
  std::set<std::string> nodes_;
};

} // namespace troupe
