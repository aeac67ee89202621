// Goal: checksums and signatures equal those of every other program. Method: the published test vectors of FIPS 180-4
// and RFC 4231.
#include "base/sha256.hpp"

#include <boost/test/unit_test.hpp>

using namespace troupe;

BOOST_AUTO_TEST_SUITE(sha256_test)

namespace {

std::span<const std::byte> bytes_of(std::string_view x) {
  return std::as_bytes(std::span{x.data(), x.size()});
}

} // namespace

BOOST_AUTO_TEST_CASE(a_digest_is_that_of_the_standard_however_the_bytes_come) {
  base::sha256 whole;
  whole.add(bytes_of("abc"));
  BOOST_TEST(whole.digest() == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  base::sha256 pieces;
  for (auto piece : {"a", "", "bc"})
    pieces.add(bytes_of(piece));
  BOOST_TEST(pieces.digest() == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  BOOST_TEST(base::sha256{}.digest() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

BOOST_AUTO_TEST_CASE(a_signature_is_that_of_the_standard_also_under_a_key_longer_than_a_block) {
  BOOST_TEST(base::hmac_sha256(std::string(20, '\x0b'), "Hi There")
             == "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  BOOST_TEST(base::hmac_sha256("Jefe", "what do ya want for nothing?")
             == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  BOOST_TEST(base::hmac_sha256(std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First")
             == "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

BOOST_AUTO_TEST_CASE(hexadecimal_digits_are_lower_case_and_two_for_each_byte) {
  const unsigned char bytes[] = {0, 9, 0xab, 0xff};
  BOOST_TEST(base::to_hex(bytes) == "0009abff");
  BOOST_TEST(base::to_hex({}).empty());
}

BOOST_AUTO_TEST_SUITE_END()
