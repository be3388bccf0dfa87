// Part of test_client.h: negotiation, the publishing of tracks, and messages of the server.
#pragma once

#include "rtc/test_client.h"

namespace weir::rtc::test {

inline livekit::SessionDescription TestClient::MakeOffer() {
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

inline void TestClient::SendCandidate(TestPeer& peer, livekit::SignalTarget target) {
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

inline void TestClient::SetRemote(Now now, TestPeer& peer, const sdp::SessionDescription& description) {
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

inline void TestClient::OnAnswer(Now now, const livekit::SessionDescription& message) {
  if (message.id() != offer_id_) {
    return;  // Of an offer that was replaced when signalling came back.
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

inline void TestClient::ApplyOutgoing(Now now, const sdp::MediaSection& offered,
                                      const sdp::MediaSection& answer) {
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

inline void TestClient::OnOffer(Now now, const livekit::SessionDescription& message) {
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

inline void TestClient::OnTrickle(Now now, const livekit::TrickleRequest& trickle) {
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

inline void TestClient::Publish(const PublishOptions& publish, std::unique_ptr<MediaSource> source) {
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

inline void TestClient::AddPending() {
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

inline MediaSource* TestClient::FindSource(const std::string& cid) {
  for (const auto& source : all_sources_) {
    if (source->cid() == cid) {
      return source.get();
    }
  }
  return nullptr;
}

inline void TestClient::RunSource(Now now, TestPeer& peer, const std::string& mid, MediaSource& source) {
  while (source.sending && source.next_tick <= now.mono) {
    source.next_tick = source.next_tick + source.interval();
    for (const MediaPacket& packet : source.Tick(now)) {
      peer.Send(now, mid, source.audio(), packet, payload_types_[mid]);
    }
  }
}

inline void TestClient::OnMessage(Now now, const livekit::SignalResponse& message) {
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

inline void TestClient::OnJoin(const livekit::JoinResponse& join) {
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

inline void TestClient::OnParticipant(const livekit::ParticipantInfo& info) {
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

inline void TestClient::OnRequirement(const livekit::MediaSectionsRequirement& requirement) {
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

inline void TestClient::SendSyncState() {
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

}  // namespace weir::rtc::test
