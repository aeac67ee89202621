// Type ids of everything that crosses a node. Append only: the order is the wire format.
#pragma once

#include "messages/block_wire.hpp"
#include "messages/cluster.hpp"
#include "messages/daemon.hpp"
#include "messages/error.hpp"
#include "messages/file_work.hpp"
#include "messages/media.hpp"
#include "messages/status.hpp"
#include "messages/work.hpp"

#include <caf/is_error_code_enum.hpp>
#include <caf/type_id.hpp>
#include <caf/typed_actor.hpp>

#include <string>
#include <vector>

CAF_BEGIN_TYPE_ID_BLOCK(troupe, caf::first_custom_type_id)

  // plain types
  CAF_ADD_TYPE_ID(troupe, (troupe::ec))
  CAF_ADD_TYPE_ID(troupe, (troupe::worker_id))
  CAF_ADD_TYPE_ID(troupe, (troupe::task_id))
  CAF_ADD_TYPE_ID(troupe, (troupe::attempt_id))
  CAF_ADD_TYPE_ID(troupe, (troupe::lease_id))
  CAF_ADD_TYPE_ID(troupe, (troupe::session_id))
  CAF_ADD_TYPE_ID(troupe, (troupe::sample_block))
  CAF_ADD_TYPE_ID(troupe, (troupe::sample_batch))
  CAF_ADD_TYPE_ID(troupe, (troupe::batch_ack))
  CAF_ADD_TYPE_ID(troupe, (troupe::stream_format))
  CAF_ADD_TYPE_ID(troupe, (troupe::format_change))
  CAF_ADD_TYPE_ID(troupe, (troupe::stream_end))
  CAF_ADD_TYPE_ID(troupe, (troupe::profile))
  CAF_ADD_TYPE_ID(troupe, (troupe::channel))
  CAF_ADD_TYPE_ID(troupe, (troupe::channel_status))
  CAF_ADD_TYPE_ID(troupe, (troupe::ingest_work))
  CAF_ADD_TYPE_ID(troupe, (troupe::transcode_work))
  CAF_ADD_TYPE_ID(troupe, (troupe::work_statistics))
  CAF_ADD_TYPE_ID(troupe, (troupe::work_label))
  CAF_ADD_TYPE_ID(troupe, (troupe::registration))
  CAF_ADD_TYPE_ID(troupe, (troupe::heartbeat))
  CAF_ADD_TYPE_ID(troupe, (troupe::task_join))
  CAF_ADD_TYPE_ID(troupe, (troupe::lease_request))
  CAF_ADD_TYPE_ID(troupe, (troupe::lease))
  CAF_ADD_TYPE_ID(troupe, (troupe::daemon_status))
  CAF_ADD_TYPE_ID(troupe, (troupe::session_status))
  CAF_ADD_TYPE_ID(troupe, (std::vector<troupe::daemon_status>))
  CAF_ADD_TYPE_ID(troupe, (std::vector<troupe::session_status>))
  CAF_ADD_TYPE_ID(troupe, (std::vector<troupe::channel_status>))
  CAF_ADD_TYPE_ID(troupe, (std::vector<troupe::profile>))
  CAF_ADD_TYPE_ID(troupe, (troupe::capabilities))
  CAF_ADD_TYPE_ID(troupe, (troupe::task_statistics))
  CAF_ADD_TYPE_ID(troupe, (std::vector<troupe::task_statistics>))

  // atoms
  CAF_ADD_ATOM(troupe, troupe, register_atom)
  CAF_ADD_ATOM(troupe, troupe, drain_atom)
  CAF_ADD_ATOM(troupe, troupe, resume_atom)
  CAF_ADD_ATOM(troupe, troupe, remove_atom)
  CAF_ADD_ATOM(troupe, troupe, release_atom)
  CAF_ADD_ATOM(troupe, troupe, stop_atom)
  CAF_ADD_ATOM(troupe, troupe, finish_atom)
  CAF_ADD_ATOM(troupe, troupe, warm_atom)
  CAF_ADD_ATOM(troupe, troupe, assign_atom)
  CAF_ADD_ATOM(troupe, troupe, end_atom)
  CAF_ADD_ATOM(troupe, troupe, daemons_atom)
  CAF_ADD_ATOM(troupe, troupe, sessions_atom)
  CAF_ADD_ATOM(troupe, troupe, channels_atom)
  CAF_ADD_ATOM(troupe, troupe, profiles_atom)
  CAF_ADD_ATOM(troupe, troupe, status_atom)
  CAF_ADD_ATOM(troupe, troupe, watch_atom)
  CAF_ADD_ATOM(troupe, troupe, tick_atom)
  CAF_ADD_ATOM(troupe, troupe, move_atom)
  CAF_ADD_ATOM(troupe, troupe, quarantine_atom)

  // file jobs
  CAF_ADD_TYPE_ID(troupe, (troupe::job_id))
  CAF_ADD_TYPE_ID(troupe, (troupe::file_order))
  CAF_ADD_TYPE_ID(troupe, (troupe::probe_work))
  CAF_ADD_TYPE_ID(troupe, (troupe::chunk_work))
  CAF_ADD_TYPE_ID(troupe, (troupe::assemble_work))
  CAF_ADD_TYPE_ID(troupe, (troupe::file_work))
  CAF_ADD_TYPE_ID(troupe, (troupe::source_summary))
  CAF_ADD_TYPE_ID(troupe, (troupe::chunk_done))
  CAF_ADD_TYPE_ID(troupe, (troupe::file_published))
  CAF_ADD_TYPE_ID(troupe, (troupe::file_failure))
  CAF_ADD_TYPE_ID(troupe, (troupe::file_result))
  CAF_ADD_TYPE_ID(troupe, (troupe::file_progress))
  CAF_ADD_ATOM(troupe, troupe, give_back_atom)
  CAF_ADD_ATOM(troupe, troupe, submit_atom)
  CAF_ADD_ATOM(troupe, troupe, jobs_atom)
  CAF_ADD_ATOM(troupe, troupe, job_atom)
  CAF_ADD_ATOM(troupe, troupe, cancel_atom)
  CAF_ADD_ATOM(troupe, troupe, pause_atom)
  CAF_ADD_ATOM(troupe, troupe, retry_atom)
  CAF_ADD_TYPE_ID(troupe, (troupe::file_access))
  CAF_ADD_TYPE_ID(troupe, (troupe::task_exit))
  CAF_ADD_TYPE_ID(troupe, (troupe::file_log_line))

  // GPUs
  CAF_ADD_TYPE_ID(troupe, (troupe::gpu_report))
  CAF_ADD_TYPE_ID(troupe, (std::vector<troupe::gpu_report>))
  CAF_ADD_TYPE_ID(troupe, (troupe::encoder_seat))
  CAF_ADD_ATOM(troupe, troupe, confirm_atom)

  CAF_ADD_TYPE_ID(troupe, (troupe::lease_end))

CAF_END_TYPE_ID_BLOCK(troupe)

CAF_ERROR_CODE_ENUM(troupe::ec)
