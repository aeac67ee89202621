// File jobs from the command line: start and watch one, list, show, cancel.
#pragma once

#include "ctl/options.hpp"

#include <chrono>
#include <functional>
#include <iosfwd>
#include <string>

#include <boost/json/value.hpp>

namespace troupe::ctl {

/// Called repeatedly while a job is watched: true if the user wants to end it; the job is then cancelled. May be empty.
using wants_end = std::function<bool()>;

/// Orders a job and, unless `detach` is set, watches it to its end. A terminal gets one line that is redrawn, other
/// output gets lines, and `json` gets the API's answers. Returns the exit code: `refused` if the job did not complete.
int transcode(const options& with, std::ostream& out, std::ostream& err, bool terminal, const wants_end& asked = {});

int list_jobs(const options& with, std::ostream& out, std::ostream& err);
int show_job(const options& with, std::ostream& out, std::ostream& err);
int show_logs(const options& with, std::ostream& out, std::ostream& err);
int follow_job(const options& with, std::ostream& out, std::ostream& err, bool terminal);

/// Cancels, pauses, resumes, retries or removes the job, as the command says.
int change_job(const options& with, std::ostream& out, std::ostream& err);

/// Views, exposed for tests.
std::string show_jobs(const boost::json::value& answer);
std::string show_one_job(const boost::json::value& answer);
std::string progress_line(const boost::json::value& job);

} // namespace troupe::ctl
