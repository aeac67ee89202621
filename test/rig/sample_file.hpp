// A folder for the files of one test, removed with it, and small samples in it.
#pragma once

#include "rig/sample.hpp"
#include "test/support/temporary_folder.hpp"

#include <boost/test/unit_test.hpp>

#include <string>

namespace troupe::bench {

class sample_folder : public test::temporary_folder {
public:
  /// Writes a sample and returns its path.
  std::string make(const std::string& name, const sample_options& options) const {
    auto result = path(name);
    auto made = write_sample(result, options);
    BOOST_REQUIRE_MESSAGE(made.has_value(), (made ? std::string{} : made.error().what));
    return result;
  }
};

/// Small and short: quick under sanitizers on a busy machine.
inline sample_options small_sample() {
  sample_options result;
  result.width = 320;
  result.height = 180;
  result.seconds = 4;
  result.video_preset = "ultrafast";
  return result;
}

} // namespace troupe::bench
