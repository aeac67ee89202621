// Makes our message types known to CAF.
#pragma once

namespace troupe {

/// Call it once, before the first actor system of the process.
void register_message_types();

} // namespace troupe
