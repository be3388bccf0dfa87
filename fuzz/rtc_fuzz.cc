// modules: rtc sim
// A worker of rooms and clients that do anything: joins, resumes, requests of every kind whole and garbled,
// descriptions with any sections, server API calls, datagrams, time. Whatever they did, a shutdown leaves
// nothing behind.

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "rtc/test_offer.h"
#include "rtc/test_world.h"

namespace {

using namespace weir;
using namespace weir::rtc;
using namespace weir::rtc::test;

// Remembers the sids and offers that it hears of, so that requests can mean something.
class Ear final : public SignalSink {
 public:
  void Send(const livekit::SignalResponse& message) override {
    if (message.has_track_published()) {
      sids.push_back(message.track_published().track().sid());
    }
    if (message.has_offer()) {
      offer = message.offer();
    }
    for (const livekit::ParticipantInfo& info : message.update().participants()) {
      for (const livekit::TrackInfo& track : info.tracks()) {
        sids.push_back(track.sid());
      }
    }
    if (sids.size() > 64) {
      sids.erase(sids.begin(), sids.begin() + 32);
    }
  }
  void Close(uint16_t) override {}
  void Reject(int, const std::string&) override {}

  std::vector<std::string> sids;
  std::optional<livekit::SessionDescription> offer;
};

class Worker {
 public:
  explicit Worker(base::ConstBytes input) : input_(input) {
    world_.settings.limits.max_pending_tracks = 4;
    world_.settings.limits.max_tracks_per_participant = 6;
    world_.settings.limits.max_media_sections = 12;
    world_.settings.limits.max_rooms = 2;
    for (auto& ear : ears_) {
      ear = std::make_shared<Ear>();
    }
  }

  void Run() {
    for (int steps = 0; input_.remaining() > 0 && steps < 200; ++steps) {
      Step(input_.ReadU8());
      world_.rooms.EndTurn(world_.now());
    }
    world_.RunFor(TimeDelta::Seconds(100));
    world_.rooms.Shutdown(world_.now());
    world_.rooms.EndTurn(world_.now());
    const bool clean = world_.router.paths() == 0 && world_.router.ufrags() == 0 && world_.ufrags.empty() &&
                       world_.timers.size() == 0 && world_.pool.in_use() == 0 && world_.violations.empty();
    if (!clean) {
      std::abort();
    }
  }

 private:
  static constexpr size_t kClients = 4;

  Identity Name(size_t client) const { return Identity(std::string(1, static_cast<char>('a' + client))); }
  RoomName RoomOf(size_t client) const { return RoomName(client == 3 ? "other" : "room"); }
  std::string Text() {
    return std::string(base::AsText(input_.ReadBytes(std::min<size_t>(input_.ReadU8(), input_.remaining()))));
  }
  std::string Sid(size_t client) {
    const std::vector<std::string>& sids = ears_[client]->sids;
    const uint8_t choice = input_.ReadU8();
    return sids.empty() ? "TR_none" : sids[choice % sids.size()];
  }

  void Join(size_t client, bool resume) {
    const uint8_t flags = input_.ReadU8();
    JoinRequest request;
    request.claims.identity = Name(client).value();
    request.claims.video.emplace();
    request.claims.video->hidden = (flags & 1) != 0;
    request.claims.video->can_publish = (flags & 2) == 0;
    request.claims.video->can_update_own_metadata = true;
    request.claims.kind = (flags & 4) != 0 ? "agent" : "standard";
    request.parameters.single_connection = (flags & 8) != 0;
    request.parameters.auto_subscribe = (flags & 16) == 0;
    request.parameters.adaptive_stream = (flags & 32) != 0;
    request.parameters.client.set_protocol(flags % 18);
    request.parameters.reconnect = resume;
    if ((flags & 64) != 0) {
      request.parameters.publisher_offer = Offer();
      request.parameters.add_tracks.push_back(Track());
    }
    request.sink = ears_[client];
    world_.rooms.Join(world_.now(), RoomOf(client), std::move(request));
  }

  livekit::AddTrackRequest Track() {
    const uint8_t flags = input_.ReadU8();
    livekit::AddTrackRequest track;
    track.set_cid(std::string(1, static_cast<char>('0' + flags % 8)));
    track.set_type((flags & 8) != 0 ? livekit::VIDEO : livekit::AUDIO);
    track.set_muted((flags & 16) != 0);
    if ((flags & 32) != 0) {
      track.add_simulcast_codecs()->set_codec((flags & 64) != 0 ? "vp9" : "av1");
      track.add_layers()->set_quality(livekit::HIGH);
    }
    return track;
  }

  livekit::SessionDescription Offer() {
    std::vector<ClientSection> sections;
    const uint8_t count = input_.ReadU8() % 14;
    for (uint8_t i = 0; i < count; ++i) {
      const uint8_t flags = input_.ReadU8();
      ClientSection section;
      section.kind = flags % 5 == 4 ? Kind::kApplication : flags % 5 > 1 ? Kind::kVideo : Kind::kAudio;
      section.mid = std::to_string(i);
      section.direction = static_cast<sdp::Direction>(flags >> 3 & 3);
      section.stream = "stream";
      section.track = std::string(1, static_cast<char>('0' + (flags >> 5)));
      if ((flags & 32) != 0 && section.kind == Kind::kVideo) {
        section.rids = {"q", "h", "f"};
      }
      section.ssrcs = {{1000u + i, 0}};
      sections.push_back(section);
    }
    ClientTransport transport;
    transport.ice.ufrag = (input_.ReadU8() & 1) != 0 ? "fragment1" : "fragment2";
    livekit::SessionDescription offer;
    offer.set_sdp(sdp::Write(MakeClientOffer(sections, transport)));
    offer.set_id(input_.ReadU8());
    return offer;
  }

