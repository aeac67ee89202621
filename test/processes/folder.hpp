// A folder of files that stand for the kernel's.
#pragma once

#include "test/support/temporary_folder.hpp"

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

class folder : public troupe::test::temporary_folder {
public:
  void write(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories(std::filesystem::path{path(name)}.parent_path());
    std::ofstream{path(name)} << text;
  }

  std::string read(const std::string& name) const {
    std::ostringstream text;
    text << std::ifstream{path(name)}.rdbuf();
    return text.str();
  }
};
