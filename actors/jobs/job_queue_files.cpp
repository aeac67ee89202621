// How the queue removes files that clients uploaded, and results that they have not fetched.
#include "actors/common/actor_of.hpp"
#include "actors/jobs/job_queue.hpp"
#include "actors/jobs/job_text.hpp"
#include "transfer/upload_registry.hpp"

#include <caf/event_based_actor.hpp>

#include <filesystem>
#include <set>

namespace troupe {

namespace {

constexpr auto sweep_interval = std::chrono::minutes{10};

/// The files of all jobs that have not ended, and the folders of their results. Empty if the store cannot be read: then
/// nothing may be removed.
std::optional<std::set<std::string>> paths_needed(const std::string& store_url) {
  auto store = store::job_store::open({store_url});
  if (!store)
    return {};
  std::set<std::string> result;
  std::optional<store::page_cursor> at;
  do {
    auto page = store->open_jobs(at, store::limits::page_rows);
    if (!page)
      return {};
    for (auto& x : page->rows)
      if (auto order = to_order(x.the_job.request)) {
        result.insert(order->input);
        result.insert(order->output);
        result.insert(std::filesystem::path{order->output}.parent_path().string());
      }
    at = page->next;
  } while (at);
  return result;
}

} // namespace

void job_queue_state::sweep_files() {
  auto now = self_->now();
  if (!config_.files || now < next_sweep_)
    return;
  next_sweep_ = now + sweep_interval;
  if (!config_.files->keeps_any())
    return;
  self_->home_system().spawn<caf::detached>([files = config_.files, url = config_.store_url](caf::event_based_actor*) {
    if (auto needed = paths_needed(url))
      files->sweep(transfer::upload_registry::clock::now(),
                   [&](const std::string& path) { return needed->contains(path); });
  });
}

} // namespace troupe
