// The file in which a channel session keeps what continues it after a restart of the coordinator.
//
// The file is overwritten in place and never flushed: it has to survive the process, not the machine. A file that
// cannot be read, or was cut short, counts as none.
#pragma once

#include "base/descriptor.hpp"
#include "core/live/continuation.hpp"

#include <optional>
#include <string>

namespace troupe {

class session_memory {
public:
  /// The folder is made if there is none. An empty name: nothing is kept. A file that cannot be made is a line in the
  /// log, and nothing is kept.
  session_memory(const std::string& folder, const std::string& channel);

  std::optional<core::continuation> read() const;

  void write(const core::continuation& x);

  /// The session has ended because nobody watches: the next one begins afresh.
  void forget();

private:
  base::descriptor file_;
  std::string path_;
};

} // namespace troupe
