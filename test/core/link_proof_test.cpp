// Goal: a proof opens one connection to one side that knows the secret, and nothing else.
// Method: lines and proofs as both sides make them, each changed in one place.
#include "core/trust/link_proof.hpp"

#include <boost/test/unit_test.hpp>

#include <set>
#include <string>

using namespace troupe::core;

namespace link_proof_test {
namespace {

const std::string challenge(64, 'a');
const std::string secret = "the secret of a cluster";

link_claim worker() {
  link_claim result{link_role::worker, "box 1", std::string(64, 'b'), {}};
  result.proof = link_proof(link_side::node, secret, result, challenge, "");
  return result;
}

std::string without_end(std::string line) {
  BOOST_REQUIRE((!line.empty() && line.back() == '\n'));
  line.pop_back();
  return line;
}

} // namespace
} // namespace link_proof_test

BOOST_AUTO_TEST_SUITE(link_proof_test)

BOOST_AUTO_TEST_CASE(what_one_side_writes_the_other_reads) {
  BOOST_TEST(read_greeting(without_end(greeting_line(challenge))).value() == challenge);
  BOOST_TEST((read_claim(without_end(claim_line(worker()))).value() == worker()));
  auto task = worker();
  task.role = link_role::task;
  BOOST_TEST((read_claim(without_end(claim_line(task))).value() == task));
  BOOST_TEST(read_welcome(without_end(welcome_line(challenge))).value() == challenge);
  BOOST_TEST(read_welcome(without_end(refusal_line("not today"))).error() == "not today");
  BOOST_TEST(claim_line(worker()).size() < link_line_bytes_max);
}

BOOST_AUTO_TEST_CASE(a_proof_covers_all_that_it_is_about) {
  auto x = worker();
  std::set<std::string> proofs{x.proof, link_proof(link_side::gate, secret, x, challenge, ""),
                               link_proof(link_side::node, "another secret", x, challenge, ""),
                               link_proof(link_side::node, secret, x, std::string(64, 'c'), ""),
                               link_proof(link_side::node, secret, x, challenge, "a TLS connection")};
  x.role = link_role::task;
  proofs.insert(link_proof(link_side::node, secret, x, challenge, ""));
  x = worker();
  x.name = "box 2";
  proofs.insert(link_proof(link_side::node, secret, x, challenge, ""));
  x = worker();
  x.challenge = std::string(64, 'd');
  proofs.insert(link_proof(link_side::node, secret, x, challenge, ""));
  BOOST_TEST(proofs.size() == 8u);
  // The claim's own proof is no part of it.
  x = worker();
  x.proof.clear();
  BOOST_TEST(link_proof(link_side::node, secret, x, challenge, "") == worker().proof);
}

BOOST_AUTO_TEST_CASE(other_lines_are_refused) {
  for (auto text : {"", "troupe-link 1 ", "troupe-link 2 aaaa", "GET / HTTP/1.1\r"})
    BOOST_TEST(!read_greeting(text), text);
  BOOST_TEST(!read_greeting("troupe-link 1 " + std::string(64, 'A')));
  BOOST_TEST(!read_greeting("troupe-link 1 " + std::string(65, 'a')));
  auto hex = std::string(64, '0');
  for (auto& text :
       {std::string{}, "worker " + hex + ' ' + hex, "worker " + hex + ' ' + hex + ' ',
        "king " + hex + ' ' + hex + " box", "worker " + hex + " 00 box", "worker " + hex + ' ' + hex + " bo\x1bx",
        "worker " + hex + ' ' + hex + ' ' + std::string(257, 'x')})
    BOOST_TEST(!read_claim(text), text);
  BOOST_TEST(!read_welcome("welcome home"));
  BOOST_TEST(!read_welcome(""));
}

BOOST_AUTO_TEST_CASE(the_first_bytes_tell_other_protocols) {
  for (auto text : {"", "w", "worker", "worker 12", "t", "task", "task 1"})
    BOOST_TEST(may_become_claim(text), text);
  for (auto text : {"G", "GET /", "wood", "tea", "\x16\x03", "\x01"})
    BOOST_TEST(!may_become_claim(text), text);
}

BOOST_AUTO_TEST_CASE(a_pass_has_one_name_and_a_secret_of_its_own) {
  task_pass pass{7, 8, 1'700'000'000, "box.1"};
  BOOST_TEST(name_of(pass) == "7.8.1700000000.box.1");
  BOOST_TEST((read_pass(name_of(pass)).value() == pass));
  for (auto text : {"", "7", "7.8", "7.8.9", "07.8.9.a", "7.8.9x.a", "-7.8.9.a", "7..9.a", "7.8.9.a b",
                    "99999999999999999999.8.9.a"})
    BOOST_TEST(!read_pass(text), text);
  std::set<std::string> secrets{secret,
                                secret_of(pass, secret),
                                secret_of({8, 8, 1'700'000'000, "box.1"}, secret),
                                secret_of({7, 7, 1'700'000'000, "box.1"}, secret),
                                secret_of({7, 8, 1'700'000'001, "box.1"}, secret),
                                secret_of({7, 8, 1'700'000'000, "box.2"}, secret),
                                secret_of(pass, "another secret")};
  BOOST_TEST(secrets.size() == 7u);
  // The coordinator's own tasks have no name of a node.
  BOOST_TEST(read_pass("7.8.9.").value().node.empty());
}

BOOST_AUTO_TEST_CASE(each_node_has_a_secret_of_its_own) {
  std::set<std::string> secrets{secret, node_secret(secret, ""), node_secret(secret, "a"), node_secret(secret, "b"),
                                node_secret("another secret", "a")};
  BOOST_TEST(secrets.size() == 5u);
}

BOOST_AUTO_TEST_CASE(a_pass_expires) {
  constexpr int64_t day = 24 * 3600;
  constexpr int64_t made = 1'700'000'000;
  task_pass pass{7, 8, made};
  BOOST_TEST(is_current(pass, made));
  BOOST_TEST(is_current(pass, made + 29 * day));
  BOOST_TEST(is_current(pass, made - 29 * day)); // the clock of its machine may be wrong
  BOOST_TEST(!is_current(pass, made + 31 * day));
  BOOST_TEST(!is_current(pass, made - 31 * day));
  BOOST_TEST(!is_current({7, 8, INT64_MIN}, made));
  BOOST_TEST(!is_current({7, 8, INT64_MAX}, made));
}

BOOST_AUTO_TEST_SUITE_END()
