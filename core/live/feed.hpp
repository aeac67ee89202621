// The source blocks that a task gets, and how far it is with them.
//
// One attempt is fed by itself, or several attempts that one task makes with one decoder. Then each block is sent once,
// with the number of the first of them, and it is acknowledged when all of them have taken it.
#pragma once

#include "core/live/credit.hpp"
#include "core/watchdog.hpp"
#include "messages/ids.hpp"
#include "messages/media.hpp"

#include <cstdint>
#include <deque>
#include <optional>

namespace troupe::core {

struct feed {
  feed(attempt_id number, uint64_t credit_bytes, watchdog_limits limits)
    : id(number), credit(credit_bytes), watch(limits) {}

  attempt_id id;                   ///< of the first attempt
  std::optional<uint64_t> cursor;  ///< number of the next source block to send
  uint64_t began = 0;              ///< number of the first source block that was sent
  sample began_at;                 ///< the first sample of that block
  std::deque<uint64_t> unanswered; ///< numbers of the source blocks that were sent and not acknowledged
  bool announce = true;            ///< before the next block, the attempts must be told of splices that are to come
  credit_window credit;
  watchdog watch;
  bool alarmed = false; ///< it seems to stall, and nothing has shown yet that it does not
  bool shared = false;  ///< several attempts were fed, even if one is left
};

} // namespace troupe::core
