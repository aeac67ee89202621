#include "core/library/replacing.hpp"

namespace troupe::core {

namespace {

using enum file_is;
using step = replacing_step;

/// `what` once the folders are flushed: it deletes something, or ends the replacement.
step when_flushed(const replacing_facts& x, step what) noexcept {
  return x.is_flushed ? what : step::flush;
}

/// True if a stranger's file, or a second name of ours, is where the original is to be kept.
bool is_kept_name_taken(const replacing_order& order, const replacing_facts& x) noexcept {
  return order.keeps && (x.kept == stranger || x.kept == result);
}

/// The film that came out is under the part's name, and the result has its name.
step put_away(const replacing_order& order, const replacing_facts& x, step back) noexcept {
  if (!order.keeps)
    return when_flushed(x, step::delete_part);
  if (x.kept == nothing)
    return step::keep;
  return x.kept == original ? step::delete_part : back;
}

/// The result has no name but the part's, if any, and will not get the film's.
step give_up(const replacing_facts& x, step end) noexcept {
  return x.part == result ? step::delete_part : end;
}

step forward_in_place(const replacing_order& order, const replacing_facts& x) noexcept {
  auto kept = order.keeps && x.kept == original;
  switch (x.film) {
  case original:
    if (x.part == original)
      return step::delete_part;
    if (is_kept_name_taken(order, x))
      return give_up(x, step::taken);
    if (x.part != result)
      return kept ? step::delete_kept : step::lost;
    if (!x.is_prepared)
      return step::prepare;
    return kept ? when_flushed(x, step::rename_over) : step::exchange;
  case result:
    if (x.part == original)
      return put_away(order, x, step::exchange_back);
    if (x.part == result)
      return step::delete_part;
    if (x.part == stranger && !kept)
      return step::exchange_back;
    return when_flushed(x, step::replaced);
  case nothing:
    if (x.part == original || x.part == stranger)
      return step::set_back;
    if (kept)
      return x.part == result ? step::move_in : step::move_back;
    return give_up(x, step::changed);
  case stranger:
    if (x.part == original && (x.kept == nothing || !order.keeps || kept))
      return put_away(order, x, step::changed);
    return give_up(x, step::changed);
  }
  return step::changed;
}

/// The result has its name beside the film's.
step forward_published(const replacing_order& order, const replacing_facts& x) noexcept {
  auto kept = order.keeps && x.kept == original;
  if (x.part == result)
    return step::delete_part;
  switch (x.film) {
  case original:
    if (x.part == original)
      return step::delete_part;
    if (is_kept_name_taken(order, x) || x.part == stranger)
      return step::delete_target;
    return step::set_aside;
  case nothing:
    if (x.part == original)
      return put_away(order, x, step::set_back);
    if (x.part == stranger && !kept)
      return step::set_back;
    return when_flushed(x, step::replaced);
  case result:
  case stranger:
    if (x.part == original)
      return put_away(order, x, step::changed);
    return kept ? when_flushed(x, step::replaced) : step::delete_target;
  }
  return step::changed;
}

step forward_beside(const replacing_order& order, const replacing_facts& x) noexcept {
  auto kept = order.keeps && x.kept == original;
  switch (x.film) {
  case original:
    if (x.part == original)
      return step::delete_part;
    if (x.target != nothing || is_kept_name_taken(order, x))
      return give_up(x, step::taken);
    if (x.part != result)
      return kept ? step::delete_kept : step::lost;
    return x.is_prepared ? step::move_in : step::prepare;
  case nothing:
    if (x.part == original && x.target == stranger && order.keeps && x.kept == nothing)
      return step::keep;
    if (x.part == original || x.part == stranger)
      return step::set_back;
    if (kept && x.target == nothing && x.part == nothing)
      return step::move_back;
    return give_up(x, step::changed);
  case result:
  case stranger:
    if (x.part == original && order.keeps && x.kept == nothing)
      return step::keep;
    return give_up(x, step::changed);
  }
  return step::changed;
}

step back_in_place(const replacing_facts& x) noexcept {
  switch (x.film) {
  case result:
    return x.kept == original ? step::exchange_kept : step::lost;
  case original:
    if (x.kept == stranger)
      return step::exchange_kept;
    return when_flushed(x, x.kept == nothing ? step::restored : step::delete_kept);
  case nothing:
    return x.kept == original ? step::move_back : step::lost;
  case stranger:
    return x.kept == result ? step::delete_kept : step::changed;
  }
  return step::changed;
}

step back_beside(const replacing_facts& x) noexcept {
  if (x.film != original) {
    if (x.kept != original)
      return step::lost;
    if (x.film != nothing)
      return step::taken;
    return x.target == stranger ? step::changed : step::move_back;
  }
  if (x.kept == original)
    return step::delete_kept;
  if (x.part == result)
    return when_flushed(x, step::delete_part);
  if (x.part == stranger && x.target == nothing)
    return step::put_result_back;
  if (x.target == result)
    return x.part == nothing ? step::set_result_aside : when_flushed(x, step::delete_target);
  return when_flushed(x, step::restored);
}

} // namespace

step next_step(const replacing_order& order, const replacing_facts& x) noexcept {
  if (x.is_empty() && !x.has_deleted)
    return step::absent;
  if (order.goal == replacing_goal::original)
    return order.is_renaming() ? back_beside(x) : back_in_place(x);
  if (!order.is_renaming())
    return forward_in_place(order, x);
  return x.target == result ? forward_published(order, x) : forward_beside(order, x);
}

file_is known_as(const replacing_order& order, const film_identity& found) noexcept {
  if (is_same_file(found, order.original))
    return original;
  // The result gets the film's times while it is prepared.
  if (found.inode == order.result.inode && found.bytes == order.result.bytes)
    return result;
  return stranger;
}

} // namespace troupe::core
