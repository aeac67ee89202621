// What a task does with a unit of file work: from messages to encoder/ and back. Everything here blocks until it is done, or told to stop.
#pragma once

#include "actors/jobs/file_reach.hpp"
#include "encoder/work_control.hpp"
#include "messages/file_work.hpp"

namespace troupe {

/// Does the work. `control.stop` ends it early.
decltype(file_result::outcome) do_file_work(const file_work& x, const task_place& place,
                                            const av::work_control& control);

} // namespace troupe
