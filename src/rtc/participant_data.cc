// Data packets of and for one participant (signal.md 7.2, 7.3).

#include "proto/json.h"
#include "rtc/participant.h"
#include "rtc/room.h"

namespace weir::rtc {

using base::Now;

namespace {

constexpr size_t kMaxEarlyData = 100 * 1024;  // Bytes kept for a participant whose channel is not open yet.

}  // namespace

void Participant::OnData(Now now, DataChannel channel, bool binary, base::ConstBytes message) {
  if (state_ == State::kDisconnected) {
    return;
  }
  if (!permission_.can_publish_data()) {
    ++counters_.data_refused;
    return;
  }
  if (channel == DataChannel::kDataTrack) {
    data_tracks_.OnPacket(now, message);
    return;
  }
  livekit::DataPacket packet;
  if (channel == DataChannel::kUnlabelled) {
    // A channel of the application's own: its bytes go on as a user packet.
    packet.mutable_user()->set_payload(message.data(), message.size());
    OnDataPacket(now, DataChannel::kReliable, std::move(packet));
    return;
  }
  const bool read = binary ? packet.ParseFromArray(message.data(), static_cast<int>(message.size()))
                           : proto::JsonToMessage(base::AsText(message), packet).has_value();
  if (!read) {
    ++counters_.data_malformed;
    return;
  }
  OnDataPacket(now, channel, std::move(packet));
}

bool Participant::IsDuplicate(const livekit::DataPacket& packet) {
  if (packet.kind() == livekit::DataPacket::RELIABLE && packet.sequence() > 0) {
    if (packet.sequence() <= last_sequence_) {
      return true;
    }
    last_sequence_ = packet.sequence();
  }
  return nonces_.Seen(packet.user().nonce());
}

void Participant::OnDataPacket(Now now, DataChannel channel, livekit::DataPacket packet) {
  // What the packet says of its way and its sender is not believed.
  packet.set_kind(channel == DataChannel::kLossy ? livekit::DataPacket::LOSSY
                                                 : livekit::DataPacket::RELIABLE);
  if (IsDuplicate(packet)) {
    ++counters_.data_duplicates;
    return;
  }
  const bool agent = kind_ == livekit::ParticipantInfo::AGENT;
  const bool speaks_for_others =
      agent && !packet.participant_identity().empty() && packet.participant_identity() != identity_.value() &&
      (packet.has_chat_message() || (packet.has_stream_header() && packet.stream_header().has_text_header()));
  packet.set_participant_sid(sid_.value());
  if (speaks_for_others) {
    if (packet.has_chat_message()) {
      packet.mutable_chat_message()->set_generated(true);
    } else {
      packet.mutable_stream_header()->mutable_text_header()->set_generated(true);
    }
  } else {
    packet.set_participant_identity(hidden() ? "" : identity_.value());
  }
  switch (packet.value_case()) {
    case livekit::DataPacket::kUser: {
      livekit::UserPacket& user = *packet.mutable_user();
      user.set_participant_sid(hidden() ? "" : sid_.value());
      user.set_participant_identity(packet.participant_identity());
      // Older and newer clients name the recipients in different places.
      if (packet.destination_identities().empty()) {
        *packet.mutable_destination_identities() = user.destination_identities();
      } else {
        *user.mutable_destination_identities() = packet.destination_identities();
      }
      break;
    }
    case livekit::DataPacket::kTranscription:
      if (!agent) {
        return;
      }
      break;
    case livekit::DataPacket::kMetrics:
      return;  // Not for other participants.
    default:
      break;
  }
  room_.RouteData(now, this, channel, packet);
}

void Participant::DeliverData(Now now, DataChannel channel,
                              const std::shared_ptr<const base::Buffer>& message) {
  if (transports_->data_open()) {
    if (!transports_->SendData(now, channel, message)) {
      ++counters_.data_dropped;
    }
    return;
  }
  // Reliable data waits for the channel; lossy data is for those who are there.
  if (channel != DataChannel::kReliable || early_data_bytes_ + message->size() > kMaxEarlyData) {
    ++counters_.data_dropped;
    return;
  }
  early_data_.push_back(message);
  early_data_bytes_ += message->size();
}

void Participant::OnDataChannelsOpen(Now now) {
  early_data_bytes_ = 0;
  for (const auto& message : std::exchange(early_data_, {})) {
    DeliverData(now, DataChannel::kReliable, message);
  }
}

}  // namespace weir::rtc
