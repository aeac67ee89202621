#include "actors/library/film_replacer.hpp"

#include "base/attributes.hpp"
#include "base/descriptor.hpp"
#include "base/identity.hpp"
#include "base/renaming.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>

namespace troupe {

namespace {

using core::file_is;
using core::film_identity;
using core::replacing_step;

std::error_code last_error() {
  return {errno, std::generic_category()};
}

std::string folder_of(const std::string& path) {
  auto folder = std::filesystem::path{path}.parent_path().string();
  return folder.empty() ? "." : folder;
}

film_identity identity_in(const struct stat& x) {
  return {x.st_dev,
          x.st_ino,
          static_cast<uint64_t>(x.st_size),
          x.st_mtim.tv_sec * int64_t{1'000'000'000} + x.st_mtim.tv_nsec,
          {}};
}

std::error_code move_over(const std::string& from, const std::string& to) {
  return ::rename(from.c_str(), to.c_str()) == 0 ? std::error_code{} : last_error();
}

std::error_code remove(const std::string& path) {
  return ::unlink(path.c_str()) == 0 ? std::error_code{} : last_error();
}

bool cannot_link(const std::error_code& x) {
  return x == std::errc::operation_not_permitted || x == std::errc::operation_not_supported
         || x == std::errc::function_not_supported || x == std::errc::too_many_links;
}

/// Somebody else was quicker: another look tells what is there now.
bool is_race(const std::error_code& x) {
  return x == std::errc::file_exists || x == std::errc::no_such_file_or_directory;
}

/// No other try would succeed, unless a person changes something.
bool is_lasting(const std::error_code& x) {
  return x == std::errc::permission_denied || x == std::errc::operation_not_permitted
         || x == std::errc::read_only_file_system || x == std::errc::cross_device_link
         || x == std::errc::filename_too_long || x == std::errc::not_a_directory;
}

const char* words_for(replacing_step x) {
  switch (x) {
  case replacing_step::prepare:
    return "give the result the attributes of ";
  case replacing_step::flush:
    return "flush the folder of ";
  case replacing_step::delete_part:
  case replacing_step::delete_target:
  case replacing_step::delete_kept:
    return "delete a file that is no longer needed beside ";
  default:
    return "change the name of ";
  }
}

class replacer {
public:
  explicit replacer(const core::replacing_order& order) : order_{order}, names_{order.names} {}

  tl::expected<replacing_result, replacing_failure> run(const std::function<void(replacing_step)>& before) {
    // Others may change the files while this goes on, but not for ever.
    for (int i = 0; i < 4 * core::replacing_steps_max; ++i) {
      if (auto code = look())
        return fail("look at ", code);
      auto step = next_step(order_, facts_);
      if (is_end(step))
        return end(step);
      if (before)
        before(step);
      auto code = take(step);
      if (code && !is_race(code))
        return fail(words_for(step), code);
      facts_.is_flushed = !code && step == replacing_step::flush;
      facts_.has_deleted = !code && deletes(step);
    }
    return tl::unexpected{
      replacing_failure{core::film_fault::passing, "another program keeps changing " + names_.film}};
  }

private:
  std::error_code look() {
    for (auto [path, found] : {std::pair{&names_.film, &facts_.film}, std::pair{&names_.target, &facts_.target},
                               std::pair{&names_.part, &facts_.part}, std::pair{&names_.kept, &facts_.kept}}) {
      struct stat x = {};
      *found = file_is::nothing;
      if (::lstat(path->c_str(), &x) == 0)
        *found = S_ISREG(x.st_mode) ? known_as(order_, identity_in(x)) : file_is::stranger;
      else if (errno != ENOENT && errno != ENOTDIR)
        return last_error();
    }
    return {};
  }

  std::error_code prepare() {
    // Somebody may have put a pipe there since the look: opening it would block.
    constexpr int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
    base::descriptor film{::open(names_.film.c_str(), flags)};
    base::descriptor part{::open(names_.part.c_str(), flags)};
    struct stat at_film = {};
    struct stat at_part = {};
    struct stat at_kept = {};
    if (!film || !part || ::fstat(film.get(), &at_film) != 0 || ::fstat(part.get(), &at_part) != 0)
      return last_error();
    if (::stat(folder_of(names_.kept).c_str(), &at_kept) != 0 || !S_ISDIR(at_kept.st_mode))
      return make_error_code(std::errc::not_a_directory);
    if (at_film.st_dev != at_part.st_dev || at_film.st_dev != at_kept.st_dev)
      return make_error_code(std::errc::cross_device_link);
    if (known_as(order_, identity_in(at_film)) != file_is::original
        || known_as(order_, identity_in(at_part)) != file_is::result)
      return {}; // the next look tells
    warnings_ = base::copy_attributes(film.get(), part.get());
    if (::fsync(part.get()) != 0)
      return last_error();
    facts_.is_prepared = true;
    return {};
  }

  std::error_code exchange() {
    auto code = base::exchange_names(names_.film, names_.part);
    if (code != std::errc::invalid_argument)
      return code;
    if (!order_.keeps)
      return move_over(names_.part, names_.film);
    if (::link(names_.film.c_str(), names_.kept.c_str()) == 0)
      return {};
    code = last_error();
    return cannot_link(code) ? base::rename_new(names_.film, names_.kept) : code;
  }

  std::error_code exchange_kept() {
    auto code = base::exchange_names(names_.kept, names_.film);
    return code == std::errc::invalid_argument ? move_over(names_.kept, names_.film) : code;
  }

  std::error_code flush() {
    for (const auto& path : {names_.film, names_.kept})
      if (auto code = base::flush_folder(folder_of(path)))
        return code;
    return {};
  }

  std::error_code take(replacing_step x) {
    using enum replacing_step;
    switch (x) {
    case prepare:
      return replacer::prepare();
    case exchange:
      return replacer::exchange();
    case exchange_back:
      return base::exchange_names(names_.film, names_.part);
    case rename_over:
      return move_over(names_.part, names_.film);
    case move_in:
    case put_result_back:
      return base::rename_new(names_.part, names_.target);
    case set_aside:
      return base::rename_new(names_.film, names_.part);
    case set_back:
      return base::rename_new(names_.part, names_.film);
    case keep:
      return base::rename_new(names_.part, names_.kept);
    case exchange_kept:
      return replacer::exchange_kept();
    case move_back:
      return base::rename_new(names_.kept, names_.film);
    case set_result_aside:
      return base::rename_new(names_.target, names_.part);
    case flush:
      return replacer::flush();
    case delete_part:
      return remove(names_.part);
    case delete_target:
      return remove(names_.target);
    case delete_kept:
      return remove(names_.kept);
    case replaced:
    case restored:
    case changed:
    case lost:
    case taken:
    case absent:
      break; // no step
    }
    return {};
  }

  replacing_result end(replacing_step how) {
    const auto& name = how == replacing_step::replaced ? names_.target : names_.film;
    return {{how, identity_at(name), facts_.kept == file_is::original}, std::move(warnings_)};
  }

  tl::unexpected<replacing_failure> fail(const char* what, const std::error_code& code) {
    auto why = what + names_.film + ": " + code.message();
    auto is_untouched = order_.goal == core::replacing_goal::result && facts_.film == file_is::original
                        && facts_.part == file_is::result && facts_.kept != file_is::original;
    if (!is_lasting(code) || !is_untouched)
      return tl::unexpected{replacing_failure{core::film_fault::passing, std::move(why)}};
    remove(names_.part);
    return tl::unexpected{replacing_failure{core::film_fault::lasting, std::move(why)}};
  }

  const core::replacing_order& order_;
  const core::replacing_names& names_;
  core::replacing_facts facts_;
  std::vector<std::string> warnings_;
};

} // namespace

tl::expected<replacing_result, replacing_failure> perform(const core::replacing_order& order,
                                                          const std::function<void(replacing_step)>& before) {
  return replacer{order}.run(before);
}

bool drop_kept(const std::string& kept, const core::film_identity& original) {
  struct stat found = {};
  if (::lstat(kept.c_str(), &found) != 0)
    return errno == ENOENT;
  if (!S_ISREG(found.st_mode) || !is_same_file(identity_in(found), original) || remove(kept))
    return false;
  return !base::flush_folder(folder_of(kept));
}

film_identity identity_at(const std::string& path) {
  base::descriptor file{::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)};
  struct stat found = {};
  if (!file || ::fstat(file.get(), &found) != 0)
    return {};
  auto result = identity_in(found);
  result.print = base::identity_of(file.get()).value_or(std::string{});
  return result;
}

} // namespace troupe
