// JSON figures have three digits after the point; further digits are noise.
#include "bench/report.hpp"

#include "bench/commit.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <thread>

namespace troupe::bench {

namespace {

double rounded(double value) {
  return std::round(value * 1000) / 1000;
}

void print_json(const report& result) {
  boost::json::object figures;
  for (auto& [name, value] : result.figures) {
    auto kept = rounded(value);
    if (!std::isfinite(kept))
      figures[name] = nullptr;
    else if (kept == std::floor(kept) && std::abs(kept) < 1e15)
      figures[name] = static_cast<int64_t>(kept);
    else
      figures[name] = kept;
  }
  boost::json::object all{
    {"name", result.name}, {"commit", commit()}, {"machine", machine()}, {"figures", std::move(figures)}};
  // Boost.JSON writes doubles with an exponent: valid JSON for programs, but hard to read.
  std::printf("%s\n", boost::json::serialize(all).c_str());
}

void print_table(const report& result) {
  size_t width = 0;
  for (auto& figure : result.figures)
    width = std::max(width, figure.first.size());
  std::printf("%s, commit %s, %s\n", result.name.c_str(), commit().c_str(), machine().c_str());
  for (auto& [name, value] : result.figures)
    std::printf("  %-*s  %.10g\n", static_cast<int>(width), name.c_str(), rounded(value));
  for (auto& note : result.notes)
    std::printf("%s\n", note.c_str());
}

} // namespace

void print(const report& result, bool json) {
  json ? print_json(result) : print_table(result);
  std::fflush(stdout);
}

std::string commit() {
  return TROUPE_COMMIT;
}

std::string machine() {
  std::ifstream cpuinfo{"/proc/cpuinfo"};
  std::string line;
  std::string model = "unknown processor";
  while (std::getline(cpuinfo, line)) {
    if (line.rfind("model name", 0) == 0 && line.find(": ") != std::string::npos) {
      model = line.substr(line.find(": ") + 2);
      break;
    }
  }
  return model + ", " + std::to_string(std::thread::hardware_concurrency()) + " cores";
}

} // namespace troupe::bench
