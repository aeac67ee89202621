// Presets and profiles in orders: what a name stands for, and how what is set beside it goes first.
#pragma once

#include "messages/work.hpp"

#include <boost/json/object.hpp>
#include <tl/expected.hpp>

#include <string>
#include <vector>

namespace troupe::http {

/// The settings of the configured profile or, where there is none, of the preset of that name.
tl::expected<profile, std::string> find_rendition(const std::string& name, const std::vector<profile>& profiles);

/// Takes out of `x` what contradicts the settings of pictures that an order makes itself, `set`: a quality goes before a rate, another codec has other words.
void make_room(const boost::json::object& set, video_profile& x);

/// All presets that an order may name.
boost::json::value presets_json();

} // namespace troupe::http
