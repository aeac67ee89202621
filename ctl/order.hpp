// The order that the arguments of `transcode` make, and the API's words about it as the command's own.
#pragma once

#include "ctl/options.hpp"

#include <string>

namespace troupe::ctl {

/// The order as the API takes it.
std::string order_text(const options& with);

/// What the API says of an order, with the command's options instead of the order's members.
std::string in_options(std::string text);

} // namespace troupe::ctl
