// modules: rtc
// Whatever a client offers gets an answer that reads back and has a section for each of the offer's, in both
// modes; and what it answers is matched.

#include <cstdint>
#include <cstdlib>

#include "rtc/answer.h"

namespace {

using namespace weir::rtc;
using weir::codec::Codec;

void Expect(bool holds) {
  if (!holds) {
    std::abort();
  }
}

AnswerPlan PlanFor(const weir::sdp::SessionDescription& offer, uint8_t wishes) {
  AnswerPlan plan;
  plan.transport.ice = {"fragment", "passwordpasswordpassword"};
  plan.transport.fingerprint = "AA:BB";
  plan.transport.setup = weir::sdp::Setup::kPassive;
  for (const auto& section : offer.media) {
    PublishPreference& preference = plan.preferences[section.mid];
    preference.codec = (wishes & 1) != 0 ? Codec::kVp9 : Codec::kUnknown;
    preference.only_codec = (wishes & 2) != 0;
    preference.red = (wishes & 4) != 0;
    preference.stereo = (wishes & 8) != 0;
    if ((wishes & 16) != 0) {
      plan.outgoing.emplace(section.mid, OutgoingTrack{.msid = {"PA_p|TR_t", "TR_t"},
                                                       .cname = "PA_p",
                                                       .ssrc = weir::rtp::Ssrc(7),
                                                       .rtx = weir::rtp::Ssrc(8)});
    }
  }
  return plan;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) {
    return 0;
  }
  const auto offer = weir::sdp::Parse(weir::base::AsText({data + 1, size - 1}));
  if (!offer) {
    return 0;
  }
  static const MediaEngine engine(
      {Codec::kOpus, Codec::kRed, Codec::kPcmu, Codec::kVp8, Codec::kVp9, Codec::kH264, Codec::kAv1});
  const std::vector<OfferedTrack> tracks = FindOfferedTracks(*offer, engine);
  Expect(tracks.size() <= offer->media.size());
  const auto answer = MakeAnswer(*offer, engine, PlanFor(*offer, data[0]));
  Expect(answer.media.size() == offer->media.size());
  for (size_t i = 0; i < answer.media.size(); ++i) {
    Expect(answer.media[i].mid == offer->media[i].mid);
    Expect(!offer->media[i].rejected() || answer.media[i].rejected());
    static_cast<void>(engine.Accepted(offer->media[i]));
  }
  const std::string text = weir::sdp::Write(answer);
  Expect(text.size() > weir::sdp::kMaxSize || weir::sdp::Parse(text).has_value());
  return 0;
}
