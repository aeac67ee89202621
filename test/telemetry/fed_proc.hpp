// A folder that stands in for /proc, with the files that a test writes into it; gone at the end of the test.
#pragma once

#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <string_view>

namespace troupe::telemetry::test {

class fed_proc {
public:
  fed_proc() {
    std::random_device entropy;
    auto name = "troupe-proc-" + std::to_string(entropy()) + std::to_string(entropy());
    root_ = std::filesystem::temp_directory_path() / name;
    std::filesystem::create_directories(root_);
  }

  fed_proc(const fed_proc&) = delete;
  fed_proc& operator=(const fed_proc&) = delete;

  ~fed_proc() {
    std::error_code ignored;
    std::filesystem::remove_all(root_, ignored);
  }

  std::string root() const {
    return root_.string();
  }

  void write(const std::string& name, std::string_view text) const {
    std::filesystem::create_directories((root_ / name).parent_path());
    std::ofstream{root_ / name, std::ios::binary} << text;
  }

private:
  std::filesystem::path root_;
};

} // namespace troupe::telemetry::test
