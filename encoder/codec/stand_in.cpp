#include "encoder/codec/stand_in.hpp"

#include <utility>

namespace troupe::av {

namespace {

std::shared_ptr<stand_in_driver>& installed() {
  static std::shared_ptr<stand_in_driver> driver;
  return driver;
}

} // namespace

void install_stand_in(std::shared_ptr<stand_in_driver> driver) {
  installed() = std::move(driver);
}

stand_in_driver* stand_in() noexcept {
  return installed().get();
}

} // namespace troupe::av
