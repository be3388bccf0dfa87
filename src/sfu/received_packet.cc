#include "sfu/received_packet.h"

namespace weir::sfu {

ForwardedExtensions FindForwardedExtensions(const rtp::Header& header, const rtp::ExtensionMap& map,
                                            bool audio) {
  ForwardedExtensions found;
  if (header.element_count == 0) {
    return found;
  }
  const auto slice = [&](rtp::Extension extension) {
    const uint8_t id = map.id(extension);
    const rtp::ExtensionElement* element = id == 0 ? nullptr : header.FindElement(id);
    return element == nullptr ? ExtensionSlice()
                              : ExtensionSlice{.offset = element->offset, .length = element->length};
  };
  found.abs_capture_time = slice(rtp::Extension::kAbsCaptureTime);
  if (audio) {
    found.audio_level = slice(rtp::Extension::kAudioLevel);
  } else {
    found.video_orientation = slice(rtp::Extension::kVideoOrientation);
    found.playout_delay = slice(rtp::Extension::kPlayoutDelay);
    found.dependency_descriptor = slice(rtp::Extension::kDependencyDescriptor);
  }
  return found;
}

}  // namespace weir::sfu
