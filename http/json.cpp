#include "http/json.hpp"

#include "base/utf8.hpp"

namespace troupe::http::detail {

boost::json::string json_text(std::string_view text) {
  return base::is_utf8(text) ? boost::json::string{text} : boost::json::string{base::to_utf8(text)};
}

} // namespace troupe::http::detail
