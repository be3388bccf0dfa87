// A LiveKit client in a simulated room: signalling, one or two peer connections, tracks and data, as the
// browser SDK would do it (one offer at a time; with a single connection the first offer rides in the join).
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "rtc/test_offer.h"
#include "rtc/test_peer.h"
#include "rtc/test_world.h"

namespace weir::rtc::test {

class TestClient final : public sim::Host, public TestPeer::Owner {
 public:
  struct Options {
    std::string identity;
    std::string room = "room";
    bool single = true;
    bool auto_subscribe = true;
    bool auto_subscribe_data_track = false;
    bool adaptive_stream = false;
    bool silent_start = false;  // Sends nothing by itself after the join (dual mode).
    int protocol = 16;
    int receive_audios = 3;  // Sections of the first offer, single mode.
    int receive_videos = 3;
    std::string browser = "Chrome";
    auth::VideoGrant grant;
    std::string kind = "standard";
  };
  struct ReceivedData {
    livekit::DataPacket packet;
    std::string label;
  };

  TestClient(TestWorld& world, Options options)
      : options_(std::move(options)), world_(world), index_(world.clients.size()) {
    world_.network.AddHost(*this, {});
    world_.clients.push_back(this);
  }
  ~TestClient() override {
    world_.network.RemoveHost(*this);
    std::erase(world_.clients, this);
  }

  // ---- Session.

  void Join();

  void Resume() {
    JoinRequest request = MakeRequest();
    request.parameters.reconnect = true;
    request.parameters.participant_sid = self.sid();
    Connect(std::move(request));
  }

  // The signalling connection breaks without a word.
  void DropSignal() {
    const auto sink = std::exchange(sink_, nullptr);
    world_.Post([this, sink](Now now) {
      world_.rooms.OnSignalClosed(now, RoomName(options_.room), Identity(options_.identity), sink.get());
    });
  }

  void Send(const livekit::SignalRequest& request) {
    const auto sink = sink_;
    world_.Post([this, sink, request](Now now) {
      world_.rooms.OnSignal(now, RoomName(options_.room), Identity(options_.identity), sink.get(), request);
    });
  }

  void Leave() {
    livekit::SignalRequest request;
    request.mutable_leave()->set_reason(livekit::CLIENT_INITIATED);
    Send(request);
  }

  // The machine is gone: nothing is sent or received any more.
  void Vanish() {
    for (TestPeer* peer : Peers()) {
      world_.network.RemoveAddress(peer->public_address);
    }
    vanished_ = true;
  }

  // It is there again, at the same addresses.
  void Return() {
    for (TestPeer* peer : Peers()) {
      world_.network.AddAddress(*this, peer->public_address);
    }
    vanished_ = false;
  }

  // A NAT forgets its mapping: the server sees the same connection from elsewhere.
  void Rebind(TestPeer& peer) {
    world_.network.RemoveAddress(peer.public_address);
    peer.public_address.port = static_cast<uint16_t>(peer.public_address.port + 1000);
    world_.network.AddAddress(*this, peer.public_address);
  }

  // ---- Tracks.

  struct PublishOptions {
    std::string cid;
    livekit::TrackSource source = livekit::MICROPHONE;
    std::vector<std::string> rids = {"q", "h", "f"};  // Video.
    bool disable_red = false;
    bool add_track = true;  // False: the section is offered without an AddTrack.
    std::string track;      // Another id in the msid than the cid.
  };

  AudioSource& PublishAudio(PublishOptions publish);
  VideoSource& PublishVideo(PublishOptions publish) {
    auto source = std::make_unique<VideoSource>(world_.ledger, options_.identity, publish.cid,
                                                world_.network.random(), publish.rids);
    VideoSource& result = *source;
    Publish(publish, std::move(source));
    return result;
  }

  void Unpublish(const std::string& cid);

  void Mute(const std::string& cid, bool muted);

  void Subscribe(const std::string& sid, bool subscribe);

  void SetTrack(const std::string& sid, livekit::VideoQuality quality, bool disabled = false) {
    livekit::SignalRequest request;
    request.mutable_track_setting()->add_track_sids(sid);
    request.mutable_track_setting()->set_quality(quality);
    request.mutable_track_setting()->set_disabled(disabled);
    Send(request);
  }

  // ---- Data. False: no open channel.

  bool SendData(const std::string& text, bool reliable = true, const std::vector<std::string>& to = {});
  bool SendPacket(livekit::DataPacket packet, bool reliable = true);
  bool SendDataTrackPacket(uint16_t handle, const std::string& payload);
  std::vector<std::string> TextsFrom(const std::string& identity, bool reliable = true) const;

  // ---- What it knows.

