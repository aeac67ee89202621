// The rest of a segment that is still being made, part by part.
#pragma once

#include "http/message.hpp"
#include "packaging/rendition.hpp"

#include <functional>
#include <iterator>
#include <memory>
#include <utility>
#include <vector>

namespace troupe::http {

class growing_segment final : public media_source {
public:
  growing_segment(rendition_ptr of, delivery_request wanted) : of_(std::move(of)), wanted_(std::move(wanted)) {}

  outcome read(std::vector<shared_bytes>& to) override {
    auto got = of_->get(wanted_);
    if (got.what == delivery_reply::outcome::wait)
      return outcome::wait;
    if (got.what != delivery_reply::outcome::found)
      return outcome::lost;
    wanted_.from += got.body.size();
    to.insert(to.end(), std::make_move_iterator(got.body.begin()), std::make_move_iterator(got.body.end()));
    return got.open ? outcome::more : outcome::last;
  }

  bool notify(std::function<void()> wake) override {
    place_ = of_->notify(wanted_, std::move(wake));
    return place_ != nullptr;
  }

private:
  rendition_ptr of_;
  delivery_request wanted_;
  std::shared_ptr<void> place_; ///< among those that wait for the rendition
};

} // namespace troupe::http
