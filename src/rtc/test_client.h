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

  void Join() {
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

  AudioSource& PublishAudio(PublishOptions publish) {
    auto source =
        std::make_unique<AudioSource>(world_.ledger, options_.identity, publish.cid, world_.network.random());
    AudioSource& result = *source;
    publish.rids.clear();
    Publish(publish, std::move(source));
    return result;
  }
  VideoSource& PublishVideo(PublishOptions publish) {
    auto source = std::make_unique<VideoSource>(world_.ledger, options_.identity, publish.cid,
                                                world_.network.random(), publish.rids);
    VideoSource& result = *source;
    Publish(publish, std::move(source));
    return result;
  }

  void Unpublish(const std::string& cid) {
    for (ClientSection& section : sections) {
      if (section.track == cid && sdp::Sends(section.direction)) {
        section.direction = sdp::Direction::kInactive;
        publisher->sources.at(section.mid)->sending = false;
        publisher->sources.erase(section.mid);
      }
    }
    Negotiate();
  }

  void Mute(const std::string& cid, bool muted) {
    if (MediaSource* source = FindSource(cid)) {
      source->sending = !muted;
      source->next_tick = world_.network.now();
    }
    livekit::SignalRequest request;
    request.mutable_mute()->set_sid(sids.at(cid));
    request.mutable_mute()->set_muted(muted);
    Send(request);
  }

  void Subscribe(const std::string& sid, bool subscribe) {
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

  void SetTrack(const std::string& sid, livekit::VideoQuality quality, bool disabled = false) {
    livekit::SignalRequest request;
    request.mutable_track_setting()->add_track_sids(sid);
    request.mutable_track_setting()->set_quality(quality);
    request.mutable_track_setting()->set_disabled(disabled);
    Send(request);
  }

  // ---- Data. False: no open channel.

  bool SendData(const std::string& text, bool reliable = true, const std::vector<std::string>& to = {}) {
    livekit::DataPacket packet;
    packet.mutable_user()->set_payload(text);
    for (const std::string& identity : to) {
      packet.add_destination_identities(identity);
    }
    return SendPacket(packet, reliable);
  }
  bool SendPacket(livekit::DataPacket packet, bool reliable = true) {
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
  std::vector<std::string> TextsFrom(const std::string& identity, bool reliable = true) const {
    std::vector<std::string> texts;
    for (const ReceivedData& received : data) {
      if (received.packet.participant_identity() == identity &&
          received.label == (reliable ? kReliableLabel : kLossyLabel)) {
        texts.push_back(received.packet.user().payload());
      }
    }
    return texts;
  }

  // ---- What it knows.

  TestPeer& downlink() { return subscriber ? *subscriber : *publisher; }
  bool connected() const { return (subscriber ? subscriber : publisher)->connection.connected(); }
  // Of one publication of another: everything that was received of it, over all its subscriptions.
  std::vector<const IncomingTrack*> Incoming(const std::string& cid) {
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
  std::optional<std::string> CheckOrder() {
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
  const livekit::ParticipantInfo* Remote(const std::string& identity) const {
    for (const auto& [sid, info] : others) {
      if (info.identity() == identity) {
        return &info;
      }
    }
    return nullptr;
  }
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
  std::map<std::string, bool> speaking;  // By participant sid.
  std::optional<uint16_t> closed;        // The code with which signalling was closed.
  std::optional<int> rejected;
  bool joined = false;
  bool receives_red = true;                  // Single mode: whether sections to receive in offer RED.
  std::vector<std::string> receives_codecs;  // Single mode: of video, by name; empty: all.
  bool heeds_requirements = true;            // Adds the sections that it is asked for.
  bool answers_offers = true;                // Dual mode: off to see what an unanswered offer does.
  uint64_t offers_sent = 0;

  // sim::Host

  void OnDatagram(Now now, const sim::Datagram& datagram) override {
    for (TestPeer* peer : Peers()) {
      if (peer->public_address == datagram.path.local && !vanished_) {
        net::FiveTuple path = datagram.path;
        path.local = peer->address;
        peer->connection.OnDatagram(now, path, pool_.Copy(datagram.bytes, now.mono));
      }
    }
  }
  Timestamp NextTimeout() const override {
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
  void OnTimeout(Now now) override {
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
  void Flush(Now now, sim::Network& network) override {
    for (TestPeer* peer : Peers()) {
      peer->connection.Drain(now, peer->output);
      if (vanished_) {
        continue;
      }
      peer->output.Flush(network, peer->address, peer->public_address);
    }
  }

  // TestPeer::Owner

  void OnPeerConnected(Now now, TestPeer&) override {
    if (next_feedback_.infinite()) {
      next_feedback_ = now.mono;
    }
  }
  void OnPeerData(Now, TestPeer&, std::string_view label, bool, ConstBytes bytes) override {
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

  void Negotiate() {
    if (offer_outstanding_) {
      offer_again_ = true;
      return;
    }
    livekit::SignalRequest request;
    *request.mutable_offer() = MakeOffer();
    Send(request);
    SendCandidate(*publisher, livekit::PUBLISHER);
  }
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
  std::vector<TestPeer*> Peers() const {
    std::vector<TestPeer*> peers;
    for (TestPeer* peer : {publisher.get(), subscriber.get()}) {
      if (peer != nullptr) {
        peers.push_back(peer);
      }
    }
    return peers;
  }

  JoinRequest MakeRequest() const {
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
    request.parameters.adaptive_stream = options_.adaptive_stream;
    request.parameters.client.set_protocol(options_.protocol);
    request.parameters.client.set_browser(options_.browser);
    return request;
  }
  void Connect(JoinRequest request) {
    auto sink = std::make_shared<Sink>(*this, world_);
    sink->self_ = sink;
    sink_ = sink;
    closed.reset();
    request.sink = sink;
    world_.Post([this, request](Now now) { world_.rooms.Join(now, RoomName(options_.room), request); });
  }

  // ---- Negotiation.

  static ClientTransport TransportOf(TestPeer& peer, sdp::Setup setup) {
    ClientTransport transport;
    transport.ice = peer.connection.ice().local_credentials();
    transport.fingerprint = TestCertificate().fingerprint();
    transport.setup = setup;
    return transport;
  }
  livekit::SessionDescription MakeOffer() {
    offer_outstanding_ = true;
    offer_again_ = false;
    ++offers_sent;
    ClientTransport transport = TransportOf(*publisher, sdp::Setup::kActpass);
    transport.version = ++offer_id_;
    last_offer_ = MakeClientOffer(sections, transport);
    for (sdp::MediaSection& section : last_offer_.media) {
      if (section.kind == Kind::kVideo && !sdp::Sends(section.direction) && !receives_codecs.empty()) {
        std::erase_if(section.codecs, [&](const sdp::Codec& codec) {
          return std::ranges::find(receives_codecs, codec.name) == receives_codecs.end();
        });
      }
    }
    livekit::SessionDescription offer;
    offer.set_type("offer");
    offer.set_sdp(sdp::Write(last_offer_));
    offer.set_id(offer_id_);
    return offer;
  }

  void SendCandidate(TestPeer& peer, livekit::SignalTarget target) {
    const std::string& ufrag = peer.connection.ice().local_credentials().ufrag;
    if (std::exchange(candidate_sent_for_[&peer], ufrag) == ufrag) {
      return;
    }
    const ice::Candidate candidate = peer.connection.ice().local_candidates().front();
    const nlohmann::json init{{"candidate", candidate.ToString()},
                              {"sdpMid", "0"},
                              {"sdpMLineIndex", 0},
                              {"usernameFragment", ufrag}};
    livekit::SignalRequest request;
    request.mutable_trickle()->set_candidateinit(init.dump());
    request.mutable_trickle()->set_target(target);
    Send(request);
  }

  void SetRemote(Now now, TestPeer& peer, const sdp::SessionDescription& description) {
    const sdp::MediaSection& first = description.media.front();
    peer.connection.SetRemoteFingerprint(first.fingerprints.front().algorithm,
                                         first.fingerprints.front().value);
    const ice::Credentials remote{first.ice_ufrag, first.ice_pwd};
    std::optional<ice::Credentials>& known = remote_ice_[&peer];
    if (&peer == subscriber.get() && known && *known != remote) {
      peer.connection.ice().Restart(now.mono);  // The server restarts; so does its answerer.
    }
    known = remote;
    peer.connection.ice().SetRemoteCredentials(remote, now.mono);
    for (const sdp::MediaSection& section : description.media) {
      if (section.kind == Kind::kApplication && !section.rejected()) {
        peer.connection.EnableData(now);
      }
    }
    for (const ice::Candidate& candidate : std::exchange(early_candidates_[&peer], {})) {
      peer.connection.ice().AddRemoteCandidate(candidate, now.mono);
    }
  }

  void OnAnswer(Now now, const livekit::SessionDescription& message) {
    if (message.id() != offer_id_) {
      world_.violations.push_back(options_.identity + ": an answer to another offer");
      return;
    }
    const auto answer = sdp::Parse(message.sdp());
    if (!answer || answer->media.size() != last_offer_.media.size()) {
      world_.violations.push_back(options_.identity + ": an answer that does not fit its offer");
      return;
    }
    offer_outstanding_ = false;
    SetRemote(now, *publisher, *answer);
    publisher->connection.SetDtlsRole(
        now, answer->media.front().setup == sdp::Setup::kPassive ? dtls::Role::kClient : dtls::Role::kServer);
    for (size_t i = 0; i < answer->media.size(); ++i) {
      ApplyOutgoing(now, last_offer_.media[i], answer->media[i]);
      if (options_.single) {
        ApplyIncoming(now, *publisher, answer->media[i], message);
      }
    }
    SendCandidate(*publisher, livekit::PUBLISHER);
    if (offer_again_) {
      Negotiate();
    }
  }

  // The answer to what this side sends: the first codec is the one to use.
  void ApplyOutgoing(Now now, const sdp::MediaSection& offered, const sdp::MediaSection& answer) {
    const auto source = publisher->sources.find(offered.mid);
    if (source == publisher->sources.end() || answer.rejected() || !sdp::Receives(answer.direction)) {
      return;
    }
    MediaSource& media = *source->second;
    media.red = media.audio() && answer.codecs.front().name == "red";
    payload_types_[offered.mid] = answer.codecs.front().payload_type;
    if (media.next_tick.infinite()) {
      media.sending = true;
      media.next_tick = now.mono;
    }
  }

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

  void OnOffer(Now now, const livekit::SessionDescription& message) {
    if (!subscriber) {
      world_.violations.push_back(options_.identity + ": an offer to a single-connection client");
      return;
    }
    if (!answers_offers) {
      return;
    }
    const auto offer = sdp::Parse(message.sdp());
    if (!offer) {
      world_.violations.push_back(options_.identity + ": an offer that does not parse");
      return;
    }
    SetRemote(now, *subscriber, *offer);
    for (const sdp::MediaSection& section : offer->media) {
      if (section.kind != Kind::kApplication) {
        ApplyIncoming(now, *subscriber, section, message);
      }
    }
    livekit::SignalRequest request;
    request.mutable_answer()->set_type("answer");
    request.mutable_answer()->set_id(message.id());
    request.mutable_answer()->set_sdp(
        sdp::Write(MakeClientAnswer(*offer, TransportOf(*subscriber, sdp::Setup::kActive))));
    Send(request);
    subscriber->connection.SetDtlsRole(now, dtls::Role::kClient);
    SendCandidate(*subscriber, livekit::SUBSCRIBER);
  }

  void OnTrickle(Now now, const livekit::TrickleRequest& trickle) {
    TestPeer* peer = trickle.target() == livekit::SUBSCRIBER ? subscriber.get() : publisher.get();
    const auto init = nlohmann::json::parse(trickle.candidateinit());
    const auto candidate = ice::ParseCandidate(init.at("candidate").get<std::string>());
    if (peer == nullptr || !candidate) {
      world_.violations.push_back(options_.identity + ": a candidate for nobody, or a broken one");
    } else if (remote_ice_[peer]) {
      peer->connection.ice().AddRemoteCandidate(*candidate, now.mono);
    } else {
      early_candidates_[peer].push_back(*candidate);
    }
  }

  // ---- Tracks.

  void Publish(const PublishOptions& publish, std::unique_ptr<MediaSource> source) {
    const bool audio = source->audio();
    livekit::AddTrackRequest track;
    track.set_cid(publish.cid);
    track.set_type(audio ? livekit::AUDIO : livekit::VIDEO);
    track.set_source(audio ? livekit::MICROPHONE : livekit::CAMERA);
    track.set_disable_red(publish.disable_red);
    for (size_t i = 0; i < publish.rids.size(); ++i) {
      livekit::VideoLayer& layer = *track.add_layers();
      layer.set_quality(static_cast<livekit::VideoQuality>(i));
      layer.set_width(320u << i);
      layer.set_height(180u << i);
    }
    if (audio && publish.source != livekit::MICROPHONE) {
      track.set_source(publish.source);
    }
    if (!publisher) {
      early_tracks_.push_back(track);
    } else if (publish.add_track) {
      livekit::SignalRequest request;
      *request.mutable_add_track() = track;
      Send(request);
    }
    pending_.push_back({publish, std::move(source)});
    if (publisher) {
      AddPending();
      Negotiate();
    }
  }

  void AddPending() {
    for (auto& [publish, source] : std::exchange(pending_, {})) {
      ClientSection section;
      section.kind = source->audio() ? Kind::kAudio : Kind::kVideo;
      section.mid = std::to_string(sections.size());
      section.direction = sdp::Direction::kSendOnly;
      section.stream = "stream";
      section.track = publish.track.empty() ? publish.cid : publish.track;
      section.rids = publish.rids;
      for (const auto& stream : source->streams()) {
        section.ssrcs.emplace_back(stream->ssrc.value(), source->audio() ? 0 : stream->rtx.value());
      }
      publisher->sources[section.mid] = source.get();
      sections.push_back(section);
      all_sources_.push_back(std::move(source));
    }
  }

  MediaSource* FindSource(const std::string& cid) {
    for (const auto& source : all_sources_) {
      if (source->cid() == cid) {
        return source.get();
      }
    }
    return nullptr;
  }
  void RunSource(Now now, TestPeer& peer, const std::string& mid, MediaSource& source) {
    while (source.sending && source.next_tick <= now.mono) {
      source.next_tick = source.next_tick + source.interval();
      for (const MediaPacket& packet : source.Tick(now)) {
        peer.Send(now, mid, source.audio(), packet, payload_types_[mid]);
      }
    }
  }

  // ---- Messages.

  void OnMessage(Now now, const livekit::SignalResponse& message) {
    using Response = livekit::SignalResponse;
    world_.Log(static_cast<uint64_t>(now.mono.micros()) << 8 | static_cast<uint64_t>(message.message_case()));
    messages.push_back(message);
    switch (message.message_case()) {
      case Response::kJoin:
        OnJoin(message.join());
        break;
      case Response::kAnswer:
        OnAnswer(now, message.answer());
        break;
      case Response::kOffer:
        OnOffer(now, message.offer());
        break;
      case Response::kTrickle:
        OnTrickle(now, message.trickle());
        break;
      case Response::kUpdate:
        for (const livekit::ParticipantInfo& info : message.update().participants()) {
          OnParticipant(info);
        }
        break;
      case Response::kTrackPublished:
        OnTrackPublished(message.track_published());
        break;
      case Response::kMediaSectionsRequirement:
        OnRequirement(message.media_sections_requirement());
        break;
      case Response::kSpeakersChanged:
        for (const livekit::SpeakerInfo& speaker : message.speakers_changed().speakers()) {
          speaking[speaker.sid()] = speaker.active();
        }
        break;
      case Response::kMute:
        for (const auto& [cid, sid] : sids) {
          if (sid == message.mute().sid()) {
            Mute(cid, message.mute().muted());
          }
        }
        break;
      case Response::kReconnect:
        SendSyncState();
        RestartPublisherIce();
        break;
      default:
        break;
    }
  }

  void OnJoin(const livekit::JoinResponse& join) {
    joined = true;
    self = join.participant();
    for (const livekit::ParticipantInfo& info : join.other_participants()) {
      OnParticipant(info);
    }
    if (options_.single || options_.silent_start) {
      return;
    }
    for (const livekit::AddTrackRequest& track : std::exchange(early_tracks_, {})) {
      livekit::SignalRequest request;
      *request.mutable_add_track() = track;
      Send(request);
    }
    AddPending();
    Negotiate();
  }

  void OnParticipant(const livekit::ParticipantInfo& info) {
    if (info.sid() == self.sid()) {
      self = info;
      return;
    }
    if (info.state() == livekit::ParticipantInfo::DISCONNECTED) {
      others.erase(info.sid());
      return;
    }
    // A new sid of a known identity takes its place.
    std::erase_if(others, [&](const auto& entry) {
      return entry.second.identity() == info.identity() && entry.first != info.sid();
    });
    const auto known = others.find(info.sid());
    if (known != others.end() && info.version() < known->second.version()) {
      world_.violations.push_back(options_.identity + ": a participant's version went back");
    }
    others[info.sid()] = info;
  }

  void OnTrackPublished(const livekit::TrackPublishedResponse& response) {
    sids[response.cid()] = response.track().sid();
    published[response.cid()] = response.track();
    world_.publications[response.track().sid()] = {options_.identity, response.cid(),
                                                   response.track().type() == livekit::AUDIO};
  }

  void OnRequirement(const livekit::MediaSectionsRequirement& requirement) {
    if (!heeds_requirements) {
      return;
    }
    const auto add = [&](Kind kind, uint32_t count) {
      for (uint32_t i = 0; i < count; ++i) {
        ClientSection section;
        section.kind = kind;
        section.mid = std::to_string(sections.size());
        section.direction = sdp::Direction::kRecvOnly;
        section.red = receives_red;
        sections.push_back(section);
      }
    };
    add(Kind::kAudio, requirement.num_audios());
    add(Kind::kVideo, requirement.num_videos());
    Negotiate();
  }

  void SendSyncState() {
    livekit::SignalRequest request;
    for (const auto& [cid, track] : published) {
      livekit::TrackPublishedResponse& known = *request.mutable_sync_state()->add_publish_tracks();
      known.set_cid(cid);
      *known.mutable_track() = track;
    }
    request.mutable_sync_state();
    offer_outstanding_ = false;  // Whatever was under way is lost with the old connection.
    Send(request);
  }

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
