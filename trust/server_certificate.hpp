// The certificate by which browsers and players know the HTTPS server.
//
// It comes from files of the operator. Without them, the server makes a certificate that the cluster's authority signs,
// and renews it long before it ends. Whatever is new is checked before it is used; until then the old one stays.
#pragma once

#include "trust/certificate.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <tl/expected.hpp>

namespace troupe::trust {

struct server_certificate_config {
  std::string certificate = {};                             ///< PEM file of the operator; empty: the server makes one
  std::string key = {};                                     ///< PEM file; empty: in the file of the certificate
  std::shared_ptr<const trust::certificate> authority = {}; ///< signs what the server makes
  std::string folder = {};                                  ///< for what the server makes; private
  std::function<std::vector<std::string>()> names = {}; ///< by which the server is reached: host names and addresses
  std::function<int64_t()> now_s = {};                  ///< Unix time; empty: the system's clock
};

/// In the folder.
inline constexpr const char* server_file = "https.pem"; ///< with its key; private

/// For one thread.
class server_certificate {
public:
  /// The error names the file, and says what is wrong with it.
  static tl::expected<std::unique_ptr<server_certificate>, std::string> open(server_certificate_config config);

  const certificate& current() const noexcept {
    return *current_;
  }

  /// Takes what has changed in the files, or renews what the server made. True if `current` is new. The error says why
  /// it is the old one still; it is told once for each change of the files.
  tl::expected<bool, std::string> refresh();

private:
  explicit server_certificate(server_certificate_config config);

  bool is_made_here() const noexcept {
    return config_.certificate.empty();
  }

  tl::expected<void, std::string> begin();
  tl::expected<void, std::string> read_files();
  /// Tells one version of the files from another.
  std::string version_of_files() const;
  /// True if it need not be renewed.
  bool is_good(const certificate& x) const;
  tl::expected<void, std::string> renew();

  server_certificate_config config_;
  std::string version_; ///< of the files that were read last
  std::optional<certificate> current_;
  int64_t failed_s_ = 0; ///< when a renewal last failed, or brought no better certificate
};

} // namespace troupe::trust
