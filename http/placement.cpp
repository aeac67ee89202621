#include "http/placement.hpp"

#include "http/json.hpp"

namespace troupe::http {

boost::json::value placement_json(const job_details& x) {
  boost::json::array parts;
  if (x.status)
    for (auto& p : x.status->placements)
      parts.push_back({{"part", to_json(p.part)},
                       {"worker", to_json(p.held.worker_name)},
                       {"encoder", to_json(p.held.seat)},
                       {"looked_at", to_json(p.held.looked_at)}});
  return {{"id", to_string(x.job.id)}, {"state", to_string(x.job.state)}, {"placements", std::move(parts)}};
}

} // namespace troupe::http
