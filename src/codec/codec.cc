#include "codec/codec.h"

#include <algorithm>
#include <array>

namespace weir::codec {
namespace {

struct Entry {
  Codec codec;
  std::string_view mime;
  uint32_t clock_rate;
};

constexpr std::array<Entry, 9> kCodecs = {{
    {Codec::kOpus, "audio/opus", 48'000},
    {Codec::kRed, "audio/red", 48'000},
    {Codec::kPcmu, "audio/PCMU", 8'000},
    {Codec::kPcma, "audio/PCMA", 8'000},
    {Codec::kVp8, "video/VP8", 90'000},
    {Codec::kVp9, "video/VP9", 90'000},
    {Codec::kH264, "video/H264", 90'000},
    {Codec::kH265, "video/H265", 90'000},
    {Codec::kAv1, "video/AV1", 90'000},
}};

const Entry* Find(Codec codec) {
  const auto found =
      std::find_if(kCodecs.begin(), kCodecs.end(), [&](const Entry& e) { return e.codec == codec; });
  return found == kCodecs.end() ? nullptr : &*found;
}

// ASCII only: names of media types have no other letters.
char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
bool EqualIgnoringCase(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return Lower(x) == Lower(y); });
}

std::string_view AfterSlash(std::string_view mime) { return mime.substr(mime.find('/') + 1); }

}  // namespace

std::string_view MimeType(Codec codec) {
  const Entry* entry = Find(codec);
  return entry == nullptr ? std::string_view() : entry->mime;
}

std::string_view SdpName(Codec codec) { return AfterSlash(MimeType(codec)); }

Codec CodecFromMime(std::string_view name) {
  const bool has_type = name.find('/') != std::string_view::npos;
  for (const Entry& entry : kCodecs) {
    if (EqualIgnoringCase(name, has_type ? entry.mime : AfterSlash(entry.mime))) {
      return entry.codec;
    }
  }
  return Codec::kUnknown;
}

bool IsVideo(Codec codec) { return codec >= Codec::kVp8; }
bool IsAudio(Codec codec) { return codec != Codec::kUnknown && !IsVideo(codec); }

uint32_t ClockRate(Codec codec) {
  const Entry* entry = Find(codec);
  return entry == nullptr ? 0 : entry->clock_rate;
}

}  // namespace weir::codec
