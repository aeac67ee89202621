// The environment variables that child processes get.
#pragma once

#include <string_view>
#include <vector>

namespace troupe {

/// Whether children get this variable ("NAME=value"). They do not get the variables that configure this node, because a
/// child gets all its configuration in its arguments. They do not get variables in which other programs keep secrets,
/// or that lead to other programs, because they read media from outside. They also do not get variables that hide
/// cards, because these renumber the visible cards. The node itself obeys the variables, and never gives a hidden card
/// to a child.
bool is_inherited(std::string_view variable);

/// The environment of children. Valid until the environment of this process changes.
std::vector<char*> child_environment();

} // namespace troupe
