#include "trust/server_certificate.hpp"

#include "base/identity.hpp"
#include "trust/private_file.hpp"

#include <algorithm>
#include <ctime>
#include <utility>

namespace troupe::trust {

namespace {

using done = tl::expected<void, std::string>;

constexpr int64_t day_s = 24 * 3600;
constexpr int64_t server_life_s = 90 * day_s;
constexpr int64_t renewed_before_end_s = 30 * day_s;
constexpr int64_t pause_after_failure_s = 3600;

std::string quoted(const std::string& x) {
  return "'" + x + "'";
}

/// What a file of ours holds. Missing or damaged, it is made again.
std::optional<certificate> read_own(const std::string& path) {
  auto text = read_file(path);
  if (!text)
    return {};
  auto read = certificate::read(*text, *text);
  return read ? std::optional{std::move(*read)} : std::nullopt;
}

} // namespace

server_certificate::server_certificate(server_certificate_config config) : config_(std::move(config)) {
  if (!config_.now_s)
    config_.now_s = [] { return static_cast<int64_t>(std::time(nullptr)); };
}

tl::expected<std::unique_ptr<server_certificate>, std::string>
server_certificate::open(server_certificate_config config) {
  std::unique_ptr<server_certificate> result{new server_certificate(std::move(config))};
  if (auto begun = result->begin(); !begun)
    return tl::unexpected(std::move(begun.error()));
  return result;
}

done server_certificate::begin() {
  if (!is_made_here()) {
    version_ = version_of_files();
    return read_files();
  }
  current_ = read_own(config_.folder + "/" + server_file);
  return current_ && is_good(*current_) ? done{} : renew();
}

tl::expected<bool, std::string> server_certificate::refresh() {
  if (is_made_here()) {
    auto now = config_.now_s();
    if (is_good(*current_) || (failed_s_ != 0 && now < failed_s_ + pause_after_failure_s))
      return false;
    auto renewed = renew();
    // A name that no certificate can prove must not lead to a new one each time.
    failed_s_ = renewed && is_good(*current_) ? 0 : now;
    return renewed.map([] { return true; });
  }
  auto version = version_of_files();
  if (version == version_)
    return false;
  version_ = std::move(version);
  return read_files().map([] { return true; });
}

done server_certificate::read_files() {
  auto chain = read_file(config_.certificate);
  auto key = config_.key.empty() ? chain : read_file(config_.key);
  if (!chain || !key)
    return tl::unexpected(std::move(chain ? key : chain).error());
  auto read = certificate::read(*chain, *key);
  auto from = quoted(config_.certificate) + (config_.key.empty() ? "" : " with " + quoted(config_.key));
  if (!read)
    return tl::unexpected("cannot use the certificate in " + from + ": " + read.error());
  auto now = config_.now_s();
  if (now >= read->ends_s() || now < read->begins_s())
    return tl::unexpected("cannot use the certificate in " + from + ": by this machine's clock, it "
                          + (now < read->begins_s() ? "is not valid yet" : "has expired"));
  current_ = std::move(*read);
  return {};
}

std::string server_certificate::version_of_files() const {
  auto result = base::identity_of(config_.certificate).value_or("");
  return config_.key.empty() ? result : result + base::identity_of(config_.key).value_or("");
}

bool server_certificate::is_good(const certificate& x) const {
  auto now = config_.now_s();
  auto names = config_.names();
  return x.is_signed_by(*config_.authority) && now >= x.begins_s() && now < x.ends_s() - renewed_before_end_s
         && std::all_of(names.begin(), names.end(), [&x](auto& name) { return x.is_for(name); });
}

done server_certificate::renew() {
  auto made = issue(*config_.authority, config_.names(), config_.now_s(), server_life_s);
  if (!made)
    return tl::unexpected(std::move(made.error()));
  if (auto written = write_file(config_.folder + "/" + server_file, made->whole(), private_mode); !written)
    return written;
  current_ = std::move(*made);
  return {};
}

} // namespace troupe::trust
