// A job's identity and enumerators as text: one text for each, which reads back as written; nothing else is accepted.
#include "messages/job.hpp"
#include "messages/job_states.hpp"

#include <caf/binary_deserializer.hpp>
#include <caf/binary_serializer.hpp>
#include <caf/byte_buffer.hpp>

#include <boost/test/unit_test.hpp>

#include <fstream>
#include <set>
#include <string>

using namespace troupe;

BOOST_AUTO_TEST_SUITE(job_test)

BOOST_AUTO_TEST_CASE(an_id_is_its_text_and_never_a_number) {
  const job_id id{0x0123'4567'89ab'cdef, 0xf};
  BOOST_TEST(to_string(id) == "0123456789abcdef000000000000000f");
  BOOST_TEST((parse_job_id(to_string(id)) == id));
  for (auto text : {"", "1", "42", "0123456789ABCDEF000000000000000F", "0123456789abcdef00000000000000",
                    "0123456789abcdef000000000000000f0", " 123456789abcdef000000000000000f",
                    "0x23456789abcdef000000000000000f", "-123456789abcdef000000000000000f"})
    BOOST_TEST(!parse_job_id(text), text);
  BOOST_TEST(!job_id{});
}

BOOST_AUTO_TEST_CASE(an_id_comes_back_from_the_wire) {
  job_id id{1, 2};
  caf::byte_buffer buffer;
  caf::binary_serializer sink{nullptr, buffer};
  BOOST_TEST(sink.apply(id));
  job_id read;
  caf::binary_deserializer source{nullptr, buffer};
  BOOST_TEST(source.apply(read));
  BOOST_TEST((read == id));
}

BOOST_AUTO_TEST_CASE(a_state_that_does_not_exist_is_refused_on_the_wire) {
  caf::byte_buffer buffer;
  caf::binary_serializer sink{nullptr, buffer};
  BOOST_TEST(sink.value(uint8_t{7}));
  job_state read = job_state::queued;
  caf::binary_deserializer source{nullptr, buffer};
  BOOST_TEST(!source.apply(read));
}

BOOST_AUTO_TEST_CASE(words_are_read_as_they_are_written) {
  for (uint8_t i = 0; i < 7; ++i)
    BOOST_TEST((parse_job_enum<job_state>(to_string(static_cast<job_state>(i))) == static_cast<job_state>(i)));
  BOOST_TEST((parse_job_enum<job_queue>("default") == job_queue::normal));
  BOOST_TEST(!parse_job_enum<job_priority>("urgent"));
}

BOOST_AUTO_TEST_CASE(each_way_is_in_the_table_once_and_every_state_can_be_reached) {
  std::set<std::pair<job_state, job_state>> ways;
  std::set<job_state> reached{job_state::queued};
  for (const auto& way : job_transitions) {
    BOOST_TEST(ways.emplace(way.from, way.to).second);
    BOOST_TEST((way.from != way.to));
    BOOST_TEST(!way.when.empty());
    reached.insert(way.to);
  }
  BOOST_TEST(reached.size() == 7);
}

BOOST_AUTO_TEST_CASE(the_document_draws_the_tables) {
  std::ifstream file{TROUPE_SOURCE_DIR "/docs/architecture.md"};
  std::multiset<std::string> drawn;
  bool states = false;
  for (std::string line; std::getline(file, line);) {
    if (line == "stateDiagram-v2" || line == "```")
      states = line != "```";
    else if (states && line.find("[*]") == std::string::npos)
      drawn.insert(line);
  }
  std::multiset<std::string> table;
  auto add = [&table](const auto& ways) {
    for (const auto& way : ways)
      table.insert("  " + to_string(way.from) + " --> " + to_string(way.to) + ": " + std::string{way.when});
  };
  add(job_transitions);
  add(chunk_transitions);
  BOOST_TEST(drawn == table, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()
