// File jobs as JSON: orders are read and checked, jobs are shown.
//
// The settings of video and audio are those of profiles: same names, units and limits, from the same table.
#pragma once

#include "actors/jobs/job_views.hpp"
#include "messages/work.hpp"

#include <boost/json/value.hpp>
#include <tl/expected.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace troupe::http {

/// The body of POST /api/v1/jobs. The error says which member is wrong and what is allowed.
tl::expected<job_submission, std::string> read_submission(std::string_view body, const std::vector<profile>& profiles);

/// The query of GET /api/v1/jobs.
tl::expected<job_question, std::string> read_question(std::string_view query);

boost::json::value to_json(const job_listing& x);
boost::json::value to_json(const job_details& x);

/// The same without the parts that grow with the file: chunks and history.
boost::json::object brief(const job_details& x);

boost::json::object to_object(const core::file_job_status& x);

} // namespace troupe::http
