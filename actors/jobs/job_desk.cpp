#include "actors/jobs/job_desk.hpp"

#include "base/publish.hpp"
#include "transfer/desk.hpp"

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

job_desk::job_desk(std::shared_ptr<transfer::desk> desk, job_id id, uint32_t life, const file_order& order,
                   const std::string& folder, const std::string& staging)
  : desk_(std::move(desk)), life_(std::to_string(life)) {
  access_.job = to_string(id);
  access_.folder = folder;
  if (!desk_)
    return;
  auto opened = desk_->open_job({access_.job, life_, order.input, folder, staging, order.output, order.overwrite});
  access_.ticket = std::move(opened.ticket);
  access_.marker = std::move(opened.marker);
  access_.identity = std::move(opened.identity);
  access_.direct = opened.direct;
  access_.sees_output = sees_folder_of(order.output);
}

job_desk::~job_desk() {
  if (desk_)
    desk_->close_job(access_.job, life_);
}

std::string job_desk::tag_of(attempt_id attempt) const {
  auto old = adopted_.find(attempt);
  if (old != adopted_.end())
    return old->second;
  auto text = life_ + "." + to_string(attempt);
  return desk_ ? desk_->attempt_name(access_.job, text) : text;
}

file_work job_desk::begin(file_work x) {
  if (!desk_)
    return x;
  x.access = access_;
  x.access.address = desk_->address();
  x.access.attempt = tag_of(x.attempt);
  if (auto* probe = std::get_if<probe_work>(&x.work)) {
    // Looked for when the job began, on the machine whose path it is.
    if (access_.sees_output || !access_.direct)
      probe->output.clear();
  } else if (auto* chunk = std::get_if<chunk_work>(&x.work)) {
    desk_->begin_chunk(access_.job, x.access.attempt, chunk->number, chunk->destination);
  } else if (auto* result = std::get_if<assemble_work>(&x.work)) {
    desk_->begin_result(access_.job, x.access.attempt, result->overwrite);
  }
  return x;
}

void job_desk::adopt(attempt_id attempt, const file_work& x) {
  auto* chunk = std::get_if<chunk_work>(&x.work);
  if (!desk_ || chunk == nullptr)
    return;
  adopted_[attempt] = x.access.attempt;
  desk_->begin_chunk(access_.job, x.access.attempt, chunk->number, chunk->destination);
}

std::string job_desk::published() const {
  return desk_ ? desk_->published(access_.job) : std::string{};
}

void job_desk::end(attempt_id attempt) {
  if (desk_)
    desk_->end_attempt(access_.job, tag_of(attempt));
  adopted_.erase(attempt);
}

std::string in_the_way(const file_order& order, bool overwrite, bool direct) {
  if (direct && !sees_folder_of(order.output))
    return {};
  auto free = base::check_target(order.output, overwrite ? base::overwrite::allow : base::overwrite::refuse);
  return free ? std::string{} : free.error().what;
}

std::string staging_of(const file_order& order, job_id id, uint32_t life) {
  return base::staging_path(order.output, to_string(id).substr(0, 16) + "." + std::to_string(life));
}

} // namespace troupe
