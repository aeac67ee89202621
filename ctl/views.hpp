// The API's answers as tables. A missing value is shown as empty or 0, so that a newer or older coordinator works too.
#pragma once

#include <string>

#include <boost/json/value.hpp>

namespace troupe::ctl {

std::string show_daemons(const boost::json::value& answer);
std::string show_channels(const boost::json::value& answer);
std::string show_profiles(const boost::json::value& answer);
std::string show_presets(const boost::json::value& answer);
std::string show_sessions(const boost::json::value& answer);
std::string show_viewers(const boost::json::value& answer);

/// Where the parts of a job are encoded, and the rejected alternatives.
std::string show_placement(const boost::json::value& answer);

/// One screen: totals, workers, renditions, tasks.
std::string show_top(const boost::json::value& daemons, const boost::json::value& sessions);

/// The sentence of a problem report, with its code; the text itself if it is not a problem report.
std::string show_problem(unsigned status, const std::string& body);

} // namespace troupe::ctl
