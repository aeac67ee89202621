// Lets through what a source may open: the source itself, the places that it names, and the connections to them.
#pragma once

#include "base/descriptor.hpp"
#include "encoder/source/resolver_guard.hpp"
#include "encoder/source/source_access.hpp"

#include <tl/expected.hpp>

#include <memory>
#include <optional>
#include <string>

namespace troupe::av {

struct source_options;

/// A place that may be opened.
struct gate_pass {
  std::string url;       ///< in the form that libavformat takes
  base::descriptor file; ///< the file that `url` names; keep it until the URL is open
};

class source_gate {
public:
  explicit source_gate(const source_options& options);

  source_gate(const source_gate&) = delete;
  source_gate& operator=(const source_gate&) = delete;

  /// Whether anything is checked at all.
  bool is_closed() const noexcept {
    return rules_.has_value();
  }

  /// Checks a URL, or a path with or without "file:". A path is opened here, and libavformat opens the same file by its
  /// descriptor. An error says why the place is refused.
  tl::expected<gate_pass, std::string> pass(const std::string& url) const;

  /// While the result is in scope, this thread's connections are checked. `refusal` gets the first reason.
  resolver_guard guard(std::string& refusal) const noexcept {
    return resolver_guard{rules_ ? &*rules_ : nullptr, refusal};
  }

private:
  std::shared_ptr<const source_access> access_; ///< null if places are not checked
  core::url_place place_;                       ///< of the source, if it is a URL
  std::optional<connection_rules> rules_;
};

} // namespace troupe::av
