// What a task does with a unit of file work: from messages to encoder/ and back. Everything here blocks until it is done, or told to stop.
#pragma once

#include "encoder/work_control.hpp"
#include "messages/file_work.hpp"

#include <string>

namespace troupe {

/// Does the work. `control.stop` ends it early.
decltype(file_result::outcome) do_file_work(const file_work& x, const av::work_control& control);

/// Changes when a file does, as far as size and time of its last change tell. For what is no file of this machine it is the same for ever.
std::string source_identity(const std::string& path_or_url);

} // namespace troupe
