// Conversion of rows for readers: words and ids that this program wrote, and pages.
#pragma once

#include "messages/job_states.hpp"
#include "store/reader.hpp"
#include "store/record.hpp"
#include "store/statement.hpp"

#include <optional>
#include <string>

namespace troupe::store {

/// Throws `unreadable` if the text is not one of our words.
template <class Enum>
Enum word(const std::string& text) {
  if (const auto result = parse_job_enum<Enum>(text))
    return *result;
  throw unreadable{"the stored word '" + text + "' is not known to this program"};
}

/// The same for an id.
inline job_id id_of(const std::string& text) {
  if (const auto result = parse_job_id(text))
    return *result;
  throw unreadable{"the stored job id '" + text.substr(0, 64) + "' is none"};
}

/// A query asks for one row more than a page has: if it comes, there is a next page.
template <class T, class Key>
void cut(page<T>& x, size_t rows, Key key) {
  if (x.rows.size() <= rows)
    return;
  x.rows.resize(rows);
  x.next = key(x.rows.back());
}

} // namespace troupe::store
