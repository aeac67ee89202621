// Sources as people have them: containers, codecs, layouts, times, faults and streams, made by the ffmpeg program.
//
// A source is a row: its name, the shell commands that make it, and how its result is checked. To add one, add a row to
// the table in odd_source.cpp.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace troupe::test {

/// How a result is compared with ffmpeg's decoding of the same source.
enum class judged_by : uint8_t {
  content, ///< each picture and each sample of sound, and when they come
  count,   ///< how many pictures there are: conversion changes their content
  words,   ///< the source is damaged: the result's notes must say what is missing
  refusal, ///< the source is useless: the job must fail with a reason
};

struct odd_source {
  std::string name;   ///< of the file, with its extension
  std::string recipe; ///< shell commands; `$O` is the file to write
  judged_by judge = judged_by::content;
  bool live = true; ///< also shown as a channel
  /// By how much ffmpeg shows the pictures later than the container counts them, in seconds: one picture in AVI.
  double shown_late_s = 0;
};

/// All rows, in an order that does not change.
std::vector<odd_source> odd_sources();

/// A source of random parts, the same for the same `seed`.
odd_source random_source(uint64_t seed);

/// Makes the file in `folder` and returns its path; fails the test if that is not possible.
std::string make_source(const odd_source& source, const std::string& folder);

} // namespace troupe::test
