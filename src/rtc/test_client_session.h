// Part of test_client.h: what a test asks the client to do, and what it knows.
#pragma once

#include "rtc/test_client.h"

namespace weir::rtc::test {

inline void TestClient::Join() {
  publisher = MakePeer("publisher", ice::Role::kControlling);
  subscriber = options_.single ? nullptr : MakePeer("subscriber", ice::Role::kControlled);
  sections = options_.single ? SingleConnectionSections(options_.receive_audios, options_.receive_videos)
                             : SingleConnectionSections(0, 0);
  for (ClientSection& section : sections) {
    section.red = receives_red;
  }
  for (const std::string_view label : {kLossyLabel, kReliableLabel, kDataTrackLabel}) {
    sctp::DataChannels::ChannelConfig channel{.label = std::string(label)};
    if (label != kReliableLabel) {
      channel.ordered = false;
      channel.max_retransmits = 0;
    }
    publisher->connection.OpenChannel(world_.now(), channel);
  }
  JoinRequest request = MakeRequest();
  if (options_.single) {
    request.parameters.add_tracks = std::exchange(early_tracks_, {});
    AddPending();
    request.parameters.publisher_offer = MakeOffer();
  }
  Connect(std::move(request));
}

inline AudioSource& TestClient::PublishAudio(PublishOptions publish) {
  auto source =
      std::make_unique<AudioSource>(world_.ledger, options_.identity, publish.cid, world_.network.random());
  AudioSource& result = *source;
  publish.rids.clear();
  Publish(publish, std::move(source));
  return result;
}

inline void TestClient::Unpublish(const std::string& cid) {
  for (ClientSection& section : sections) {
    if (section.track == cid && sdp::Sends(section.direction)) {
      section.direction = sdp::Direction::kInactive;
      publisher->sources.at(section.mid)->sending = false;
      publisher->sources.erase(section.mid);
    }
  }
  sids.erase(cid);
  published.erase(cid);
  Negotiate();
}

inline void TestClient::Mute(const std::string& cid, bool muted) {
  if (MediaSource* source = FindSource(cid)) {
    source->sending = !muted;
    source->next_tick = world_.network.now();
  }
  livekit::SignalRequest request;
  request.mutable_mute()->set_sid(sids.at(cid));
  request.mutable_mute()->set_muted(muted);
  Send(request);
}

inline void TestClient::Subscribe(const std::string& sid, bool subscribe) {
  for (TestPeer* peer : Peers()) {
    for (const auto& [mid, track] : peer->incoming) {
      if (!subscribe && track->config().sid == sid) {
        track->ended_at = world_.network.now();
      }
    }
  }
  livekit::SignalRequest request;
  request.mutable_subscription()->add_track_sids(sid);
  request.mutable_subscription()->set_subscribe(subscribe);
  Send(request);
}

inline bool TestClient::SendData(const std::string& text, bool reliable, const std::vector<std::string>& to) {
  livekit::DataPacket packet;
  packet.mutable_user()->set_payload(text);
  for (const std::string& identity : to) {
    packet.add_destination_identities(identity);
  }
  return SendPacket(packet, reliable);
}

inline bool TestClient::SendPacket(livekit::DataPacket packet, bool reliable) {
  const auto channel = publisher->channels.find(std::string(reliable ? kReliableLabel : kLossyLabel));
  if (channel == publisher->channels.end()) {
    return false;
  }
  if (reliable && packet.sequence() == 0) {
    packet.set_kind(livekit::DataPacket::RELIABLE);
    packet.set_sequence(++data_sequence_);
  }
  auto bytes = std::make_shared<Buffer>(packet.ByteSizeLong());
  packet.SerializeToArray(bytes->data(), static_cast<int>(bytes->size()));
  return publisher->connection.SendData(world_.now(), channel->second, std::move(bytes));
}

inline bool TestClient::SendDataTrackPacket(uint16_t handle, const std::string& payload) {
  const auto channel = publisher->channels.find(std::string(kDataTrackLabel));
  if (channel == publisher->channels.end()) {
    return false;
  }
  auto bytes = std::make_shared<Buffer>(12, 0);
  (*bytes)[0] = 0x18;  // A frame of one packet.
  (*bytes)[2] = static_cast<uint8_t>(handle >> 8);
  (*bytes)[3] = static_cast<uint8_t>(handle);
  bytes->insert(bytes->end(), payload.begin(), payload.end());
  return publisher->connection.SendData(world_.now(), channel->second, std::move(bytes));
}

inline std::vector<std::string> TestClient::TextsFrom(const std::string& identity, bool reliable) const {
  std::vector<std::string> texts;
  for (const ReceivedData& received : data) {
    if (received.packet.participant_identity() == identity &&
        received.label == (reliable ? kReliableLabel : kLossyLabel)) {
      texts.push_back(received.packet.user().payload());
    }
  }
  return texts;
}

inline std::vector<const IncomingTrack*> TestClient::Incoming(const std::string& cid) {
  std::vector<const IncomingTrack*> tracks;
  for (const auto& track : downlink().past) {
    if (track->config().cid == cid) {
      tracks.push_back(track.get());
    }
  }
  for (const auto& [mid, track] : downlink().incoming) {
    if (track->config().cid == cid) {
      tracks.push_back(track.get());
    }
  }
  return tracks;
}

inline std::optional<std::string> TestClient::CheckOrder() {
  for (TestPeer* peer : Peers()) {
    for (const auto& track : peer->past) {
      if (auto wrong = track->CheckOrder()) {
        return wrong;
      }
    }
    for (const auto& [mid, track] : peer->incoming) {
      if (auto wrong = track->CheckOrder()) {
        return wrong;
      }
    }
  }
  return std::nullopt;
}

inline const livekit::ParticipantInfo* TestClient::Remote(const std::string& identity) const {
  for (const auto& [sid, info] : others) {
    if (info.identity() == identity) {
      return &info;
    }
  }
  return nullptr;
}

inline void TestClient::OnDatagram(Now now, const sim::Datagram& datagram) {
  for (TestPeer* peer : Peers()) {
    if (peer->public_address == datagram.path.local && !vanished_) {
      net::FiveTuple path = datagram.path;
      path.local = peer->address;
      peer->connection.OnDatagram(now, path, pool_.Copy(datagram.bytes, now.mono));
    }
  }
}

inline Timestamp TestClient::NextTimeout() const {
  Timestamp next = Timestamp::Infinity();
  if (vanished_ || !publisher) {
    return next;
  }
  for (const TestPeer* peer : {publisher.get(), subscriber.get()}) {
    if (peer != nullptr) {
      next = std::min(next, peer->connection.NextTimeout());
      for (const auto& [mid, source] : peer->sources) {
        next = source->sending ? std::min(next, source->next_tick) : next;
      }
    }
  }
  return connected() ? std::min(next, next_feedback_) : next;
}

inline void TestClient::OnTimeout(Now now) {
  for (TestPeer* peer : Peers()) {
    if (peer->connection.NextTimeout() <= now.mono) {
      peer->connection.OnTimeout(now);
    }
    for (const auto& [mid, source] : peer->sources) {
      RunSource(now, *peer, mid, *source);
    }
  }
  if (next_feedback_ <= now.mono) {
    next_feedback_ = now.mono + TimeDelta::Millis(20);
    for (TestPeer* peer : Peers()) {
      peer->SendFeedback(now);
    }
  }
}

inline void TestClient::Flush(Now now, sim::Network& network) {
  for (TestPeer* peer : Peers()) {
    peer->connection.Drain(now, peer->output);
    if (vanished_) {
      continue;
    }
    peer->output.Flush(network, peer->address, peer->public_address);
  }
}

inline void TestClient::OnPeerData(Now, TestPeer&, std::string_view label, bool, ConstBytes bytes) {
  if (label == kDataTrackLabel) {
    data_track_packets.emplace_back(bytes.begin(), bytes.end());
    return;
  }
  ReceivedData received;
  received.label = label;
  if (!received.packet.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    world_.violations.push_back(options_.identity + ": a data message that is no DataPacket");
  }
  if (received.packet.participant_sid() == self.sid()) {
    world_.violations.push_back(options_.identity + ": its own data");
  }
  world_.Log(HashBytes(bytes));
  data.push_back(std::move(received));
}

inline void TestClient::Negotiate() {
  if (offer_outstanding_) {
    offer_again_ = true;
    return;
  }
  livekit::SignalRequest request;
  *request.mutable_offer() = MakeOffer();
  Send(request);
  SendCandidate(*publisher, livekit::PUBLISHER);
}

inline std::vector<TestPeer*> TestClient::Peers() const {
  std::vector<TestPeer*> peers;
  for (TestPeer* peer : {publisher.get(), subscriber.get()}) {
    if (peer != nullptr) {
      peers.push_back(peer);
    }
  }
  return peers;
}

inline JoinRequest TestClient::MakeRequest() const {
  JoinRequest request;
  request.claims.identity = options_.identity;
  request.claims.name = "name of " + options_.identity;
  request.claims.kind = options_.kind;
  request.claims.expires = {sim::Clock::kWallStart.micros + TimeDelta::Seconds(3600).micros()};
  request.claims.video = options_.grant;
  request.claims.video->room_join = true;
  request.claims.video->room = options_.room;
  request.parameters.single_connection = options_.single;
  request.parameters.auto_subscribe = options_.auto_subscribe;
  request.parameters.auto_subscribe_data_track = options_.auto_subscribe_data_track;
  request.parameters.adaptive_stream = options_.adaptive_stream;
  request.parameters.client.set_protocol(options_.protocol);
  request.parameters.client.set_browser(options_.browser);
  return request;
}

inline void TestClient::Connect(JoinRequest request) {
  auto sink = std::make_shared<Sink>(*this, world_);
  sink->self_ = sink;
  sink_ = sink;
  closed.reset();
  request.sink = sink;
  world_.Post([this, request](Now now) { world_.rooms.Join(now, RoomName(options_.room), request); });
}

}  // namespace weir::rtc::test
