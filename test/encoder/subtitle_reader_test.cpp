// Goal: text of subtitles is read as people see it, whatever form the source has it in, and bad text does no harm.
// Method: packets of each codec, and noise.
#include "encoder/codec/subtitle_reader.hpp"

#include <boost/test/unit_test.hpp>

#include <cstring>
#include <random>

using namespace troupe::av;

BOOST_AUTO_TEST_SUITE(subtitle_reader_test)

namespace {

codec_parameters_ptr subtitles(AVCodecID codec) {
  auto result = make_codec_parameters();
  result->codec_type = AVMEDIA_TYPE_SUBTITLE;
  result->codec_id = codec;
  return result;
}

packet_ptr packet(const std::string& bytes, int64_t pts, int64_t duration) {
  auto result = make_packet();
  BOOST_REQUIRE(av_new_packet(result.get(), static_cast<int>(bytes.size())) >= 0);
  std::memcpy(result->data, bytes.data(), bytes.size());
  result->pts = result->dts = pts;
  result->duration = duration;
  return result;
}

} // namespace

BOOST_AUTO_TEST_CASE(codes_for_style_are_no_text) {
  BOOST_TEST(plain_text("0,0,Default,,0,0,0,,{\\an8}Hello,\\Nworld\\h!") == "Hello,\nworld !");
  BOOST_TEST(plain_text("0,0,Default,,0,0,0,,  {\\i1}  ") == "");
  BOOST_TEST(plain_text("no event") == "");
  BOOST_TEST(plain_text("0,0,,,0,0,0,,{open") == "");
  BOOST_TEST(plain_text("0,0,,,0,0,0,," + std::string(100'000, 'x')).size() == 4'096u);
}

BOOST_AUTO_TEST_CASE(lines_of_files_have_their_own_length) {
  for (auto codec : {AV_CODEC_ID_SUBRIP, AV_CODEC_ID_WEBVTT}) {
    auto x = subtitle_reader::open(*subtitles(codec));
    BOOST_REQUIRE(x);
    auto read = x->read(*packet("<i>Hello</i>\nworld", 900'000, 180'000));
    BOOST_REQUIRE(read.size() == 1u);
    BOOST_TEST(read[0].pts == 900'000);
    BOOST_TEST((read[0].duration == 180'000));
    BOOST_TEST(read[0].text == "Hello\nworld");
    BOOST_TEST(x->read(*packet("\xff\xfe", 1'000'000, 90'000)).empty());
  }
}

BOOST_AUTO_TEST_CASE(pictures_are_no_text) {
  BOOST_TEST(!subtitle_reader::reads(AV_CODEC_ID_DVB_SUBTITLE));
  BOOST_TEST(!subtitle_reader::reads(AV_CODEC_ID_SCTE_35));
  BOOST_TEST(!subtitle_reader::open(*subtitles(AV_CODEC_ID_DVB_SUBTITLE)));
}

BOOST_AUTO_TEST_CASE(pages_of_teletext_are_found_with_their_languages) {
  auto stream = subtitles(AV_CODEC_ID_DVB_TELETEXT);
  // Page 100 of text, subtitles on 777 and, for the hard of hearing, on 888.
  const std::vector<uint8_t> descriptor{1 << 3 | 1, 0x00, 2 << 3 | 7, 0x77, 5 << 3 | 0, 0x88};
  stream->extradata = static_cast<uint8_t*>(checked(av_mallocz(descriptor.size() + AV_INPUT_BUFFER_PADDING_SIZE)));
  std::copy(descriptor.begin(), descriptor.end(), stream->extradata);
  stream->extradata_size = static_cast<int>(descriptor.size());
  AVDictionary* words = nullptr;
  av_dict_set(&words, "language", "ger,ger,eng", 0);
  auto pages = subtitle_pages(*stream, words);
  av_dict_free(&words);
  BOOST_TEST((pages == std::vector<teletext_page>{{"777", "ger"}, {"888", "eng"}}));
}

BOOST_AUTO_TEST_CASE(noise_does_no_harm) {
  std::mt19937 random{1};
  for (auto codec : {AV_CODEC_ID_DVB_TELETEXT, AV_CODEC_ID_SUBRIP, AV_CODEC_ID_ASS, AV_CODEC_ID_MOV_TEXT}) {
    auto x = subtitle_reader::open(*subtitles(codec));
    if (!x)
      continue;
    for (auto i = 0; i < 200; ++i) {
      std::string bytes(1 + random() % 200, '\0');
      for (auto& y : bytes)
        y = static_cast<char>(random());
      for (auto& y : x->read(*packet(bytes, 900'000 + i, 10)))
        BOOST_TEST(y.text.size() <= 8'192u);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
