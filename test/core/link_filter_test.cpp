// Goal: a node sends what its role may send, to actors that it knows from us, and nothing else gets to CAF.
// Method: messages of BASP, byte by byte, as CAF and as an attacker would write them.
#include "core/trust/link_filter.hpp"

#include <boost/test/unit_test.hpp>

#include <string>

using namespace troupe::core;

namespace link_filter_test {
namespace {

using fate = link_filter::fate;

constexpr uint16_t greeting = 300; ///< a message that the role may send
constexpr uint16_t samples = 301;  ///< the same, with any number of bytes
constexpr uint16_t join = 302;
constexpr uint16_t handle = 303;
constexpr uint16_t fine = 304; ///< an answer
constexpr uint16_t exit_message = 28;
constexpr uint16_t error = 27;
constexpr uint16_t text = 12;

constexpr uint64_t published = 5;
constexpr uint64_t session = 77;
constexpr uint64_t response = uint64_t{1} << 63;
constexpr uint64_t normal = uint64_t{1} << 60;

std::string big_endian(uint64_t x, size_t bytes) {
  std::string result(bytes, '\0');
  for (auto i = bytes; i > 0; --i, x >>= 8)
    result[i - 1] = static_cast<char>(x & 0xff);
  return result;
}

std::string node(char which) {
  return '\1' + std::string(24, which);
}

const std::string ours = node('o');
const std::string theirs = node('t');

std::string types_of(const type_list& x) {
  std::string result(1, static_cast<char>(x.size()));
  for (auto type : x)
    result += big_endian(type, 2);
  return result;
}

struct message {
  uint8_t operation = 2;
  uint8_t flags = 0;
  uint64_t data = normal;
  uint64_t source = 0;
  uint64_t receiver = published;
  std::string payload{};
  std::optional<uint32_t> length{};

  std::string header() const {
    return std::string{static_cast<char>(operation), 0, 0, static_cast<char>(flags)}
           + big_endian(length.value_or(static_cast<uint32_t>(payload.size())), 4) + big_endian(data, 8)
           + big_endian(source, 8) + big_endian(receiver, 8);
  }
};

byte_view view(const std::string& x) {
  return std::as_bytes(std::span{x});
}

/// A direct message with values of these types.
message direct(const type_list& types, const std::string& values = {}, uint64_t receiver = published) {
  return {.receiver = receiver, .payload = '\0' + types_of(types) + values};
}

message answer(uint64_t to, uint64_t request, const type_list& types, const std::string& values = {}) {
  auto result = direct(types, values, to);
  result.data = normal | response | request;
  return result;
}

const message hello{.operation = 1, .data = 0, .receiver = 0, .payload = theirs};

struct fixture {
  link_rules rules() const {
    link_rules x;
    x.requests = {{greeting}, {samples}, {join, handle}};
    x.answers = {{}, {fine}, {handle}, {error}};
    x.large = {{samples}};
    x.handles = {handle};
    x.error = error;
    x.text = text;
    x.join = join;
    x.control_bytes_max = 1000;
    x.message_bytes_max = 10'000;
    return x;
  }

  link_ends ends() {
    return {ours, published, big_endian(7, 8) + big_endian(8, 8), [this](const std::string& x) {
              claimed += x;
              return free;
            }};
  }

  link_filter::judgement judged(const message& x) {
    auto header = x.header();
    auto result = filter.header(view(header));
    return result.what == fate::end ? result : filter.message(view(header), view(x.payload));
  }

  fate of(const message& x) {
    return judged(x).what;
  }

  bool passes(const message& x) {
    return of(x) == fate::pass;
  }

  bool ends_it(const message& x) {
    auto result = judged(x);
    return result.what == fate::end && !result.why.empty();
  }

  auto sends(const message& x) {
    return filter.learn(view(x.header() + x.payload));
  }

  /// Makes this filter one whose node has greeted.
  void greeted() {
    BOOST_REQUIRE(passes(hello));
  }

  std::string claimed;
  bool free = true;
  link_filter filter{rules(), ends()};
};

std::string own_handle(uint64_t id) {
  return big_endian(id, 8) + theirs;
}

std::string error_with(const type_list& types, const std::string& values = {}) {
  return std::string{1, 5, 0, 29} + types_of(types) + values;
}

} // namespace
} // namespace link_filter_test

