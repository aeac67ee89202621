// Answers with another actor's answer, after this actor has added what it knows.
#pragma once

#include <caf/error.hpp>
#include <caf/result.hpp>
#include <caf/timespan.hpp>
#include <caf/typed_response_promise.hpp>

#include <utility>

namespace troupe {

/// Answers the current request with `other`'s answer to `question`, after `complete(Answer&)` has added to it. An error
/// is passed on unchanged. `complete` runs in `self`, whose state may have changed in between.
template <class Answer, class Self, class Handle, class Complete, class... Question>
caf::result<Answer> relay(Self* self, const Handle& other, caf::timespan timeout, Complete complete,
                          Question... question) {
  auto answer = self->template make_response_promise<Answer>();
  self->request(other, timeout, std::move(question)...)
    .then(
      [answer, complete](Answer& x) mutable {
        complete(x);
        answer.deliver(std::move(x));
      },
      [answer](caf::error& why) mutable { answer.deliver(std::move(why)); });
  return answer;
}

} // namespace troupe
