#include "actors/live/companion_tracks.hpp"

#include "packaging/rendition.hpp"
#include "packaging/samples.hpp"

#include <cstring>
#include <new>

namespace troupe {

namespace {

std::string words_for(const av::track& x) {
  return std::string{"subtitle "} + avcodec_get_name(x.parameters->codec_id) + " (stream " + std::to_string(x.stream)
         + (x.language.empty() ? "" : ", " + x.language) + ")";
}

} // namespace

bool companion_tracks::wants(AVCodecID codec) {
  return transport_holds(avcodec_get_name(codec)) || av::subtitle_reader::reads(codec);
}

std::vector<std::string> companion_tracks::announce(const av::demuxer& source, stream_format& to) {
  std::vector<std::string> partly;
  auto& companions = source.companions();
  first_ = static_cast<int>(to.tracks.size());
  companions_ = static_cast<int>(companions.size());
  texts_.clear();
  for (auto& x : companions)
    to.tracks.push_back(to_format(x));
  for (int i = 0; i < companions_; ++i) {
    auto& x = companions[static_cast<size_t>(i)];
    auto& parameters = *x.parameters;
    auto in_transport = transport_holds(avcodec_get_name(parameters.codec_id));
    auto is_text = av::subtitle_reader::reads(parameters.codec_id);
    if (parameters.codec_type == AVMEDIA_TYPE_SUBTITLE && !(in_transport && is_text))
      partly.push_back(words_for(x) + (is_text ? ": only in HLS" : ": only in MPEG-TS"));
    if (!is_text)
      continue;
    auto* words = source.format().streams[x.stream]->metadata;
    auto pages = parameters.codec_id == AV_CODEC_ID_DVB_TELETEXT ? av::subtitle_pages(parameters, words)
                                                                 : std::vector<av::teletext_page>{{{}, x.language}};
    for (auto& page : pages) {
      auto reader = av::subtitle_reader::open(parameters, page.number);
      if (!reader)
        continue;
      texts_.push_back({i, std::move(*reader)});
      auto& text = to.tracks.emplace_back();
      text.kind = track_kind::subtitle;
      text.codec = text_codec;
      text.language = page.language;
    }
  }
  return partly;
}

void companion_tracks::pass(AVPacket& packet, const std::function<void(const AVPacket&)>& to) {
  auto companion = packet.stream_index;
  if (companion < 0 || companion >= companions_)
    return;
  for (size_t i = 0; i < texts_.size(); ++i) {
    if (texts_[i].companion != companion)
      continue;
    for (auto& x : texts_[i].reader.read(packet)) {
      auto made = av::make_packet();
      if (av_new_packet(made.get(), static_cast<int>(x.text.size())) < 0)
        throw std::bad_alloc{};
      std::memcpy(made->data, x.text.data(), x.text.size());
      made->stream_index = first_ + companions_ + static_cast<int>(i);
      made->pts = x.pts;
      made->dts = packet.dts;
      made->duration = x.duration.value_or(0);
      to(*made);
    }
  }
  packet.stream_index = first_ + companion;
  to(packet);
}

} // namespace troupe