BOOST_FIXTURE_TEST_SUITE(link_filter_test, fixture)

BOOST_AUTO_TEST_CASE(a_node_says_first_and_once_who_it_is) {
  BOOST_TEST(ends_it(direct({greeting})));
  BOOST_TEST(ends_it({.operation = 6, .data = 0, .receiver = 0}));
  BOOST_TEST(passes(hello));
  BOOST_TEST(claimed == theirs);
  BOOST_TEST(ends_it(hello));
}

BOOST_AUTO_TEST_CASE(a_node_takes_no_other_nodes_name) {
  auto named = [](const std::string& x) { return message{.operation = 1, .data = 0, .receiver = 0, .payload = x}; };
  BOOST_TEST(ends_it(named(ours)));
  BOOST_TEST(ends_it(named("")));
  BOOST_TEST(ends_it(named(theirs + 'x')));
  BOOST_TEST(ends_it(named('\0' + std::string(24, 't'))));
  BOOST_TEST(ends_it(named(std::string(5000, 'x'))));
  free = false;
  BOOST_TEST((of(hello) == fate::drop));
  BOOST_TEST(ends_it(direct({greeting})));
}

BOOST_AUTO_TEST_CASE(messages_of_its_role_reach_the_published_actor) {
  greeted();
  BOOST_TEST(passes(direct({greeting})));
  BOOST_TEST(passes(direct({samples}, std::string(5000, 's'))));
  BOOST_TEST(passes({.operation = 6, .data = 0, .receiver = 0}));
}

BOOST_AUTO_TEST_CASE(other_messages_end_the_connection) {
  greeted();
  BOOST_TEST(ends_it(direct({exit_message})));
  BOOST_TEST(ends_it(direct({fine})));
  BOOST_TEST(ends_it(direct({greeting, greeting})));
  BOOST_TEST(ends_it(direct({})));
  BOOST_TEST(ends_it(direct({error}, error_with({}))));
}

BOOST_AUTO_TEST_CASE(operations_that_no_node_needs_end_the_connection) {
  greeted();
  for (auto operation : {0, 1, 3, 7, 200}) {
    auto x = direct({greeting});
    x.operation = static_cast<uint8_t>(operation);
    BOOST_TEST(ends_it(x), "operation " << operation);
  }
}

