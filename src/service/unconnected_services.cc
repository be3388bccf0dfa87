#include "service/unconnected_services.h"

#include <google/protobuf/empty.pb.h>

#include <algorithm>
#include <string>

#include "auth/permissions.h"
#include "proto/livekit_egress.pb.h"
#include "proto/livekit_ingress.pb.h"
#include "proto/livekit_sip.pb.h"

namespace weir::service {
namespace {

using base::ErrorCode;
using Grant = base::Result<void> (*)(const auth::Claims*);

// Adds methods that check one grant and then say that the service is not there.
class Adder {
 public:
  Adder(TwirpService& service, std::string what) : service_(service), what_(std::move(what)) {}

  // The answer has a type only because the table is typed; it is never sent.
  template <typename Request>
  void Add(std::string method, Grant grant) {
    service_.Add<Request, google::protobuf::Empty>(
        std::move(method), [grant](const auth::Claims* claims, const Request&) { return grant(claims); },
        [what = what_](const Request&, const Done<google::protobuf::Empty>& done) {
          done(base::Fail(ErrorCode::kInternal, what + " not connected (redis required)"));
        });
  }

 private:
  TwirpService& service_;
  const std::string what_;
};

TwirpService MakeEgress() {
  TwirpService service("livekit.Egress");
  Adder add(service, "egress");
  add.Add<livekit::StartEgressRequest>("StartEgress", auth::CheckRoomRecord);
  add.Add<livekit::RoomCompositeEgressRequest>("StartRoomCompositeEgress", auth::CheckRoomRecord);
  add.Add<livekit::WebEgressRequest>("StartWebEgress", auth::CheckRoomRecord);
  add.Add<livekit::ParticipantEgressRequest>("StartParticipantEgress", auth::CheckRoomRecord);
  add.Add<livekit::TrackCompositeEgressRequest>("StartTrackCompositeEgress", auth::CheckRoomRecord);
  add.Add<livekit::TrackEgressRequest>("StartTrackEgress", auth::CheckRoomRecord);
  add.Add<livekit::UpdateLayoutRequest>("UpdateLayout", auth::CheckRoomRecord);
  add.Add<livekit::UpdateStreamRequest>("UpdateStream", auth::CheckRoomRecord);
  add.Add<livekit::ListEgressRequest>("ListEgress", auth::CheckRoomRecord);
  add.Add<livekit::StopEgressRequest>("StopEgress", auth::CheckRoomRecord);
  return service;
}

TwirpService MakeIngress() {
  TwirpService service("livekit.Ingress");
  Adder add(service, "ingress");
  add.Add<livekit::CreateIngressRequest>("CreateIngress", auth::CheckIngressAdmin);
  add.Add<livekit::UpdateIngressRequest>("UpdateIngress", auth::CheckIngressAdmin);
  add.Add<livekit::ListIngressRequest>("ListIngress", auth::CheckIngressAdmin);
  add.Add<livekit::DeleteIngressRequest>("DeleteIngress", auth::CheckIngressAdmin);
  return service;
}

TwirpService MakeSip() {
  TwirpService service("livekit.SIP");
  Adder add(service, "sip");
  add.Add<livekit::ListSIPTrunkRequest>("ListSIPTrunk", auth::CheckSipAdmin);
  add.Add<livekit::CreateSIPInboundTrunkRequest>("CreateSIPInboundTrunk", auth::CheckSipAdmin);
  add.Add<livekit::CreateSIPOutboundTrunkRequest>("CreateSIPOutboundTrunk", auth::CheckSipAdmin);
  add.Add<livekit::UpdateSIPInboundTrunkRequest>("UpdateSIPInboundTrunk", auth::CheckSipAdmin);
  add.Add<livekit::UpdateSIPOutboundTrunkRequest>("UpdateSIPOutboundTrunk", auth::CheckSipAdmin);
  add.Add<livekit::GetSIPInboundTrunkRequest>("GetSIPInboundTrunk", auth::CheckSipAdmin);
  add.Add<livekit::GetSIPOutboundTrunkRequest>("GetSIPOutboundTrunk", auth::CheckSipAdmin);
  add.Add<livekit::ListSIPInboundTrunkRequest>("ListSIPInboundTrunk", auth::CheckSipAdmin);
  add.Add<livekit::ListSIPOutboundTrunkRequest>("ListSIPOutboundTrunk", auth::CheckSipAdmin);
  add.Add<livekit::DeleteSIPTrunkRequest>("DeleteSIPTrunk", auth::CheckSipAdmin);
  add.Add<livekit::CreateSIPDispatchRuleRequest>("CreateSIPDispatchRule", auth::CheckSipAdmin);
  add.Add<livekit::UpdateSIPDispatchRuleRequest>("UpdateSIPDispatchRule", auth::CheckSipAdmin);
  add.Add<livekit::ListSIPDispatchRuleRequest>("ListSIPDispatchRule", auth::CheckSipAdmin);
  add.Add<livekit::DeleteSIPDispatchRuleRequest>("DeleteSIPDispatchRule", auth::CheckSipAdmin);
  add.Add<livekit::CreateSIPParticipantRequest>("CreateSIPParticipant", auth::CheckSipCall);
  add.Add<livekit::TransferSIPParticipantRequest>("TransferSIPParticipant", auth::CheckSipCall);
  return service;
}

}  // namespace

UnconnectedServices::UnconnectedServices() : services_{MakeEgress(), MakeIngress(), MakeSip()} {}

bool UnconnectedServices::Handle(const front::HttpRequest& request, const auth::Claims* claims,
                                 const Respond& respond) const {
  return std::ranges::any_of(
      services_, [&](const TwirpService& service) { return service.Handle(request, claims, respond); });
}

}  // namespace weir::service
