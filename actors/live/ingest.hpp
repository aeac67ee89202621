// INGEST: pulls one source and sends its samples to a channel session, in a task of its own.
//
// A thread of its own reads, because libav*'s reads block. It paces files to real time. If a source that can wait sends
// faster than real time, the thread delays it. It stops reading when the credit is used up. Each packet is sent as soon
// as it arrives, so that the ingest adds no latency to a live source. If the sink dies, the ingest ends. When it ends
// itself, it says why in a `stream_end` and quits once that message has arrived.
#pragma once

#include "encoder/source/source_access.hpp"
#include "messages/actors.hpp"

#include <caf/actor_system.hpp>

#include <memory>

namespace troupe {

class ingest_reader;

struct ingest_state {
  /// INTERNAL: the reader's last message, and a check of the reader each second.
  using interface = ingest_actor::extend<caf::result<void>(stream_end), caf::result<void>(tick_atom)>;

  static inline const char* name = "ingest";

  ingest_state(interface::pointer self, ingest_work work, sample_sink_actor sink,
               std::shared_ptr<const av::source_access> access);
  ~ingest_state();

  interface::behavior_type make_behavior();

  interface::pointer self;
  ingest_work work;
  sample_sink_actor sink;
  std::shared_ptr<const av::source_access> access;
  std::unique_ptr<ingest_reader> reader;
};

/// `access`: what the source may reach; null: everything.
ingest_actor spawn_ingest(caf::actor_system& system, ingest_work work, sample_sink_actor sink,
                          std::shared_ptr<const av::source_access> access = {});

} // namespace troupe
