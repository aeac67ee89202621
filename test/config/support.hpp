// Short forms that the tests of the configuration share.
#pragma once

#include "config/load.hpp"
#include "config/option_value.hpp"
#include "config/options.hpp"
#include "config/print.hpp"

#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <unistd.h>
#include <vector>

namespace troupe::config {

/// All problems, one a line; empty where the configuration loads.
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

/// A folder of this test alone, gone with it.
class scratch_folder {
public:
  scratch_folder() : path_(std::filesystem::temp_directory_path() / ("troupe-config-" + std::to_string(::getpid()))) {
    std::filesystem::remove_all(path_);
    std::filesystem::create_directories(path_);
  }

  scratch_folder(const scratch_folder&) = delete;
  scratch_folder& operator=(const scratch_folder&) = delete;

  ~scratch_folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  std::string path_of(std::string_view name) const {
    return (path_ / name).string();
  }

  std::string write(std::string_view name, std::string_view text) const {
    std::ofstream{path_of(name), std::ios::binary} << text;
    return path_of(name);
  }

private:
  std::filesystem::path path_;
};

} // namespace troupe::config
