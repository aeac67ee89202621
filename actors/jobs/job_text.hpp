// Orders and results of file jobs as the store keeps them: JSON, made and read by the same `inspect` as on the wire.
#pragma once

#include "messages/file_work.hpp"

#include <optional>
#include <string>

namespace troupe {

/// Its paths as base/path_text.hpp has them.
std::string to_text(const file_order& x);
std::string to_text(const file_published& x);

/// Of the file that a job's stored result tells of; nothing where it tells of none.
std::optional<std::string> published_identity(const std::string& text);

/// Nothing where another version of this program wrote it.
std::optional<file_order> to_order(const std::string& text);

/// What the work is, for a job's log: "probe", "chunk 3", "sound, chunk 4", "assembly".
std::string part_name(const file_work& x);

} // namespace troupe
