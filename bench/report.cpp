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
  return std::round(value * 1000) / 1000 + 0.0; // and -0 is 0
}

boost::json::value to_json(double value) {
  auto kept = rounded(value);
  if (!std::isfinite(kept))
    return nullptr;
  if (kept == std::floor(kept) && std::abs(kept) < 1e15)
    return static_cast<int64_t>(kept);
  return kept;
}

/// The report's notes, and what a reader must know of figures that were measured only once.
std::vector<std::string> all_notes(const report& result) {
  auto notes = result.notes;
  std::string singles;
  for (auto& x : result.figures)
    if (x.is_single)
      singles += (singles.empty() ? "" : ", ") + x.name;
  if (!singles.empty())
    notes.push_back("measured only once, so the spread is unknown: " + singles);
  return notes;
}

void print_json(const report& result, bool quick) {
  boost::json::object figures;
  for (auto& x : result.figures)
    for (auto& [name, value] : x.lines())
      figures[name] = to_json(value);
  boost::json::object all{
    {"name", result.name}, {"commit", commit()}, {"machine", machine()}, {"figures", std::move(figures)}};
  if (quick)
    all["left_out"] = boost::json::value_from(result.left_out);
  all["notes"] = boost::json::value_from(all_notes(result));
  boost::json::array violations;
  for (auto& x : result.violations)
    violations.push_back(
      {{"rule", x.rule}, {"sentence", x.sentence}, {"place", x.place}, {"found", x.found}, {"count", x.count}});
  if (!violations.empty())
    all["violations"] = std::move(violations);
  // Boost.JSON writes doubles with an exponent: valid JSON for programs, but hard to read.
  std::printf("%s\n", boost::json::serialize(all).c_str());
}

void print_table(const report& result, bool quick) {
  size_t width = 0;
  for (auto& x : result.figures)
    for (auto& line : x.lines())
      width = std::max(width, line.first.size());
  std::printf("%s, commit %s, %s\n", result.name.c_str(), commit().c_str(), machine().c_str());
  for (auto& x : result.figures)
    for (auto& [name, value] : x.lines())
      std::printf("  %-*s  %.10g\n", static_cast<int>(width), name.c_str(), rounded(value));
  if (quick && result.left_out.empty())
    std::printf("--quick leaves out nothing\n");
  for (auto& part : result.left_out)
    if (quick)
      std::printf("--quick leaves out %s\n", part.c_str());
  for (auto& note : all_notes(result))
    std::printf("%s\n", note.c_str());
  for (auto& x : result.violations)
    std::printf("%s: %s\n    %s, %llu times, first: %s\n", x.rule.c_str(), x.sentence.c_str(), x.place.c_str(),
                static_cast<unsigned long long>(x.count), x.found.c_str());
}

} // namespace

void report::leave_out(size_t made, size_t whole, const std::string& what) {
  if (made < whole)
    left_out.push_back(std::to_string(whole - made) + " of " + std::to_string(whole) + " " + what);
}

void print(const report& result, bool json, bool quick) {
  json ? print_json(result, quick) : print_table(result, quick);
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
