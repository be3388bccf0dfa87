#include "sdp/session_description.h"

#include <algorithm>

#include "sdp/text.h"

namespace weir::sdp {

Direction Reverse(Direction direction) {
  switch (direction) {
    case Direction::kSendOnly:
      return Direction::kRecvOnly;
    case Direction::kRecvOnly:
      return Direction::kSendOnly;
    case Direction::kSendRecv:
    case Direction::kInactive:
      return direction;
  }
  return direction;
}

std::string_view ToString(Direction direction) {
  switch (direction) {
    case Direction::kSendRecv:
      return "sendrecv";
    case Direction::kSendOnly:
      return "sendonly";
    case Direction::kRecvOnly:
      return "recvonly";
    case Direction::kInactive:
      return "inactive";
  }
  return "inactive";
}

std::string_view ToString(Setup setup) {
  switch (setup) {
    case Setup::kActpass:
      return "actpass";
    case Setup::kActive:
      return "active";
    case Setup::kPassive:
      return "passive";
    case Setup::kHoldconn:
      return "holdconn";
  }
  return "holdconn";
}

std::optional<std::string> Codec::FmtpParameter(std::string_view key) const {
  std::string_view rest = fmtp;
  while (!rest.empty()) {
    const auto [parameter, after] = Cut(rest, ';');
    const auto [parameter_key, value] = Cut(parameter, '=');
    if (EqualsIgnoringCase(Trim(parameter_key), key)) {
      return std::string(Trim(value));
    }
    rest = after;
  }
  return std::nullopt;
}

std::optional<uint8_t> Codec::apt() const {
  const auto value = FmtpParameter("apt");
  return value ? ParseNumber<uint8_t>(*value) : std::nullopt;
}

const Codec* MediaSection::FindCodec(uint8_t payload_type) const {
  const auto it = std::ranges::find(codecs, payload_type, &Codec::payload_type);
  return it == codecs.end() ? nullptr : &*it;
}

const ExtMap* MediaSection::FindExtension(std::string_view uri) const {
  const auto it = std::ranges::find(extensions, uri, &ExtMap::uri);
  return it == extensions.end() ? nullptr : &*it;
}

const MediaSection* SessionDescription::Find(std::string_view mid) const {
  const auto it = std::ranges::find(media, mid, &MediaSection::mid);
  return it == media.end() ? nullptr : &*it;
}

MediaSection* SessionDescription::Find(std::string_view mid) {
  return const_cast<MediaSection*>(std::as_const(*this).Find(mid));
}

}  // namespace weir::sdp
