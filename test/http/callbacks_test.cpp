// The sender of callbacks and the store behind it, on virtual time: nothing is sent once more because an answer of the
// store is late or fails. Nobody listens at the URL, so each try ends at once, on the sender's own thread.
#include "http/callbacks.hpp"
#include "http/poster.hpp"
#include "messages/unix_time.hpp"
#include "test/actors/virtual_time.hpp"

#include <boost/test/unit_test.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <future>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

using namespace troupe;

namespace callbacks_test {
namespace {

struct fixture : virtual_time {
  std::vector<store::callback> due; ///< in the store
  int lists = 1'000;                ///< how many questions for the list are answered at once; more wait in `asked`
  std::vector<caf::typed_response_promise<callback_list>> asked;
  bool stores = true;
  int begun = 0; ///< tries begun; each try first asks for its job
  std::vector<callback_outcome> outcomes;
  caf::actor gateway = keep(system.spawn([this](caf::event_based_actor* self) -> caf::behavior {
    return {
      [](const job_subscription&) {},
      [this, self](const callbacks_question&) -> caf::result<callback_list> {
        if (lists-- > 0)
          return callback_list{due};
        return asked.emplace_back(self->make_response_promise<callback_list>());
      },
      [this](job_atom, job_id id) {
        ++begun;
        job_details x;
        x.job.id = id;
        x.job.state = job_state::completed;
        return x;
      },
      [this](const callback_outcome& x) -> caf::result<void> {
        outcomes.push_back(x);
        if (!stores)
          return caf::make_error(ec::limit, "the disk is full");
        std::erase_if(due, [&](auto& c) { return c.delivery == x.delivery; });
        return caf::unit;
      },
    };
  }));
  std::optional<http::callback_sender> sender;

  ~fixture() {
    sender.reset();
    end();
  }

  void begin(http::callback_config config = {}) {
    sender.emplace(system, caf::actor_cast<gateway_actor>(gateway), std::move(config));
    settle();
  }

  void owe(int64_t delivery, int64_t not_before_ms = 0, const std::string& url = "http://127.0.0.1:1/") {
    store::callback x;
    x.id = {1, 1};
    x.delivery = delivery;
    x.url = url;
    x.ended_ms = unix_ms();
    x.not_before_ms = not_before_ms;
    due.push_back(x);
  }

  bool tries(size_t count) {
    return comes([this, count] { return outcomes.size() >= count; });
  }
};

} // namespace
} // namespace callbacks_test

BOOST_FIXTURE_TEST_SUITE(callbacks_test, fixture)

BOOST_AUTO_TEST_CASE(a_callback_is_not_sent_again_while_the_list_without_it_is_late) {
  owe(1);
  owe(2, std::numeric_limits<int64_t>::max()); // is not due yet, so the sender's timer continues
  lists = 1;
  begin();
  BOOST_REQUIRE(tries(1));
  settle();
  BOOST_REQUIRE_EQUAL(asked.size(), 1u);
  pass(5s);
  within(gateway, [this] { asked[0].deliver(callback_list{due}); });
  pass(5s);
  BOOST_TEST(begun == 1);
}

BOOST_AUTO_TEST_CASE(a_store_that_cannot_write_does_not_have_a_callback_sent_without_a_pause) {
  owe(1);
  stores = false;
  begin();
  BOOST_REQUIRE(tries(1));
  pass(1s);
  BOOST_TEST(begun == 1);
  pass(2s);
  BOOST_REQUIRE(tries(2));
  stores = true;
  pass(3s);
  BOOST_REQUIRE(tries(3));
  pass(5s);
  BOOST_TEST(begun == 3);
}

BOOST_AUTO_TEST_CASE(a_callback_to_a_refused_place_is_given_up_with_the_reason) {
  owe(1);
  owe(2, 0, "http://169.254.169.254/latest");
  http::callback_config config;
  config.urls.emplace();
  begin(std::move(config));
  BOOST_REQUIRE(tries(2));
  for (auto& x : outcomes)
    BOOST_TEST(x.done);
  BOOST_TEST(outcomes[0].note.find("urls.loopback") != std::string::npos, outcomes[0].note);
  BOOST_TEST(outcomes[1].note.find("metadata") != std::string::npos, outcomes[1].note);
}

BOOST_AUTO_TEST_CASE(a_name_that_leads_to_a_refused_address_is_not_connected_to) {
  // The text of the URL is fine, so the address is refused at the connection.
  core::url_rules rules;
  rules.networks = {"127.0.0.1"};
  http::poster sender;
  std::promise<http::post_answer> answered;
  http::post_request what;
  what.url = "http://127.0.0.1:1/";
  what.refusal = [policy = core::url_policy{}](const core::ip_address& x) { return policy.refusal_of(x); };
  BOOST_REQUIRE(core::url_policy{rules}.refusal(core::url_use::callback, what.url).empty());
  sender.post(std::move(what), [&](http::post_answer x) { answered.set_value(std::move(x)); });
  auto answer = answered.get_future().get();
  BOOST_TEST(answer.status == 0u);
  BOOST_TEST(answer.error.find("urls.loopback") != std::string::npos, answer.error);
}

BOOST_AUTO_TEST_SUITE_END()
