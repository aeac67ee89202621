// Rows of the option table that are in files of their own, and what all rows are written with.
#pragma once

#include "config/options.hpp"

#include <vector>

namespace troupe::config {

/// Live channels.
std::vector<option> live_rows();

/// What orders and channels may reach.
std::vector<option> access_rows();

/// Channels, profiles and ladders.
std::vector<option> media_rows();

// -- for rows -------------------------------------------------------------------

template <auto Member, auto... Rest, class Owner>
auto& member_of(Owner& x) {
  if constexpr (sizeof...(Rest) == 0)
    return x.*Member;
  else
    return member_of<Rest...>(x.*Member);
}

/// A pointer to a member of a configuration: at<&configuration::http, &http_options::listen>.
template <auto... Members>
slot at(configuration& c, const names&) {
  return &member_of<Members...>(c);
}

// Bounds in milliseconds.
inline constexpr double seconds = 1000;
inline constexpr double minutes = 60 * seconds;
inline constexpr double hours = 60 * minutes;

} // namespace troupe::config
