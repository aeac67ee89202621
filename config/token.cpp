#include "config/token.hpp"

#include "base/descriptor.hpp"
#include "base/secret.hpp"
#include "config/text.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace troupe::config {

namespace {

tl::unexpected<std::string> failed(std::string_view step, const std::string& path, int error) {
  return tl::unexpected("cannot " + std::string{step} + ' ' + quote(path) + ": " + std::strerror(error));
}

tl::expected<std::string, std::string> read_token(const std::string& path) {
  const base::descriptor file{::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)};
  if (file.get() < 0)
    return failed("read the secret in", path, errno);
  struct stat found {};
  if (::fstat(file.get(), &found) != 0 || !S_ISREG(found.st_mode))
    return tl::unexpected("cannot read the secret in " + quote(path) + ": it is no regular file");
  std::string text(defaults::token_bytes_max + 2, '\0');
  const auto count = ::read(file.get(), text.data(), text.size());
  if (count < 0)
    return failed("read the secret in", path, errno);
  text.resize(static_cast<size_t>(count));
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r'))
    text.pop_back();
  const auto is_blank = [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == 0x7F; };
  if (text.size() < defaults::token_bytes_min || text.size() > defaults::token_bytes_max
      || std::ranges::any_of(text, is_blank))
    return tl::unexpected("the secret in " + quote(path) + " must be one line of 16 to 1024 characters without blanks");
  return text;
}

/// Written to a temporary file and then linked. If two coordinators start at once, one wins, and no program reads half
/// a token.
tl::expected<std::string, std::string> make_token(const std::string& path, const std::string& fresh) {
  if (auto made = make_state_dir(std::filesystem::path{path}.parent_path().string()); !made)
    return tl::unexpected(made.error());
  const auto temporary = path + '.' + std::to_string(::getpid());
  {
    const base::descriptor file{::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600)};
    const auto line = fresh + '\n';
    if (file.get() < 0 || ::write(file.get(), line.data(), line.size()) != static_cast<ssize_t>(line.size())
        || ::fsync(file.get()) != 0)
      return failed("write a secret to", temporary, errno);
  }
  const auto linked = ::link(temporary.c_str(), path.c_str()) == 0 ? 0 : errno;
  ::unlink(temporary.c_str());
  if (linked != 0 && linked != EEXIST)
    return failed("write a secret to", path, linked);
  return read_token(path);
}

} // namespace

std::string fresh_secret() {
  constexpr size_t bytes = 32;
  return base::random_digits(bytes);
}

tl::expected<void, std::string> make_state_dir(const std::string& folder) {
  if (folder.empty())
    return {};
  std::error_code error;
  if (std::filesystem::is_directory(folder, error))
    return {};
  if (std::filesystem::create_directories(folder, error); error)
    return tl::unexpected("cannot make the folder " + quote(folder) + ": " + error.message()
                          + "; set node.state_dir to another folder");
  std::filesystem::permissions(folder, std::filesystem::perms::owner_all, error);
  return {};
}

tl::expected<std::string, std::string> kept_secret(const std::string& path, const std::string& fresh) {
  std::error_code error;
  return std::filesystem::exists(path, error) ? read_token(path) : make_token(path, fresh);
}

tl::expected<std::string, std::string> cluster_token(const configuration& x) {
  if (!x.cluster.token.empty())
    return x.cluster.token;
  const auto& path = x.cluster.token_file;
  const auto makes = x.role == role::coordinator || x.role == role::all;
  std::error_code error;
  if (makes && !std::filesystem::exists(path, error))
    return make_token(path, fresh_secret());
  auto token = read_token(path);
  if (!token && !makes)
    token.error() += "; set cluster.token_file or TROUPE_CLUSTER_TOKEN to what the coordinator has";
  return token;
}

} // namespace troupe::config
