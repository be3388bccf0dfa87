// What negotiation tests need around a Transport: an owner that hears nothing, senders that remember how they
// were bound.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "rtc/media_sender.h"
#include "rtc/test_offer.h"
#include "rtc/test_world.h"
#include "rtc/transport.h"

namespace weir::rtc::test {

class QuietTransportOwner final : public Transport::Owner {
 public:
  void OnTransportConnected(Now, Transport&) override {}
  void OnTransportIceState(Now, Transport&, ice::State) override {}
  void OnTransportFailed(Now, Transport&, const std::string&) override {}
  void OnDataChannelOpened(Now, Transport&, DataChannel) override {}
  void OnTransportSilence(Now, Transport&, bool) override {}
  void OnData(Now, DataChannel, bool, ConstBytes) override {}
};

class FakeSender final : public MediaSender {
 public:
  FakeSender(bool audio, const std::string& sid)
      : MediaSender(audio, {.msid = {"PA_p|" + sid, sid},
                            .cname = "PA_p",
                            .ssrc = rtp::Ssrc(static_cast<uint32_t>(std::hash<std::string>()(sid)) | 1),
                            .rtx = std::nullopt}) {}
  void OnBound(Now, const std::vector<NegotiatedCodec>& taken, const rtp::ExtensionMap&) override {
    ++bound;
    codecs = taken;
  }
  int bound = 0;
  std::vector<NegotiatedCodec> codecs;
};

}  // namespace weir::rtc::test
