// What a judge of delivery finds: violations of the rules in `rules.cpp`, each counted once for each place.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe::bench::delivery {

struct rule {
  std::string_view id;       ///< such as "hls-2.1"
  std::string_view sentence; ///< what a correct server does
};

/// All rules, in the order of their ids.
std::span<const rule> rules();

struct violation {
  std::string rule;
  std::string sentence; ///< of the rule
  std::string place;    ///< the playlist, manifest or representation
  std::string found;    ///< what was seen there for the first time
  uint64_t count = 1;
};

/// Collects violations. A rule that is broken again at the same place only raises its count.
class verdict {
public:
  /// `id` has to be in `rules()`.
  void add(std::string_view id, std::string_view place, std::string found);

  /// In the order of the rules.
  std::vector<violation> violations() const;

private:
  std::map<std::pair<size_t, std::string>, violation> found_; ///< by index of the rule, and place
};

} // namespace troupe::bench::delivery