  livekit::SignalRequest Request(size_t client) {
    livekit::SignalRequest request;
    const uint8_t kind = input_.ReadU8();
    switch (kind % 14) {
      case 0:
        *request.mutable_offer() = Offer();
        break;
      case 1:
        *request.mutable_add_track() = Track();
        break;
      case 2:
        if (const auto& offer = ears_[client]->offer) {
          const auto parsed = sdp::Parse(offer->sdp());
          request.mutable_answer()->set_sdp(
              sdp::Write(MakeClientAnswer(*parsed, {.setup = sdp::Setup::kActive})));
          request.mutable_answer()->set_id(offer->id());
        }
        break;
      case 3:
        request.mutable_mute()->set_sid(Sid(client));
        request.mutable_mute()->set_muted((kind & 16) != 0);
        break;
      case 4:
        request.mutable_subscription()->add_track_sids(Sid(client));
        request.mutable_subscription()->set_subscribe((kind & 16) != 0);
        break;
      case 5:
        request.mutable_track_setting()->add_track_sids(Sid(client));
        request.mutable_track_setting()->set_disabled((kind & 16) != 0);
        request.mutable_track_setting()->set_width(kind);
        break;
      case 6:
        request.mutable_leave();
        break;
      case 7: {
        auto& permission = *request.mutable_subscription_permission();
        permission.set_all_participants((kind & 16) != 0);
        permission.add_track_permissions()->set_participant_identity(Name(kind % kClients).value());
        permission.mutable_track_permissions(0)->add_track_sids(Sid(client));
        break;
      }
      case 8:
        request.mutable_sync_state()->add_publish_tracks()->mutable_track()->set_sid(Sid(client));
        break;
      case 9:
        request.mutable_simulate()->set_speaker_update(kind % 4);
        break;
      case 10:
        request.mutable_trickle()->set_candidateinit(R"({"candidate":"candidate:1 1 udp 2130706431 10.0.0.)" +
                                                     std::to_string(kind) +
                                                     R"( 4000 typ host","sdpMid":"0","sdpMLineIndex":0})");
        request.mutable_trickle()->set_target((kind & 16) != 0 ? livekit::SUBSCRIBER : livekit::PUBLISHER);
        break;
      case 11:
        request.mutable_update_metadata()->set_metadata(Text());
        break;
      default:
        request.ParseFromString(Text());
        break;
    }
    return request;
  }

  void Step(uint8_t choice) {
    const size_t client = choice % kClients;
    const RoomName room = RoomOf(client);
    switch (choice / kClients % 13) {
      case 0:
        Join(client, false);
        break;
      case 1:
        Join(client, true);
        break;
      case 2:
      case 3:
      case 4:
      case 5:
      case 6:
        world_.rooms.OnSignal(world_.now(), room, Name(client), ears_[client].get(), Request(client));
        break;
      case 7:
        world_.rooms.OnSignalClosed(world_.now(), room, Name(client), ears_[client].get());
        ears_[client] = std::make_shared<Ear>();
        break;
      case 8:
        world_.RunFor(TimeDelta::Millis(input_.ReadU8() * 10));
        break;
      case 9: {
        livekit::UpdateParticipantRequest request;
        request.set_room(room.value());
        request.set_identity(Name(client).value());
        request.mutable_permission()->set_can_publish((input_.ReadU8() & 1) != 0);
        request.mutable_permission()->set_can_subscribe((choice & 64) != 0);
        static_cast<void>(world_.rooms.UpdateParticipant(world_.now(), request));
        break;
      }
      case 10:
        ReceiveDatagram();
        break;
      case 11:
        static_cast<void>((choice & 64) != 0
                              ? world_.rooms.DeleteRoom(world_.now(), room)
                              : world_.rooms.RemoveParticipant(world_.now(), room, Name(client)));
        break;
      default: {
        livekit::SendDataRequest request;
        request.set_room(room.value());
        request.set_data(Text());
        static_cast<void>(world_.rooms.SendData(world_.now(), request));
        break;
      }
    }
  }

  void ReceiveDatagram() {
    const net::FiveTuple path{
        net::Protocol::kUdp, kServerAddress, {net::IpAddress::V4(10, 0, 0, 1), input_.ReadU8()}};
    Buffer bytes;
    if ((input_.ReadU8() & 1) != 0 && !world_.ufrags.empty()) {
      bytes = stun::MessageBuilder(stun::Class::kRequest, stun::Method::kBinding, stun::TransactionId())
                  .AddText(stun::Attribute::kUsername, *world_.ufrags.begin() + ":remote")
                  .Finish();
    } else {
      const std::string text = Text();
      bytes.assign(text.begin(), text.end());
    }
    world_.router.OnDatagram(world_.now(), path, world_.pool.Copy(bytes, world_.now().mono));
  }

  base::ByteReader input_;
  TestWorld world_{7};
  std::shared_ptr<Ear> ears_[kClients];
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Worker({data, std::min<size_t>(size, 8192)}).Run();
  return 0;
}
