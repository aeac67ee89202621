// All details of one job for display: its settings, its state and its result.
#pragma once

#include <string>

#include <boost/json/value.hpp>

namespace troupe::ctl {

/// Lines of "name: value"; unset values are left out.
std::string job_sheet(const boost::json::value& job);

} // namespace troupe::ctl
