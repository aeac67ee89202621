// Where the parts of a job are made, and why there, as JSON.
#pragma once

#include "actors/jobs/job_views.hpp"

#include <boost/json/value.hpp>

namespace troupe::http {

boost::json::value placement_json(const job_details& x);

} // namespace troupe::http
