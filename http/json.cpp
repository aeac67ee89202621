#include "http/json.hpp"

#include "base/mask_url.hpp"
#include "base/utf8.hpp"

namespace troupe::http::detail {

boost::json::string json_text(std::string_view text) {
  return boost::json::string{base::mask_urls(base::is_utf8(text) ? std::string{text} : base::to_utf8(text))};
}

} // namespace troupe::http::detail
