// Message structs as JSON: the overloads are those of the wire format, so the tests check the differences from it.
#include "http/json.hpp"
#include "messages/status.hpp"

#include <boost/json/serialize.hpp>
#include <boost/test/unit_test.hpp>

#include <limits>

using namespace troupe;
using http::to_json;

BOOST_AUTO_TEST_SUITE(json_test)

namespace {

template <class T>
std::string text(const T& x) {
  return boost::json::serialize(to_json(x));
}

struct everything {
  int64_t at_ms = 5;
  std::chrono::seconds wait{2};
  std::optional<std::string> maybe;
  std::map<std::string, std::string> options{{"a", "1"}};
  bool flag = true;
  shared_bytes bytes{shared_bytes::container(7)};
};

template <class Inspector>
bool inspect(Inspector& f, everything& x) {
  return f.object(x).fields(f.field("at_ms", x.at_ms), f.field("wait", x.wait), f.field("maybe", x.maybe),
                            f.field("options", x.options), f.field("flag", x.flag), f.field("bytes", x.bytes));
}

} // namespace

BOOST_AUTO_TEST_CASE(fields_keep_their_names_and_order) {
  BOOST_TEST(text(process_statistics{1, 2.5, 3, 4})
             == R"({"pid":1,"cpu_percent":2.5E0,"memory_bytes":3,"running_ms":4})");
  BOOST_TEST(text(std::vector<rational>{{1, 2}, {3, 4}}) == R"([{"num":1,"den":2},{"num":3,"den":4}])");
}

BOOST_AUTO_TEST_CASE(durations_are_milliseconds_and_say_so) {
  BOOST_TEST(text(everything{})
             == R"({"at_ms":5,"wait_ms":2000,"maybe":null,"options":{"a":"1"},"flag":true,"bytes":7})");
}

BOOST_AUTO_TEST_CASE(ids_are_strings_that_lose_nothing) {
  BOOST_TEST(text(worker_id{18'446'744'073'709'551'615u}) == R"("18446744073709551615")");
  BOOST_TEST(text(worker_id{}) == "null");
}

BOOST_AUTO_TEST_CASE(enumerations_are_their_names) {
  BOOST_TEST(text(health::draining) == R"("draining")");
  BOOST_TEST(text(track_kind::audio) == R"("audio")");
}

BOOST_AUTO_TEST_CASE(what_is_unknown_is_null) {
  BOOST_TEST(text(no_timestamp) == "null");
  BOOST_TEST(text(std::numeric_limits<double>::quiet_NaN()) == "null");
  BOOST_TEST(text(std::numeric_limits<double>::infinity()) == "null");
}

BOOST_AUTO_TEST_CASE(what_is_no_utf_8_becomes_question_marks) {
  BOOST_TEST(text(std::string{"gr\xc3\xbc\xc3\x9f \xf0\x9f\x8e\xac"}) == "\"gr\xc3\xbc\xc3\x9f \xf0\x9f\x8e\xac\"");
  BOOST_TEST(text(std::string{"a\xff"
                              "b\xc3"})
             == R"("a?b?")");
  BOOST_TEST(text(std::string{"\xed\xa0\x80"}) == R"("???")");
  BOOST_TEST(text(std::string{"\xc0\xaf"}) == R"("??")");
  BOOST_TEST(text(std::string{"\xf4\x90\x80\x80"}) == R"("????")");
}

BOOST_AUTO_TEST_CASE(what_opens_a_source_is_masked) {
  BOOST_TEST(text(std::string{"cannot open http://u:p@host/x?token=1: refused"})
             == "\"cannot open http://***@host/x?token=***: refused\"");
}

BOOST_AUTO_TEST_CASE(a_whole_snapshot_becomes_one_object) {
  session_status s;
  s.variants.emplace_back();
  s.variants[0].output.tracks.emplace_back();
  auto x = to_json(s);
  BOOST_TEST(x.at("variants").at(0).at("output").at("tracks").at(0).at("extradata").to_number<int>() == 0);
  BOOST_TEST(x.at("ingest").at("speed").to_number<double>() == 0.0);
}

BOOST_AUTO_TEST_SUITE_END()
