// Languages as sources name them, and as players want them.
#pragma once

#include <string>
#include <string_view>

namespace troupe::base {

/// A language as BCP 47 wants it: "de" for "deu" and "ger", the value itself if it has no shorter form.
std::string language_tag(std::string_view language);

/// True if the language is the wanted one, or a variety of it: "de" matches "ger" and "de-AT".
bool is_language(std::string_view language, std::string_view wanted);

} // namespace troupe::base
