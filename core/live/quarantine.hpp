// Renditions that are refused for a while, because their samples killed one task after the other.
//
// The session that gave one up keeps this as the coordinator does: a client's request may be on its way between the two when that happens.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <utility>

namespace troupe::core {

class quarantine_list {
public:
  using time_point = std::chrono::steady_clock::time_point;

  explicit quarantine_list(std::chrono::milliseconds lasts) : lasts_(lasts) {}

  void add(const std::string& rendition, std::string reason, time_point now) {
    entries_[rendition] = {now + lasts_, std::move(reason)};
  }

  struct entry {
    time_point until;
    std::string reason;
  };

  /// Null where the rendition is not refused, or no more.
  const entry* find(const std::string& rendition, time_point now) {
    auto i = entries_.find(rendition);
    if (i == entries_.end())
      return nullptr;
    if (now < i->second.until)
      return &i->second;
    entries_.erase(i);
    return nullptr;
  }

  /// What a client is told; empty where the rendition is not refused, or no more.
  std::string refusal(const std::string& rendition, time_point now) {
    auto found = find(rendition, now);
    return found == nullptr ? std::string{} : "quarantined: " + found->reason;
  }

private:
  std::chrono::milliseconds lasts_;
  std::map<std::string, entry> entries_;
};

} // namespace troupe::core
