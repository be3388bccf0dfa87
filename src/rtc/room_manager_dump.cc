// The state of a worker's rooms in words, for whoever has to find out why somebody does not see somebody.

#include <nlohmann/json.hpp>

#include "rtc/room_manager.h"

namespace weir::rtc {
namespace {

using nlohmann::json;

json DumpLayers(PublishedTrack& track, base::Timestamp now) {
  json layers = json::array();
  for (int layer = 0; layer < sfu::kMaxLayers; ++layer) {
    const sfu::TrackReceiver::LayerStats stats = track.receiver().Layer(layer, now);
    if (stats.started) {
      layers.push_back({{"layer", layer},
                        {"ssrc", stats.ssrc.value()},
                        {"active", stats.active},
                        {"bitrate", stats.bitrate},
                        {"lost", stats.lost},
                        {"width", stats.width},
                        {"height", stats.height}});
    }
  }
  return layers;
}

json DumpPublished(PublishedTrack& track, base::Timestamp now) {
  const sfu::TrackReceiver::Counters& counters = track.receiver().counters();
  return {{"sid", track.sid().value()},
          {"mime", track.info().mime_type()},
          {"mid", track.mid()},
          {"muted", track.muted()},
          {"packets", counters.packets},
          {"unknownPayloadType", counters.unknown_payload_type},
          {"unknownLayer", counters.unknown_layer},
          {"downTracks", track.receiver().down_tracks()},
          {"layers", DumpLayers(track, now)}};
}

json DumpSubscription(Subscription& subscription) {
  json dump = {{"sid", subscription.track_sid()}, {"bound", subscription.bound()}};
  if (const sfu::DownTrack* track = subscription.down_track()) {
    const sfu::DownTrack::Stats& stats = track->stats();
    dump["ssrc"] = track->ssrc().value();
    dump["disabled"] = track->disabled();
    dump["layer"] = {track->current_spatial(), track->current_temporal()};
    dump["maxLayer"] = {track->max_spatial(), track->max_temporal()};
    dump["packets"] = stats.packets;
    dump["retransmitted"] = stats.retransmitted_packets;
    dump["nacked"] = stats.nacked;
    dump["plis"] = stats.plis;
    dump["unsupportedCodec"] = stats.unsupported_codec;
    dump["senderDrops"] = stats.sender_drops;
  }
  return dump;
}

json DumpTransport(Transport& transport) {
  const peer::Connection& connection = transport.connection();
  const auto& path = connection.ice().selected_path();
  const sfu::RtpDemuxer::Counters& demuxer = transport.demuxer().counters();
  return {{"ice", ice::ToString(connection.ice().state())},
          {"path", path ? path->ToString() : "none"},
          {"connected", connection.connected()},
          {"sent", transport.send_counters().packets},
          {"sendDrops", transport.send_counters().dropped_send + transport.send_counters().dropped_full},
          {"unbound", demuxer.unbound},
          {"replayed", demuxer.replayed},
          {"srtpUnauthentic", connection.counters().srtp_unauthentic},
          {"srtpReplayed", connection.counters().srtp_replayed},
          {"srtpMalformed", connection.counters().srtp_malformed}};
}

}  // namespace

std::string RoomManager::Dump(base::Now now) {
  json rooms = json::array();
  for (const auto& [name, room] : rooms_) {
    json participants = json::array();
    for (Participant* participant : room->Participants()) {
      json published = json::array();
      for (const auto& [mid, track] : participant->up_tracks().published()) {
        published.push_back(DumpPublished(*track, now.mono));
      }
      json subscribed = json::array();
      for (Subscription* subscription : participant->subscriptions().Active()) {
        subscribed.push_back(DumpSubscription(*subscription));
      }
      json dump = {{"identity", participant->identity().value()},
                   {"sid", participant->sid().value()},
                   {"published", published},
                   {"subscribed", subscribed},
                   {"publisher", DumpTransport(participant->transports().publisher())}};
      if (!participant->transports().single_connection()) {
        dump["subscriber"] = DumpTransport(participant->transports().downlink());
      }
      participants.push_back(std::move(dump));
    }
    rooms.push_back({{"name", name}, {"sid", room->sid().value()}, {"participants", participants}});
  }
  return rooms.dump(1);
}

}  // namespace weir::rtc
