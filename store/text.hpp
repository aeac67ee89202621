// Texts from outside, on their way into the database. Both backends then keep the same bytes: PostgreSQL takes neither a NUL nor what is not UTF-8.
#pragma once

#include "store/error.hpp"
#include "store/operation.hpp"

#include <string>
#include <string_view>

namespace troupe::store {

/// Valid UTF-8 (RFC 3629: no surrogates, no longer form than needed) without a NUL.
bool is_text(std::string_view x) noexcept;

/// Nothing, or which member is too large, is no text or makes no sense.
expected<void> check(const operation& x);

/// Makes words for people fit for the database: reasons and errors may quote paths and libraries, and are cut where they are too long. What would be refused otherwise would never be
/// written down.
void mend_words(operation& x);

/// ASCII capitals as small letters, the rest as it is.
std::string lower(std::string_view x);

/// `x` as a pattern of LIKE that matches wherever a text contains it, with '\' as the escape character.
std::string contains_pattern(std::string_view x);

} // namespace troupe::store
