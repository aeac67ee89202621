// A job's log as sent to clients: lines of text for readers, or one JSON object per line for programs.
#pragma once

#include "actors/jobs/job_events.hpp"
#include "http/message.hpp"

#include <tl/expected.hpp>

#include <string>
#include <string_view>

namespace troupe::http {

struct log_request {
  job_log_question what;
  bool as_json = false;
};

/// The query of GET /api/v1/jobs/{id}/logs.
tl::expected<log_request, std::string> read_log_question(job_id id, std::string_view query);

/// If more lines follow, `X-Next` has the value of `after` that continues the list.
reply log_reply(const job_log& x, bool as_json);

} // namespace troupe::http
