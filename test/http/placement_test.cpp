// Where the parts of a job run, as JSON: first the chosen place, then each other candidate with its reason; nothing for
// a job that does not run.
#include "http/placement.hpp"

#include <boost/json/serialize.hpp>
#include <boost/test/unit_test.hpp>

using namespace troupe;
using namespace troupe::http;

BOOST_AUTO_TEST_SUITE(placement_test)

BOOST_AUTO_TEST_CASE(each_part_has_its_place_and_what_else_was_looked_at) {
  job_details x;
  x.status.emplace();
  auto& p = x.status->placements.emplace_back();
  p.part = "chunk 3";
  p.held.worker_name = "w1";
  p.held.seat = {"h264_nvenc", "GPU-a", "cuda:0", true, {}};
  p.held.looked_at = {{"w1", "cuda:0", "GPU-a", {}}, {"w2", "cuda:0", "GPU-b", "has no free session"}};
  auto json = placement_json(x);
  auto& part = json.at("placements").at(0);
  BOOST_TEST(part.at("part").get_string() == "chunk 3");
  BOOST_TEST(part.at("encoder").at("gpu").get_string() == "GPU-a");
  BOOST_TEST(part.at("looked_at").at(0).at("why_not").get_string().empty());
  BOOST_TEST(part.at("looked_at").at(1).at("why_not").get_string() == "has no free session");
}

BOOST_AUTO_TEST_CASE(a_job_that_is_not_at_work_has_no_places) {
  BOOST_TEST(placement_json({}).at("placements").get_array().empty());
}

BOOST_AUTO_TEST_SUITE_END()
