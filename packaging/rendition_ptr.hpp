// The handle that a session gives to the HTTP server of the same process.
#pragma once

#include <memory>

namespace troupe {

class rendition;

using rendition_ptr = std::shared_ptr<rendition>;

} // namespace troupe