  TestPeer& downlink() { return subscriber ? *subscriber : *publisher; }
  bool connected() const { return (subscriber ? subscriber : publisher)->connection.connected(); }
  // Of one publication of another: everything that was received of it, over all its subscriptions.
  std::vector<const IncomingTrack*> Incoming(const std::string& cid);
  size_t PacketsOf(const std::string& cid) {
    size_t packets = 0;
    for (const IncomingTrack* track : Incoming(cid)) {
      packets += track->stamps().size();
    }
    return packets;
  }
  Coverage CoverageOfCid(const std::string& cid, Timestamp from, Timestamp to) {
    return CoverageOf(world_.ledger, Incoming(cid), cid, from, to);
  }
  std::optional<std::string> CheckOrder();
  size_t CountOf(livekit::SignalResponse::MessageCase kind) const {
    return static_cast<size_t>(std::count_if(messages.begin(), messages.end(), [&](const auto& message) {
      return message.message_case() == kind;
    }));
  }
  const livekit::SignalResponse* LastOf(livekit::SignalResponse::MessageCase kind) const {
    const auto found = std::find_if(messages.rbegin(), messages.rend(),
                                    [&](const auto& message) { return message.message_case() == kind; });
    return found == messages.rend() ? nullptr : &*found;
  }
  const livekit::ParticipantInfo* Remote(const std::string& identity) const;
  const std::string& identity() const { return options_.identity; }
  const Options& options() const { return options_; }

  std::unique_ptr<TestPeer> publisher;
  std::unique_ptr<TestPeer> subscriber;
  std::vector<ClientSection> sections;  // Of the publisher connection.
  std::vector<livekit::SignalResponse> messages;
  livekit::ParticipantInfo self;
  std::map<std::string, livekit::ParticipantInfo> others;  // By sid.
  std::map<std::string, std::string> sids;                 // Of its own tracks, by cid.
  std::map<std::string, livekit::TrackInfo> published;     // As announced to it, by cid.
  std::vector<ReceivedData> data;
  std::vector<std::string> data_track_packets;  // Whole, head included.
  std::map<std::string, bool> speaking;         // By participant sid.
  std::optional<uint16_t> closed;               // The code with which signalling was closed.
  std::optional<int> rejected;
  bool joined = false;
  bool receives_red = true;                  // Single mode: whether sections to receive in offer RED.
  std::vector<std::string> receives_codecs;  // Single mode: of video, by name; empty: all.
  bool heeds_requirements = true;            // Adds the sections that it is asked for.
  bool answers_offers = true;                // Dual mode: off to see what an unanswered offer does.
  uint64_t offers_sent = 0;

  // sim::Host

  void OnDatagram(Now now, const sim::Datagram& datagram) override;
  Timestamp NextTimeout() const override;
  void OnTimeout(Now now) override;
  void Flush(Now now, sim::Network& network) override;

  // TestPeer::Owner

  void OnPeerConnected(Now now, TestPeer&) override {
    if (next_feedback_.infinite()) {
      next_feedback_ = now.mono;
    }
  }
  void OnPeerData(Now, TestPeer&, std::string_view label, bool, ConstBytes bytes) override;

  void Negotiate();
  void RestartPublisherIce() {
    publisher->connection.ice().Restart(world_.network.now());
    Negotiate();
  }

 private:
  // What the server writes to one signalling connection.
  class Sink final : public SignalSink {
   public:
    Sink(TestClient& client, TestWorld& world) : client_(client), world_(world) {}
    void Send(const livekit::SignalResponse& message) override {
      if (message.has_track_published()) {
        client_.NotePublication(message.track_published());
      }
      world_.Post([this, alive = self_.lock(), message](Now now) {
        if (client_.sink_.get() == this) {
          client_.OnMessage(now, message);
        }
      });
    }
    void Close(uint16_t code) override {
      world_.Post([this, alive = self_.lock(), code](Now) {
        if (client_.sink_.get() == this) {
          client_.closed = code;
          client_.sink_ = nullptr;
        }
      });
    }
    void Reject(int status, const std::string&) override {
      world_.Post([this, alive = self_.lock(), status](Now) { client_.rejected = status; });
    }
    std::weak_ptr<Sink> self_;

   private:
    TestClient& client_;
    TestWorld& world_;
  };

  std::unique_ptr<TestPeer> MakePeer(const std::string& name, ice::Role role) {
    const net::SocketAddress address{
        net::IpAddress::V4(10, 0, static_cast<uint8_t>(index_), name == "publisher" ? 1 : 2), 40000};
    world_.network.AddAddress(*this, address);
    return std::make_unique<TestPeer>(world_, options_.identity + " " + name, role, address, *this);
  }
  std::vector<TestPeer*> Peers() const;

  JoinRequest MakeRequest() const;
  void Connect(JoinRequest request);

