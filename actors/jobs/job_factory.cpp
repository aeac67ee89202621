// Creates a job: its folder, its registration for uploads, and its actor.
#include "actors/common/actor_of.hpp"
#include "actors/jobs/job.hpp"
#include "base/mask_url.hpp"
#include "base/private_folder.hpp"
#include "telemetry/log.hpp"
#include "transfer/upload_registry.hpp"

namespace troupe {

namespace {

class worked_at : public job_factory {
public:
  worked_at(core::file_job_config config, std::shared_ptr<transfer::upload_registry> files)
    : config_(config), files_(std::move(files)) {}

  tl::expected<job_actor, std::string> make(caf::actor_system& system, job_begin begin, job_journal_actor queue,
                                            leases_actor coordinator) const override {
    // After a restart, the output may already be the result of an earlier attempt. On the first attempt nothing may be
    // in its place, unless the order allows to overwrite it.
    auto overwrite = begin.order.overwrite || begin.attempt > 1;
    if (auto why = files_ ? in_the_way(begin.order, overwrite, *files_) : std::string{}; !why.empty())
      return tl::unexpected{why};
    if (auto failed = base::make_private_folder(begin.folder))
      return tl::unexpected{begin.folder + " cannot be made: " + failed.message()};
    return spawn_job(system, config_, std::move(begin), std::move(queue), std::move(coordinator), files_);
  }

private:
  core::file_job_config config_;
  std::shared_ptr<transfer::upload_registry> files_;
};

} // namespace

std::shared_ptr<const job_factory> usual_jobs(core::file_job_config config,
                                              std::shared_ptr<transfer::upload_registry> files) {
  return std::make_shared<worked_at>(config, std::move(files));
}

job_actor spawn_job(caf::actor_system& system, core::file_job_config config, job_begin begin, job_journal_actor queue,
                    leases_actor coordinator, std::shared_ptr<transfer::upload_registry> uploads) {
  begin.files = std::make_shared<job_registration>(std::move(uploads), begin.id, begin.attempt, begin.order,
                                                   begin.folder, staging_of(begin.order, begin.id, begin.attempt));
  log::info("a job begins",
            {{"job", to_string(begin.id)}, {"attempt", begin.attempt}, {"input", base::mask_url(begin.order.input)}});
  return system.spawn<actor_of<job_actor_state>>(config, std::move(begin), std::move(queue), std::move(coordinator));
}

} // namespace troupe
