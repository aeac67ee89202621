#include "store/database.hpp"

#include <utility>

namespace troupe::store {

database::database(settings from, target to) : from_{std::move(from)}, on_{std::move(to)} {}

expected<void> database::begin(std::span<const migration> steps) {
  return guarded("open the store", [&]() -> expected<void> {
    if (from_.checked) {
      newest_ = newest_of(steps);
      return check_version(*session_, on_, *newest_);
    }
    if (auto good = check_file(*session_, on_); !good)
      return good;
    auto good = migrate(*session_, on_, steps);
    if (good)
      newest_ = newest_of(steps);
    return good;
  });
}

void database::disconnect() {
  forget();
  session_.reset();
}

} // namespace troupe::store
