// Names beside a film: its result, its hidden files, and its companions.
//
// Media servers find a film's subtitles, pictures and descriptions by its stem. So a result keeps its film's stem, and
// companions are never touched. Names are compared without regard to the case of ASCII letters, because some file
// systems do not tell `F.MP4` from `f.mp4`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::core {

/// The name of a film's result: the film's own path, with the container's extension if that is another one.
std::string result_path(const std::string& film, std::string_view extension);

/// Where a film's original is kept: a hidden name that belongs to this film alone, in `folder`, or beside the film if
/// that is empty. `number` is the film's.
std::string kept_path(const std::string& film, const std::string& folder, uint64_t number);

/// True for names that Troupe gives to its own files beside films: results in the making and kept originals. A scan
/// passes over them.
bool is_own_name(std::string_view name) noexcept;

/// The names in the film's folder that belong to it: those that continue its stem with a dot. Neither the film itself
/// nor Troupe's own files are among them. All are names without folders.
std::vector<std::string> companions_of(std::string_view film, const std::vector<std::string>& names);

/// The name that prevents a result from getting its name: another file of the folder that some file system takes for
/// the same one. Nothing if there is none. All are names without folders.
std::optional<std::string> clash_of(std::string_view film, std::string_view result,
                                    const std::vector<std::string>& names);

} // namespace troupe::core
