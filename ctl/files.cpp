#include "ctl/files.hpp"

#include "base/identity.hpp"
#include "base/json.hpp"
#include "base/sha256.hpp"
#include "base/utf8.hpp"
#include "ctl/http.hpp"
#include "ctl/run.hpp"
#include "ctl/table.hpp"
#include "transfer/remote.hpp"

#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <ostream>
#include <span>

#include <unistd.h>

namespace troupe::ctl {

namespace {

using namespace base::reading;
namespace fs = std::filesystem;
using clock = std::chrono::steady_clock;

constexpr auto draw_interval = std::chrono::milliseconds{250};
constexpr uint32_t tries_max = 30;

failure to_failure(const transfer::failure& x) {
  return {x.status != 0 || x.lasting ? refused : unreachable, base::plain_text(x.text)};
}

transfer::remote at(const options& with, const std::string& resource) {
  return {with.url + "/api/v1" + resource, with.key};
}

/// Draws one line with the progress of a transfer, only on a terminal.
transfer::control drawn(std::ostream& err, const char* what, bool terminal) {
  transfer::control result;
  result.tries_max = tries_max;
  if (!terminal)
    return result;
  result.report = [&err, what, next = clock::now()](uint64_t done, uint64_t all) mutable {
    auto now = clock::now();
    if (now < next && done < all)
      return;
    next = now + draw_interval;
    auto share = all > 0 ? static_cast<double>(done) / static_cast<double>(all) : 1.0;
    err << "\r\x1b[K" << what << ": " << number_text(share * 100) << "% of " << bytes_text(static_cast<double>(all))
        << (done == all ? "\n" : "") << std::flush;
  };
  return result;
}

std::string key_of(const options& with, const std::string& identity) {
  base::sha256 hash;
  auto add = [&hash](const std::string& text) {
    hash.add(std::as_bytes(std::span{text}));
    hash.add(std::as_bytes(std::span{"", 1}));
  };
  for (auto& text : {identity, with.input, with.output})
    add(text);
  for (auto& [name, value] : with.settings) {
    add(name);
    add(value);
  }
  return hash.digest().substr(0, 32);
}

/// The result's name at the coordinator until it is fetched.
std::string kept_name(const std::string& output) {
  constexpr size_t bytes_max = 200;
  fs::path path{output};
  auto name = path.filename().string();
  if (name.size() <= bytes_max && !name.starts_with('.') && base::is_plain_text(name))
    return name;
  auto ending = path.extension().string();
  return "result" + (ending.size() <= bytes_max / 2 && base::is_plain_text(ending) ? ending : std::string{});
}

/// Why the result cannot be written here. Checked before anything is sent.
std::string refused_output(const options& with) {
  std::error_code failed;
  auto folder = fs::path{with.output}.parent_path();
  if (!fs::is_directory(folder.empty() ? "." : folder, failed))
    return "there is no folder " + folder.string() + " for the output; make it, or name another output";
  if (::access(folder.empty() ? "." : folder.c_str(), W_OK | X_OK) != 0)
    return "cannot write to the folder of " + with.output + ": " + std::strerror(errno);
  auto there = fs::symlink_status(with.output, failed);
  if (!fs::exists(there))
    return {};
  if (!fs::is_regular_file(there))
    return with.output + " is no regular file; name another output";
  return with.overwrite ? std::string{} : with.output + " exists already; name another output, or use --overwrite";
}

} // namespace

bool brings_files(const options& with) {
  if (with.direct || with.upload)
    return with.upload;
  return !is_this_machine(with.url);
}

tl::expected<brought, failure> bring_input(const options& with, std::ostream& err, bool terminal) {
  auto is_url = with.input.find("://") != std::string::npos;
  std::error_code failed;
  auto identity = is_url ? std::string{} : base::identity_of(with.input).value_or(std::string{});
  auto bytes = is_url ? 0 : fs::file_size(with.input, failed);
  if (!is_url && (identity.empty() || failed))
    return tl::unexpected(failure{refused, "cannot read " + base::plain_text(with.input)
                                             + (failed ? ": " + failed.message() : ": it is no regular file")});
  if (auto why = refused_output(with); !why.empty())
    return tl::unexpected(failure{refused, base::plain_text(why)});
  brought result{with, {}, {}};
  result.order.output = "kept:" + kept_name(with.output);
  result.order.overwrite = false;
  result.key = key_of(with, identity);
  if (is_url)
    return result;
  auto control = drawn(err, "uploading", terminal && !with.json);
  auto create = at(with, "/uploads");
  create.fields = {{"Upload-Length", std::to_string(bytes)},
                   {"Upload-Name", kept_name("input" + fs::path{with.input}.extension().string())},
                   {"Idempotency-Key", identity}};
  auto made = transfer::ask("POST", create, control);
  if (!made)
    return tl::unexpected(to_failure(made.error()));
  result.upload_id = made->upload_id;
  if (result.upload_id.empty())
    return tl::unexpected(failure{refused, "the server at " + base::plain_text(with.url) + " accepts no uploads"});
  if (auto sent = transfer::upload(with.input, at(with, "/uploads/" + encoded(result.upload_id)), control); !sent)
    return tl::unexpected(to_failure(sent.error()));
  result.order.input = "upload:" + result.upload_id;
  return result;
}

bool is_spent(const options& with, const std::string& id) {
  auto job = ask_json(with, "/jobs/" + encoded(id));
  if (!job)
    return false;
  auto state = text(*job, "state");
  if (state != "completed")
    return state == "failed" || state == "cancelled";
  auto head = transfer::ask("HEAD", at(with, "/jobs/" + encoded(id) + "/result"), {});
  return !head && head.error().status == 404;
}

int fetch_result(const options& with, const brought& x, const std::string& id, std::ostream& err, bool terminal) {
  auto resource = "/jobs/" + encoded(id) + "/result";
  auto got =
    transfer::download(at(with, resource), with.output, {}, drawn(err, "fetching the result", terminal && !with.json),
                       with.overwrite ? transfer::existing::replace : transfer::existing::keep);
  if (!got) {
    auto why = to_failure(got.error());
    err << "caf-ctl: " << why.text << "; repeat the command to resume\n";
    return why.code;
  }
  // If this fails, the coordinator deletes its copies after `jobs.keep`.
  transfer::control once;
  once.tries_max = 2;
  (void)transfer::ask("DELETE", at(with, resource), once);
  if (!x.upload_id.empty())
    (void)transfer::ask("DELETE", at(with, "/uploads/" + encoded(x.upload_id)), once);
  return done;
}

} // namespace troupe::ctl
