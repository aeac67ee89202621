// caf-ctl's parser of server-sent events: cut anywhere, with comments and unknown fields, and with endless data from a
// server.
#include "ctl/events.hpp"

#include <boost/test/unit_test.hpp>

#include <vector>

using namespace troupe;

BOOST_AUTO_TEST_SUITE(ctl_events_test)

namespace {

const std::string stream = ": welcome\n\nid: 7\nevent: state\ndata: {\"a\":\ndata: 1}\nretry: 5\n\n"
                           "event:progress\r\ndata:x\r\n\r\nid: no\ndata\n\nevent: end\nid: 8\ndata: y\n\n";

} // namespace

BOOST_AUTO_TEST_CASE(events_are_the_same_however_the_stream_is_cut) {
  for (size_t cut = 1; cut <= stream.size(); ++cut) {
    std::vector<ctl::event> seen;
    ctl::event_parser parser{[&](const ctl::event& x) {
      seen.push_back(x);
      return true;
    }};
    for (size_t i = 0; i < stream.size(); i += cut)
      BOOST_TEST(parser.feed(std::string_view{stream}.substr(i, cut)));
    BOOST_REQUIRE(seen.size() == 3u);
    BOOST_TEST(seen[0].name == "state");
    BOOST_TEST(seen[0].id.value() == 7);
    BOOST_TEST(seen[0].data == "{\"a\":\n1}");
    BOOST_TEST(seen[1].name == "progress");
    BOOST_TEST(!seen[1].id);
    BOOST_TEST(seen[2].name == "end");
    BOOST_TEST(seen[2].id.value() == 8);
  }
}

BOOST_AUTO_TEST_CASE(reading_ends_when_the_reader_has_enough) {
  int events = 0;
  ctl::event_parser parser{[&](const ctl::event&) { return ++events < 2; }};
  BOOST_TEST(!parser.feed(stream));
  BOOST_TEST(events == 2);
}

BOOST_AUTO_TEST_CASE(a_line_without_end_is_no_reason_to_read_for_ever) {
  ctl::event_parser parser{[](const ctl::event&) { return true; }};
  std::string block(1024 * 1024, 'x');
  auto going = true;
  for (int i = 0; i < 8 && going; ++i)
    going = parser.feed(block);
  BOOST_TEST(!going);
  ctl::event_parser lines{[](const ctl::event&) { return true; }};
  going = true;
  for (int i = 0; i < 8 && going; ++i)
    going = lines.feed("data: " + block + "\n");
  BOOST_TEST(!going);
}

BOOST_AUTO_TEST_SUITE_END()
