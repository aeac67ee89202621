// How a task does a unit of file work: translates messages to encoder/ and back. All functions block until the work is
// done or they are told to stop.
#pragma once

#include "actors/jobs/file_reach.hpp"
#include "encoder/codec/engine.hpp"
#include "encoder/work_control.hpp"
#include "messages/file_work.hpp"

namespace troupe {

/// Does the work. `control.stop` ends it early.
decltype(file_result::outcome) do_file_work(const file_work& x, const task_place& place, const av::engine& codecs,
                                            const av::work_control& control);

} // namespace troupe