  // ---- Negotiation.

  static ClientTransport TransportOf(TestPeer& peer, sdp::Setup setup) {
    ClientTransport transport;
    transport.ice = peer.connection.ice().local_credentials();
    transport.fingerprint = TestCertificate().fingerprint();
    transport.setup = setup;
    return transport;
  }
  livekit::SessionDescription MakeOffer();

  void SendCandidate(TestPeer& peer, livekit::SignalTarget target);

  void SetRemote(Now now, TestPeer& peer, const sdp::SessionDescription& description);

  void OnAnswer(Now now, const livekit::SessionDescription& message);

  // The answer to what this side sends: the first codec is the one to use.
  void ApplyOutgoing(Now now, const sdp::MediaSection& offered, const sdp::MediaSection& answer);

  void ApplyIncoming(Now now, TestPeer& peer, const sdp::MediaSection& section,
                     const livekit::SessionDescription& message) {
    const auto sid = message.mid_to_track_id().find(section.mid);
    if (section.rejected() || section.ssrcs.empty() || !sdp::Sends(section.direction)) {
      peer.EndIncoming(now, section.mid);
      return;
    }
    if (sid == message.mid_to_track_id().end() || section.msids.empty() ||
        section.msids.front().track != sid->second) {
      world_.violations.push_back(options_.identity + ": a section without its track's sid");
      return;
    }
    const rtp::Ssrc ssrc(section.ssrcs.front().ssrc);
    if (const auto known = peer.incoming.find(section.mid);
        known != peer.incoming.end() && known->second->config().ssrc == ssrc) {
      return;
    }
    IncomingTrack::Config config;
    config.receiver = options_.identity;
    config.sid = sid->second;
    config.mid = section.mid;
    config.audio = section.kind == Kind::kAudio;
    config.ssrc = ssrc;
    for (const sdp::SsrcGroup& group : section.ssrc_groups) {
      config.rtx = rtp::Ssrc(group.ssrcs.back());
    }
    static const MediaEngine kEngine(TestSettings().enabled_codecs);
    config.codecs = kEngine.Match(section);
    const TestWorld::Publication& publication = world_.publications[sid->second];
    config.publisher = publication.publisher;
    config.cid = publication.cid;
    peer.SetIncoming(now, section.mid, std::make_unique<IncomingTrack>(config, world_.ledger));
  }

  void OnOffer(Now now, const livekit::SessionDescription& message);

  void OnTrickle(Now now, const livekit::TrickleRequest& trickle);

  // ---- Tracks.

  void Publish(const PublishOptions& publish, std::unique_ptr<MediaSource> source);

  void AddPending();

  MediaSource* FindSource(const std::string& cid);
  void RunSource(Now now, TestPeer& peer, const std::string& mid, MediaSource& source);

  // ---- Messages.

  void OnMessage(Now now, const livekit::SignalResponse& message);

  void OnJoin(const livekit::JoinResponse& join);

  void OnParticipant(const livekit::ParticipantInfo& info);

  // As the server says it, for the message may be lost with its connection.
  void NotePublication(const livekit::TrackPublishedResponse& response) {
    world_.publications[response.track().sid()] = {options_.identity, response.cid(),
                                                   response.track().type() == livekit::AUDIO};
  }
  void OnTrackPublished(const livekit::TrackPublishedResponse& response) {
    sids[response.cid()] = response.track().sid();
    published[response.cid()] = response.track();
  }

  void OnRequirement(const livekit::MediaSectionsRequirement& requirement);

  void SendSyncState();

  struct PendingPublish {
    PublishOptions options;
    std::unique_ptr<MediaSource> source;
  };

  const Options options_;
  TestWorld& world_;
  const size_t index_;
  base::PacketPool pool_;
  std::shared_ptr<Sink> sink_;
  std::vector<std::unique_ptr<MediaSource>> all_sources_;
  std::vector<PendingPublish> pending_;
  std::vector<livekit::AddTrackRequest> early_tracks_;
  std::map<std::string, uint8_t> payload_types_;  // Of its sending sections, by mid.
  std::map<const TestPeer*, std::optional<ice::Credentials>> remote_ice_;
  std::map<const TestPeer*, std::vector<ice::Candidate>> early_candidates_;
  std::map<const TestPeer*, std::string> candidate_sent_for_;
  sdp::SessionDescription last_offer_;
  uint32_t offer_id_ = 0;
  uint32_t data_sequence_ = 0;
  bool offer_outstanding_ = false;
  bool offer_again_ = false;
  bool vanished_ = false;
  Timestamp next_feedback_ = Timestamp::Infinity();
};

}  // namespace weir::rtc::test

#include "rtc/test_client_session.h"
#include "rtc/test_client_signalling.h"
