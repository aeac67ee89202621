#include "actors/jobs/job_registration.hpp"

#include "base/publish.hpp"
#include "transfer/upload_registry.hpp"

#include <fcntl.h>

#include <filesystem>
#include <system_error>

namespace troupe {

namespace {

namespace fs = std::filesystem;

bool sees_folder_of(const std::string& output) {
  std::error_code failed;
  return fs::is_directory(fs::path{output}.parent_path(), failed);
}

} // namespace

job_registration::job_registration(std::shared_ptr<transfer::upload_registry> uploads, job_id id, uint32_t life,
                                   const file_order& order, const std::string& folder, const std::string& staging)
  : uploads_(std::move(uploads)), life_(std::to_string(life)) {
  access_.job = to_string(id);
  access_.folder = folder;
  if (!uploads_)
    return;
  auto opened = uploads_->open_job({access_.job, life_, order.input, folder, staging, order.output, order.overwrite});
  access_.ticket = std::move(opened.ticket);
  access_.marker = std::move(opened.marker);
  access_.identity = std::move(opened.identity);
  access_.direct = opened.direct;
  access_.sees_output = sees_folder_of(order.output);
}

job_registration::~job_registration() {
  if (uploads_)
    uploads_->close_job(access_.job, life_);
}

std::string job_registration::tag_of(attempt_id attempt) const {
  auto old = adopted_.find(attempt);
  if (old != adopted_.end())
    return old->second;
  auto text = life_ + "." + to_string(attempt);
  return uploads_ ? uploads_->attempt_name(access_.job, text) : text;
}

file_work job_registration::begin(file_work x) {
  if (!uploads_)
    return x;
  x.access = access_;
  x.access.address = uploads_->address();
  x.access.attempt = tag_of(x.attempt);
  if (auto* probe = std::get_if<probe_work>(&x.work)) {
    // The coordinator checked the output's place when the job began, unless the folder may exist only on workers.
    if (access_.sees_output || !access_.direct)
      probe->output.clear();
  } else if (auto* chunk = std::get_if<chunk_work>(&x.work)) {
    uploads_->begin_chunk(access_.job, x.access.attempt, chunk->number, chunk->destination);
  } else if (auto* result = std::get_if<assemble_work>(&x.work)) {
    uploads_->begin_result(access_.job, x.access.attempt, result->overwrite);
  }
  return x;
}

void job_registration::adopt(attempt_id attempt, const file_work& x) {
  auto* chunk = std::get_if<chunk_work>(&x.work);
  if (!uploads_ || chunk == nullptr)
    return;
  adopted_[attempt] = x.access.attempt;
  uploads_->begin_chunk(access_.job, x.access.attempt, chunk->number, chunk->destination);
}

std::string job_registration::published() const {
  return uploads_ ? uploads_->published(access_.job) : std::string{};
}

void job_registration::end(attempt_id attempt) {
  if (uploads_)
    uploads_->end_attempt(access_.job, tag_of(attempt));
  adopted_.erase(attempt);
}

std::string in_the_way(const file_order& order, bool overwrite, const transfer::upload_registry& uploads) {
  // Workers that open no path get the source from here.
  if (!uploads.is_direct() && order.input.find("://") == std::string::npos)
    if (auto file = uploads.source_roots().open_file(order.input, O_RDONLY); !file && file.error().number == 0)
      return file.error().what;
  if (uploads.is_direct() && !sees_folder_of(order.output))
    return {};
  auto free = base::check_target(order.output, overwrite ? base::overwrite::allow : base::overwrite::refuse,
                                 uploads.result_roots());
  return free ? std::string{} : free.error().what;
}

std::string staging_of(const file_order& order, job_id id, uint32_t life) {
  return base::staging_path(order.output, to_string(id).substr(0, 16) + "." + std::to_string(life));
}

} // namespace troupe
