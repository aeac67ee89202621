// Orders and results of file jobs as the store keeps them: JSON, written and read by the same `inspect` overloads as on
// the wire.
#pragma once

#include "messages/file_work.hpp"

#include <optional>
#include <string>

namespace troupe {

/// Paths are encoded as in base/path_text.hpp.
std::string to_text(const file_order& x);
std::string to_text(const file_published& x);

/// Identity of the published file in a job's stored result; empty if there is none.
std::optional<std::string> published_identity(const std::string& text);

/// Empty if this program cannot read the text, for example because another version wrote it.
std::optional<file_order> to_order(const std::string& text);

/// Names the work in a job's log: "probe", "chunk 3", "sound, chunk 4", "assembly".
std::string part_name(const file_work& x);

} // namespace troupe
