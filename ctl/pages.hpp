// Lists that the coordinator answers in pages.
#pragma once

#include "ctl/options.hpp"

#include <iosfwd>
#include <string>

#include <boost/json/value.hpp>

namespace troupe::ctl {

/// Prints the page of a list that the options ask for, or all pages. `what` names its rows. Returns the exit code.
int show_pages(const options& with, const std::string& path, const char* what,
               std::string (*view)(const boost::json::value&), std::ostream& out, std::ostream& err);

/// A page of the audit log.
std::string show_audit(const boost::json::value& answer);

} // namespace troupe::ctl
