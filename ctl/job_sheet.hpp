// All that is known of one job, for people: what it was asked for, where it is, what came of it.
#pragma once

#include <string>

#include <boost/json/value.hpp>

namespace troupe::ctl {

/// Lines of "name: value"; what is unset is left out.
std::string job_sheet(const boost::json::value& job);

} // namespace troupe::ctl
