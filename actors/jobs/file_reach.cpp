#include "actors/jobs/file_reach.hpp"

#include "actors/common/task_folder.hpp"
#include "base/descriptor.hpp"
#include "base/identity.hpp"
#include "base/private_folder.hpp"
#include "transfer/upload_registry.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace troupe {

namespace {

namespace fs = std::filesystem;

/// A reader of libavformat tries again for this long, with pauses that double.
constexpr const char* reconnect_seconds = "8";

/// A task that works on a file may take this long to open it: a source of many hours over a slow line has a long index.
constexpr auto open_timeout = std::chrono::seconds{60};
constexpr auto read_timeout = std::chrono::seconds{40};

std::string with_host(const std::string& address, const std::string& host) {
  constexpr std::string_view hostless = "http://:";
  if (!address.starts_with(hostless))
    return address;
  auto bare = host.find(':') != std::string::npos && !host.starts_with('[');
  return "http://" + (bare ? "[" + host + "]" : host) + address.substr(hostless.size() - 1);
}

bool holds(const std::string& path, const std::string& text) {
  std::ifstream in{path, std::ios::binary};
  std::string found(text.size() + 1, '\0');
  in.read(found.data(), static_cast<std::streamsize>(found.size()));
  found.resize(static_cast<size_t>(in.gcount()));
  return !text.empty() && found == text;
}

/// The coordinator's file, which this task may change. Where it may not, it also may not write next to it.
bool may_change(const std::string& path, const std::string& text) {
  base::descriptor file{::open(path.c_str(), O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)};
  return file && holds(path, text);
}

std::string name_of(const std::string& path) {
  return fs::path{path}.filename().string();
}

file_failure to_failure(const transfer::failure& x) {
  return {false, false, x.text.substr(0, file_text_bytes_max)};
}

} // namespace

file_reach::file_reach(const file_access& access, const task_place& place, const av::work_control& control)
  : access_(access), place_(place), control_(control), address_(with_host(access.address, place.coordinator_host)) {
  folder_ = task_folder(place.work_folder, ::getpid());
}

file_reach::~file_reach() {
  std::error_code ignored;
  if (!address_.empty())
    fs::remove_all(folder_, ignored);
}

transfer::remote file_reach::at(const std::string& resource) const {
  return {address_ + "/api/v1/jobs/" + access_.job + resource, access_.ticket};
}

transfer::control file_reach::with() const {
  transfer::control result;
  result.stop = &control_.stop;
  return result;
}

file_reach::expected<std::string> file_reach::own_path(const std::string& name) {
  if (auto failed = base::make_private_folder(folder_))
    return tl::unexpected(file_failure{false, false, folder_ + " cannot be made: " + failed.message()});
  return folder_ + "/" + name;
}

// -- the source ---------------------------------------------------------------

/// Nothing for a file that cannot be read, or may not be a source here.
std::optional<std::string> file_reach::identity_of(const std::string& path) const {
  auto file = (place_.access ? place_.access->files : base::path_roots{}).open_file(path, O_RDONLY);
  return file ? base::identity_of(file->get()) : std::nullopt;
}

bool file_reach::reads_by_path(const std::string& path_or_url) const {
  if (path_or_url.find("://") != std::string::npos || address_.empty())
    return true;
  if (!access_.direct)
    return false;
  // A source that the coordinator cannot see exists only on the workers: it is read by its path.
  if (!by_path_)
    by_path_ = access_.identity.empty() || identity_of(path_or_url) == access_.identity;
  return *by_path_;
}

av::source_options file_reach::source(const std::string& path_or_url, const std::string& identity) const {
  av::source_options result;
  result.url = path_or_url;
  result.access = place_.access;
  if (reads_by_path(path_or_url))
    return result;
  result.url = at("/source").url;
  // The ticket must reach only the coordinator. A playlist or a redirect could make libavformat send it to any host, so
  // only one file is read, from one host and port.
  result.one_file = true;
  result.options["headers"] =
    "Authorization: Bearer " + access_.ticket + "\r\n" + (identity.empty() ? "" : "If-Match: \"" + identity + "\"\r\n");
  result.options["reconnect"] = "1";
  result.options["reconnect_on_network_error"] = "1";
  result.options["reconnect_on_http_error"] = "503"; // after a restart, HTTP answers before jobs are back
  result.options["reconnect_delay_max"] = reconnect_seconds;
  result.open_timeout = open_timeout;
  result.read_timeout = read_timeout;
  return result;
}

