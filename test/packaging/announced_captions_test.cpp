// Goal: players are told whether pictures have closed captions. Method: pictures without captions are written first,
// then pictures with them; playlist and manifest are read before and after.
#include "packaging/dash_manifest.hpp"

#include "written_channel.hpp"

#include <boost/test/unit_test.hpp>

#include <array>
#include <string>
#include <vector>

using namespace troupe;
using namespace troupe::test;

BOOST_FIXTURE_TEST_SUITE(announced_captions_test, channel_fixture)

BOOST_AUTO_TEST_CASE(captions_are_announced_once_they_were_seen) {
  auto multivariant = [&] {
    auto summary = out.shared()->summary("KEY/hd").value();
    auto manifest = dash_manifest({{{out.shared(), summary}}}, "time");
    return multivariant_playlist(std::vector{summary}, out.shared()->times()) + manifest;
  };
  write_until(begin + 2 * ticks_per_second);
  auto without = multivariant();
  BOOST_TEST(without.find(",CLOSED-CAPTIONS=NONE\n") != std::string::npos);
  BOOST_TEST(without.find("cea-608") == std::string::npos);
  // An SEI message (ITU-T H.264 annex D.1.6) without a single caption in it.
  constexpr std::array<uint8_t, 17> message{0, 0, 0, 1, 6, 4, 9, 0xb5, 0, 0x31, 'G', 'A', '9', '4', 3, 0x40, 0xff};
  for (auto& x : all)
    if (x.info.track == 0)
      x.bytes.insert(x.bytes.begin(), reinterpret_cast<const std::byte*>(message.data()),
                     reinterpret_cast<const std::byte*>(message.data()) + message.size());
  write_until(begin + 4 * ticks_per_second);
  auto with = multivariant();
  BOOST_TEST(with.find("#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID=\"captions\",NAME=\"CC1\",DEFAULT=YES,"
                       "AUTOSELECT=YES,INSTREAM-ID=\"CC1\"\n")
             != std::string::npos);
  BOOST_TEST(with.find(",CLOSED-CAPTIONS=\"captions\"\n") != std::string::npos);
  BOOST_TEST(with.find("<Accessibility schemeIdUri=\"urn:scte:dash:cc:cea-608:2015\" value=\"CC1\"/>")
             != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
