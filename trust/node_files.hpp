// The files by which a node proves itself at the cluster port, in its state folder. Every process of the node reads
// them, so they are always replaced whole, and mended if somebody damages them.
#pragma once

#include "trust/certificate.hpp"

#include <optional>
#include <string>

#include <tl/expected.hpp>

namespace troupe::trust {

/// In the folder.
inline constexpr const char* node_file = "node.pem";              ///< the node's certificate and key; private
inline constexpr const char* node_secret_file = "node.secret";    ///< by which it proves its name; private
inline constexpr const char* node_authority_file = "node-ca.pem"; ///< whom the node trusts; with revocations, if any

/// For one thread.
class node_files {
public:
  explicit node_files(const std::string& folder)
    : certificate_path_(folder + "/" + node_file), authority_path_(folder + "/" + node_authority_file) {}

  const std::string& certificate_path() const noexcept {
    return certificate_path_;
  }

  const std::string& authority_path() const noexcept {
    return authority_path_;
  }

  /// The authority in the files; empty if there is none.
  std::optional<certificate> authority() const;

  /// The node's certificate; empty if there is none, or if it is damaged or of another authority. `mend` keeps it.
  std::optional<certificate> read();

  /// `authority` is the whole text of the authority's file.
  tl::expected<void, std::string> write(const certificate& x, const std::string& authority);

  /// Writes the files again, if they are not as they were last read or written. True if one was written.
  tl::expected<bool, std::string> mend();

private:
  std::string certificate_path_;
  std::string authority_path_;
  std::string certificate_text_;
  std::string authority_text_;
};

} // namespace troupe::trust