file_reach::expected<std::string> file_reach::identity(const std::string& path_or_url) const {
  if (path_or_url.find("://") != std::string::npos)
    return "0";
  if (reads_by_path(path_or_url))
    return identity_of(path_or_url).value_or("0");
  auto head = transfer::ask("HEAD", at("/source"), with());
  if (head)
    return head->etag;
  auto why = to_failure(head.error());
  if (head.error().status == 404)
    why = {true, true, "the coordinator cannot read the source any more, or never could: " + path_or_url};
  return tl::unexpected(std::move(why));
}

file_failure file_reach::judged(const std::string& path_or_url, file_failure x) const {
  if (!x.terminal || reads_by_path(path_or_url))
    return x;
  auto head = transfer::ask("HEAD", at("/source"), with());
  if (!head)
    x.terminal = false;
  return x;
}

// -- chunks -------------------------------------------------------------------

bool file_reach::shares_folder() const {
  if (!shares_folder_)
    shares_folder_ =
      address_.empty()
      || (access_.direct && may_change(access_.folder + "/" + transfer::upload_registry::marker_name, access_.marker));
  return *shares_folder_;
}

file_reach::expected<std::string> file_reach::chunk_destination(const std::string& path) {
  if (shares_folder())
    return path;
  return own_path(name_of(path));
}

file_reach::expected<void> file_reach::deliver(const std::string& written, const std::string& resource) {
  auto with = this->with();
  av::report_gate gate{control_};
  with.report = [&](uint64_t done, uint64_t all) {
    // Bytes that go out are progress, too.
    gate.poll([&] {
      return av::work_progress{0, done, 0, 0.99 + 0.01 * static_cast<double>(done) / static_cast<double>(all)};
    });
  };
  auto sent = transfer::upload(written, at(resource + "?attempt=" + access_.attempt), with);
  ::unlink(written.c_str());
  if (sent)
    return {};
  auto why = to_failure(sent.error());
  // Status 412: a file that must not be replaced is in the way, and a retry does not help.
  why.terminal = sent.error().status == 412;
  return tl::unexpected(std::move(why));
}

file_reach::expected<void> file_reach::deliver_chunk(uint32_t number, const std::string& written) {
  if (shares_folder())
    return {};
  return deliver(written, "/chunks/" + std::to_string(number));
}

file_reach::expected<chunk_file> file_reach::fetch_chunk(const chunk_file& x) {
  if (shares_folder())
    return x;
  auto here = own_path(name_of(x.path));
  if (!here)
    return tl::unexpected(here.error());
  auto from = at("/chunks/" + std::to_string(x.number) + "?file=" + name_of(x.path));
  auto got = transfer::download(from, *here, x.sha256, with());
  if (!got)
    return tl::unexpected(to_failure(got.error()));
  return chunk_file{x.number, *here, x.bytes, x.sha256};
}

std::optional<bool> file_reach::is_whole(const chunk_file& x) const {
  if (shares_folder())
    return {};
  auto with = this->with();
  with.silence_max = std::chrono::minutes{10}; // it reads the whole file before it answers
  auto head =
    transfer::ask("HEAD", at("/chunks/" + std::to_string(x.number) + "?digest=1&file=" + name_of(x.path)), with);
  return head && head->bytes == x.bytes && head->sha256 == x.sha256;
}

// -- the result ---------------------------------------------------------------

file_reach::expected<std::string> file_reach::result_destination(const std::string& staging) {
  // A folder that the coordinator cannot see exists only on the workers.
  // In a place where only this task may not write, the coordinator writes its result.
  auto shared = !access_.sees_output || (place_.results.open_folder_of(staging) && may_change(staging, access_.marker));
  if (address_.empty() || (access_.direct && shared))
    return staging;
  return own_path("result");
}

file_reach::expected<void> file_reach::deliver_result(const std::string& written) {
  return deliver(written, "/result");
}

} // namespace troupe
