// A folder for the files of one test.
#pragma once

#include <filesystem>
#include <stdexcept>
#include <string>
#include <system_error>

#include <stdlib.h>

namespace troupe::test {

/// A new folder in the system's temporary folder, removed with the object. Throws if it cannot be made.
class temporary_folder {
public:
  temporary_folder() : path_{(std::filesystem::temp_directory_path() / "troupe-test-XXXXXX").string()} {
    if (::mkdtemp(path_.data()) == nullptr)
      throw std::runtime_error("cannot make a temporary folder");
  }
  temporary_folder(const temporary_folder&) = delete;
  temporary_folder& operator=(const temporary_folder&) = delete;
  ~temporary_folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  const std::string& path() const noexcept {
    return path_;
  }

  std::string path(const std::string& name) const {
    return path_ + "/" + name;
  }

private:
  std::string path_;
};

} // namespace troupe::test
