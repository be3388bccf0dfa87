// Data packets between the members of a room (signal.md 7.2).

#include <algorithm>

#include "rtc/room.h"

namespace weir::rtc {

using base::Now;

namespace {

template <typename List>
bool Lists(const List& list, const std::string& value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

}  // namespace

// Everybody but the sender, or who is named: by identity in the packet, by sid in the older user packet.
std::vector<Participant*> Room::Recipients(const Participant* sender, const livekit::DataPacket& packet) {
  const auto& identities = packet.destination_identities();
  const auto& sids = packet.user().destination_sids();
  const bool everybody = identities.empty() && sids.empty();
  std::vector<Participant*> recipients;
  for (const auto& [identity, participant] : participants_) {
    const bool named = Lists(identities, identity) || Lists(sids, participant->sid().value());
    if (participant.get() != sender && (everybody || named)) {
      recipients.push_back(participant.get());
    }
  }
  return recipients;
}

void Room::RouteData(Now now, Participant* sender, DataChannel channel, const livekit::DataPacket& packet) {
  if (sender != nullptr && rpc_.OnPacket(sender->identity(), packet)) {
    return;
  }
  const std::vector<Participant*> recipients = Recipients(sender, packet);
  if (recipients.empty()) {
    return;
  }
  auto bytes = std::make_shared<base::Buffer>(packet.ByteSizeLong());
  packet.SerializeToArray(bytes->data(), static_cast<int>(bytes->size()));
  const std::shared_ptr<const base::Buffer> message = std::move(bytes);
  for (Participant* recipient : recipients) {
    recipient->DeliverData(now, channel, message);
  }
}

void Room::PerformRpc(Now now, const livekit::PerformRpcRequest& request, ServerRpc::Done done) {
  if (FindByIdentity(Identity(request.destination_identity())) == nullptr) {
    done(base::Fail(base::ErrorCode::kNotFound, "participant does not exist"));
    return;
  }
  if (const auto packet = rpc_.Begin(now.mono, request, std::move(done))) {
    RouteData(now, nullptr, DataChannel::kReliable, *packet);
  }
}

}  // namespace weir::rtc
