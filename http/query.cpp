#include "http/query.hpp"

#include "messages/job_states.hpp"

#include <algorithm>

#include <boost/url/parse_query.hpp>

namespace troupe::http {

std::string_view raw_parameter(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    auto one = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(one.size() + 1, query.size()));
    if (one.size() > name.size() && one.starts_with(name) && one[name.size()] == '=')
      return one.substr(name.size() + 1);
  }
  return {};
}

tl::expected<void, std::string> read_query(std::string_view query, const parameter_taker& take) {
  if (query.empty())
    return {};
  // Boost.URL 1.81 looks for a zero at the end, which a view need not have.
  const std::string text{query};
  auto parsed = boost::urls::parse_query(boost::urls::string_view{text.data(), text.size()});
  if (parsed.has_error())
    return tl::unexpected(std::string{"the query is malformed"});
  for (auto parameter : *parsed)
    if (auto taken = take(parameter.key.decode(), parameter.value.decode()); !taken)
      return taken;
  return {};
}

tl::expected<bool, std::string> read_job_filter(std::string_view key, std::string_view value,
                                                std::vector<job_state>& states, std::optional<job_queue>& queue) {
  if (key == "state") {
    auto state = parse_job_enum<job_state>(value);
    if (!state)
      return tl::unexpected(std::string{"state is not accepted: allowed is the name of a state of jobs"});
    states.push_back(*state);
    return true;
  }
  if (key == "queue") {
    queue = parse_job_enum<job_queue>(value);
    if (!queue)
      return tl::unexpected(std::string{"queue is not accepted: allowed is live, default or batch"});
    return true;
  }
  return false;
}

} // namespace troupe::http
