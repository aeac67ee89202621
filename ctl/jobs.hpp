// File jobs from the command line: order one and watch it, list, show, cancel.
#pragma once

#include "ctl/options.hpp"

#include <chrono>
#include <functional>
#include <iosfwd>
#include <string>

#include <boost/json/value.hpp>

namespace troupe::ctl {

/// Asked again and again while a job is watched: true when the person wants it to end, which is then cancelled. May be empty.
using wants_end = std::function<bool()>;

/// Orders a job and, unless `detach`, watches it to its end: one line that is redrawn on a terminal, lines elsewhere, the API's words with
/// `json`. Returns the exit code: `refused` where the job did not complete.
int transcode(const options& with, std::ostream& out, std::ostream& err, bool terminal, const wants_end& asked = {});

int list_jobs(const options& with, std::ostream& out, std::ostream& err);
int show_job(const options& with, std::ostream& out, std::ostream& err);
int show_logs(const options& with, std::ostream& out, std::ostream& err);
int follow_job(const options& with, std::ostream& out, std::ostream& err, bool terminal);

/// Cancels, pauses, resumes, tries again or forgets the job, as the command says.
int change_job(const options& with, std::ostream& out, std::ostream& err);

/// Views, for tests.
std::string show_jobs(const boost::json::value& answer);
std::string show_one_job(const boost::json::value& answer);
std::string progress_line(const boost::json::value& job);

} // namespace troupe::ctl
