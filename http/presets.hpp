// Presets and profiles in orders: what a name stands for, and how settings next to it override it.
#pragma once

#include "messages/work.hpp"

#include <boost/json/object.hpp>
#include <tl/expected.hpp>

#include <string>
#include <vector>

namespace troupe::http {

/// The settings of the configured profile with this name or, if there is none, of the preset.
tl::expected<profile, std::string> find_rendition(const std::string& name, const std::vector<profile>& profiles);

/// Removes from `x` the settings that contradict the order's own video settings, `set`: a quality overrides a rate, and
/// another codec drops the settings for the encoder that `x` names.
void make_room(const boost::json::object& set, video_profile& x);

/// All presets that an order may name.
boost::json::value presets_json();

} // namespace troupe::http
