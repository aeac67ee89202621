// Checks texts from outside on their way into the database, so that both backends keep the same bytes. PostgreSQL
// accepts neither NUL nor invalid UTF-8.
#pragma once

#include "store/error.hpp"
#include "store/operation.hpp"

#include <string>
#include <string_view>

namespace troupe::store {

/// UTF-8 without a NUL.
bool is_text(std::string_view x);

/// Empty, or an error that says which member is too large, not text, or invalid.
expected<void> check(const operation& x);

/// Makes human-readable texts fit for the database: reasons and errors may quote paths and libraries. Over-long texts
/// are cut. Otherwise they would be refused and never be stored.
void mend_words(operation& x);

/// Turns ASCII capitals into small letters, and leaves the rest unchanged.
std::string lower(std::string_view x);

/// A LIKE pattern that matches any text containing `x`, with '\' as the escape character.
std::string contains_pattern(std::string_view x);

} // namespace troupe::store
