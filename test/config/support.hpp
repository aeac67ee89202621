// Short forms that the tests of the configuration share.
#pragma once

#include "config/load.hpp"
#include "config/option_value.hpp"
#include "config/options.hpp"
#include "config/print.hpp"
#include "test/support/temporary_folder.hpp"

#include <boost/test/unit_test.hpp>

#include <fstream>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::config {

/// All problems, one a line; empty if the configuration loads.
inline std::string problems_of(const tl::expected<loaded, problems>& x) {
  std::string result;
  if (!x)
    for (const auto& one : x.error())
      result += to_string(one) + '\n';
  return result;
}

/// The configuration, or the failure of the test with all problems.
inline loaded require(tl::expected<loaded, problems> x) {
  BOOST_REQUIRE_MESSAGE(x.has_value(), problems_of(x));
  return std::move(*x);
}

inline bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

/// Arguments and variables without a file.
inline tl::expected<loaded, problems> load_from(std::vector<std::string> arguments, const environment& variables = {}) {
  return load(arguments, variables);
}

class scratch_folder : public test::temporary_folder {
public:
  std::string write(const std::string& name, std::string_view text) const {
    std::ofstream{path(name), std::ios::binary} << text;
    return path(name);
  }
};

} // namespace troupe::config
