// The type of the first picture in an MPEG-1, -2 or -4 packet, read from the picture's header alone.
#pragma once

#include "encoder/av_ptr.hpp"

namespace troupe::av {

/// 'I', 'P', 'B', or 0 for other kinds and other codecs (ISO/IEC 13818-2, table 6-12; 14496-2, table 6-20).
inline char coded_type(AVCodecID codec, const AVPacket& x) noexcept {
  auto mpeg4 = codec == AV_CODEC_ID_MPEG4;
  if (!mpeg4 && codec != AV_CODEC_ID_MPEG1VIDEO && codec != AV_CODEC_ID_MPEG2VIDEO)
    return 0;
  for (auto i = 0; i + 5 < x.size; ++i)
    if (x.data[i] == 0 && x.data[i + 1] == 0 && x.data[i + 2] == 1 && x.data[i + 3] == (mpeg4 ? 0xb6 : 0x00))
      return mpeg4 ? "IPB"[x.data[i + 4] >> 6 & 3] : "\0IPB\0\0\0"[x.data[i + 5] >> 3 & 7];
  return 0;
}

} // namespace troupe::av