BOOST_AUTO_TEST_CASE(sizes_are_judged_by_the_header_alone) {
  greeted();
  auto of_length = [](uint8_t operation, uint32_t length) {
    return message{.operation = operation, .length = length}.header();
  };
  auto allowed = [&](const std::string& header) { return filter.header(view(header)).what == fate::pass; };
  BOOST_TEST(allowed(of_length(2, 10'000)));
  BOOST_TEST(!allowed(of_length(2, 10'001)));
  BOOST_TEST(!allowed(of_length(2, 0xffffffff)));
  BOOST_TEST(!allowed(of_length(2, 0)));
  BOOST_TEST(!allowed(of_length(6, 1)));
  BOOST_TEST(!allowed(of_length(4, 5000)));
  BOOST_TEST(!allowed(of_length(5, 5000)));
  BOOST_TEST(!allowed(of_length(5, 0)));
  BOOST_TEST(ends_it(direct({greeting}, std::string(1000, 'g'))));
  // A role without samples has no large messages at all.
  auto small = rules();
  small.large.clear();
  filter = link_filter{small, ends()};
  greeted();
  BOOST_TEST(!allowed(of_length(2, 1001)));
}

BOOST_AUTO_TEST_CASE(actors_are_reached_after_they_have_spoken) {
  greeted();
  BOOST_TEST(ends_it(direct({greeting}, {}, session)));
  sends({.source = session, .receiver = 1, .payload = '\0' + types_of({greeting})});
  BOOST_TEST(passes(direct({greeting}, {}, session)));
  BOOST_TEST(ends_it(direct({greeting}, {}, session + 1)));
}

BOOST_AUTO_TEST_CASE(actors_are_reached_after_a_message_has_named_them) {
  greeted();
  auto handing_out = [](uint64_t id, const std::string& of) {
    return message{.receiver = 1, .payload = '\0' + types_of({fine, handle}) + "value" + big_endian(id, 8) + of};
  };
  sends(handing_out(session, theirs)); // an actor of the other side
  BOOST_TEST(ends_it(direct({greeting}, {}, session)));
  sends(handing_out(session, ours));
  BOOST_TEST(passes(direct({greeting}, {}, session)));
  // What one connection learns is no help to another.
  filter = link_filter{rules(), ends()};
  greeted();
  BOOST_TEST(ends_it(direct({greeting}, {}, session)));
}

BOOST_AUTO_TEST_CASE(several_messages_that_leave_at_once_are_all_learnt) {
  greeted();
  message first{.source = session, .receiver = 1, .payload = '\0' + types_of({greeting})};
  message beat{.operation = 6, .data = 0, .receiver = 0};
  message last{.source = session + 1, .receiver = 1, .payload = '\0' + types_of({greeting}) + "values"};
  auto all = first.header() + first.payload + beat.header() + last.header() + last.payload;
  BOOST_TEST(filter.learn(view(all)).empty());
  BOOST_TEST(passes(direct({greeting}, {}, session)));
  BOOST_TEST(passes(direct({greeting}, {}, session + 1)));
}

BOOST_AUTO_TEST_CASE(an_answer_is_passed_once_and_only_to_who_asked) {
  greeted();
  BOOST_TEST((of(answer(session, 4, {fine})) == fate::drop));
  sends({.data = normal | 4, .source = session, .receiver = 1, .payload = '\0' + types_of({greeting})});
  BOOST_TEST((of(answer(session, 5, {fine})) == fate::drop));
  BOOST_TEST((of(answer(published, 4, {fine})) == fate::drop));
  BOOST_TEST(passes(answer(session, 4, {fine})));
  BOOST_TEST((of(answer(session, 4, {fine})) == fate::drop));
}

BOOST_AUTO_TEST_CASE(an_answer_of_another_kind_ends_the_connection) {
  greeted();
  auto asks = [this](uint64_t request) {
    sends({.data = normal | request, .source = session, .receiver = 1, .payload = '\0' + types_of({greeting})});
  };
  asks(1);
  BOOST_TEST(passes(answer(session, 1, {})));
  asks(2);
  BOOST_TEST(ends_it(answer(session, 2, {exit_message})));
  asks(3);
  BOOST_TEST(passes(answer(session, 3, {handle}, own_handle(9))));
  asks(4);
  BOOST_TEST(ends_it(answer(session, 4, {handle}, big_endian(9, 8) + ours)));
}

BOOST_AUTO_TEST_CASE(a_node_that_never_answers_costs_bounded_memory) {
  greeted();
  for (uint64_t request = 1; request <= 5000; ++request)
    sends({.data = normal | request, .source = session, .receiver = 1, .payload = '\0' + types_of({greeting})});
  BOOST_TEST((of(answer(session, 1, {fine})) == fate::drop));
  BOOST_TEST(passes(answer(session, 5000, {fine})));
}

BOOST_AUTO_TEST_CASE(errors_hold_nothing_but_texts) {
  greeted();
  uint64_t request = 0;
  auto answered = [&](const std::string& what) {
    sends({.data = normal | ++request, .source = session, .receiver = 1, .payload = '\0' + types_of({greeting})});
    return of(answer(session, request, {error}, what));
  };
  BOOST_TEST((answered(error_with({})) == fate::pass));
  BOOST_TEST((answered(error_with({text}, "\3why")) == fate::pass));
  BOOST_TEST((answered(std::string(1, '\0')) == fate::pass));
  BOOST_TEST((answered(error_with({error}, error_with({}))) == fate::end));
  BOOST_TEST((answered(error_with({text, handle}, "\3why" + own_handle(1))) == fate::end));
  BOOST_TEST((answered("") == fate::end));
  BOOST_TEST((answered(std::string{1, 5}) == fate::end));
}

BOOST_AUTO_TEST_CASE(a_task_joins_as_itself_with_an_actor_of_its_own) {
  greeted();
  auto itself = big_endian(7, 8) + big_endian(8, 8)
                + "\3"
                  "0.1";
  BOOST_TEST(passes(direct({join, handle}, itself + own_handle(11))));
  auto other = big_endian(6, 8) + big_endian(8, 8)
               + "\3"
                 "0.1";
  BOOST_TEST(ends_it(direct({join, handle}, other + own_handle(11))));
  BOOST_TEST(ends_it(direct({join, handle}, itself + big_endian(published, 8) + ours)));
  BOOST_TEST(ends_it(direct({join, handle}, itself + big_endian(11, 8) + node('x'))));
  BOOST_TEST(ends_it(direct({join, handle}, itself + own_handle(0))));
  BOOST_TEST(ends_it(direct({join, handle}, itself)));
  BOOST_TEST(ends_it(direct({join, handle}, "")));
}

BOOST_AUTO_TEST_CASE(the_servers_of_caf_are_not_there) {
  greeted();
  for (uint64_t server : {1, 2}) {
    auto x = direct({exit_message}, {}, server);
    x.flags = 1;
    BOOST_TEST((of(x) == fate::drop));
  }
  auto x = direct({greeting});
  x.flags = 3;
  BOOST_TEST(ends_it(x));
  // Ours does not ask the other side's either.
  message question{.flags = 1, .source = session, .receiver = 2, .payload = '\0' + types_of({greeting})};
  message other{.source = published, .receiver = 1, .payload = '\0' + types_of({greeting})};
  auto held = filter.learn(view(other.header() + other.payload + question.header() + question.payload));
  BOOST_REQUIRE(held.size() == 1u);
  BOOST_TEST(held[0].first == basp_header_bytes + other.payload.size());
  BOOST_TEST(held[0].second == basp_header_bytes + question.payload.size());
  BOOST_TEST(ends_it(direct({greeting}, {}, session)));
}

BOOST_AUTO_TEST_CASE(streams_and_forwarding_are_refused) {
  greeted();
  for (uint64_t category : {2, 3}) {
    auto x = direct({greeting});
    x.data = category << 60;
    BOOST_TEST(ends_it(x));
  }
  auto urgent = direct({greeting});
  urgent.data = 0;
  BOOST_TEST(passes(urgent));
  auto forwarding = direct({greeting});
  forwarding.payload[0] = 1;
  BOOST_TEST(ends_it(forwarding));
}

BOOST_AUTO_TEST_CASE(actors_are_watched_only_by_who_knows_them) {
  greeted();
  auto watches = [](uint64_t id, const std::string& from_to) {
    return message{.operation = 4, .data = 0, .receiver = id, .payload = from_to};
  };
  BOOST_TEST(passes(watches(published, theirs + ours)));
  BOOST_TEST(ends_it(watches(session, theirs + ours)));
  BOOST_TEST(ends_it(watches(published, node('x') + ours)));
  BOOST_TEST(ends_it(watches(published, theirs + node('x'))));
  BOOST_TEST(ends_it(watches(published, theirs + ours + "x")));
  BOOST_TEST(ends_it(watches(published, "x")));
}

BOOST_AUTO_TEST_CASE(a_node_tells_only_of_its_own_actors_ends) {
  greeted();
  auto tells = [](const std::string& payload) {
    return message{.operation = 5, .data = 0, .source = 9, .receiver = 0, .payload = payload};
  };
  BOOST_TEST(passes(tells(theirs + ours + error_with({}))));
  BOOST_TEST(ends_it(tells(node('x') + ours + error_with({}))));
  BOOST_TEST(ends_it(tells(ours + theirs + error_with({}))));
  BOOST_TEST(ends_it(tells(theirs + ours + error_with({error}, error_with({})))));
  BOOST_TEST(ends_it(tells(theirs + ours)));
}

BOOST_AUTO_TEST_CASE(cut_off_messages_end_the_connection) {
  greeted();
  auto whole = direct({join, handle}, big_endian(7, 8) + big_endian(8, 8) + own_handle(3));
  for (size_t bytes = 1; bytes < whole.payload.size(); ++bytes) {
    auto cut = whole;
    cut.payload.resize(bytes);
    BOOST_TEST(ends_it(cut), "after " << bytes << " bytes");
  }
}

BOOST_AUTO_TEST_SUITE_END()
