// INGEST: pulls one source and sends its samples to a session, in a task of its own.
//
// A thread of its own reads, because libav*'s reads block; it paces files to real time, holds back what comes faster than its own clock over a connection
// that can wait, and stops reading when the credit is used
// up. Each packet goes out as it comes: a live source's latency is not ours to add to.
// When the sink dies, the ingest ends. When it ends itself, it says why in a `stream_end` and quits once that has arrived.
#pragma once

#include "messages/actors.hpp"

#include <caf/actor_system.hpp>

#include <memory>

namespace troupe {

class ingest_reader;

struct ingest_state {
  /// INTERNAL: the reader's last word, and a look at it each second.
  using interface = ingest_actor::extend<caf::result<void>(stream_end), caf::result<void>(tick_atom)>;

  static inline const char* name = "ingest";

  ingest_state(interface::pointer self, ingest_work work, sample_sink_actor sink);
  ~ingest_state();

  interface::behavior_type make_behavior();

  interface::pointer self;
  ingest_work work;
  sample_sink_actor sink;
  std::unique_ptr<ingest_reader> reader;
};

ingest_actor spawn_ingest(caf::actor_system& system, ingest_work work, sample_sink_actor sink);

} // namespace troupe
