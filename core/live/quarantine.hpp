// Renditions that are refused for a while, because their samples killed several tasks in a row.
//
// Both the channel session that gave a rendition up and the coordinator keep this list: a client's request may be on
// its way between the two at that moment.
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

  /// Null if the rendition is not refused, or no longer.
  const entry* find(const std::string& rendition, time_point now) {
    auto i = entries_.find(rendition);
    if (i == entries_.end())
      return nullptr;
    if (now < i->second.until)
      return &i->second;
    entries_.erase(i);
    return nullptr;
  }

  /// The text that a client gets; empty if the rendition is not refused, or no longer.
  std::string refusal(const std::string& rendition, time_point now) {
    auto found = find(rendition, now);
    return found == nullptr ? std::string{} : "quarantined: " + found->reason;
  }

private:
  std::chrono::milliseconds lasts_;
  std::map<std::string, entry> entries_;
};

} // namespace troupe::core
