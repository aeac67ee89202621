#include "trust/node_files.hpp"

#include "trust/private_file.hpp"

#include <utility>

namespace troupe::trust {

std::optional<certificate> node_files::authority() const {
  auto text = read_file(authority_path_);
  auto read = text ? certificate::read_public(*text) : tl::unexpected(std::move(text.error()));
  return read ? std::optional{std::move(*read)} : std::nullopt;
}

std::optional<certificate> node_files::read() {
  auto text = read_file(certificate_path_);
  auto trusted = read_file(authority_path_);
  auto by = authority();
  if (!text || !trusted || !by)
    return {};
  auto result = certificate::read(*text, *text);
  if (!result || !result->is_signed_by(*by))
    return {};
  certificate_text_ = std::move(*text);
  authority_text_ = std::move(*trusted);
  return std::move(*result);
}

tl::expected<void, std::string> node_files::write(const certificate& x, const std::string& authority) {
  if (auto written = write_file(authority_path_, authority, public_mode); !written)
    return written;
  if (auto written = write_file(certificate_path_, x.whole(), private_mode); !written)
    return written;
  certificate_text_ = x.whole();
  authority_text_ = authority;
  return {};
}

tl::expected<bool, std::string> node_files::mend() {
  auto mended = false;
  auto mend_one = [&mended](const std::string& path, const std::string& text,
                            mode_t mode) -> tl::expected<void, std::string> {
    if (text.empty() || read_file(path) == text)
      return {};
    mended = true;
    return write_file(path, text, mode);
  };
  auto done = mend_one(authority_path_, authority_text_, public_mode);
  if (done)
    done = mend_one(certificate_path_, certificate_text_, private_mode);
  if (!done)
    return tl::unexpected(std::move(done.error()));
  return mended;
}

} // namespace troupe::trust
