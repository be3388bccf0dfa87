#include "rtc/publisher_negotiation.h"

#include <algorithm>
#include <utility>

namespace weir::rtc {
namespace {

using base::ErrorCode;
using base::Fail;
using base::Now;
using base::Result;

using Kind = sdp::MediaSection::Kind;

const sdp::MediaSection* FirstUsable(const sdp::SessionDescription& description) {
  for (const sdp::MediaSection& section : description.media) {
    if (!section.rejected() && !section.ice_ufrag.empty()) {
      return &section;
    }
  }
  return nullptr;
}

// Ids mean the same in every section of a bundle, but not every section lists each extension.
rtp::ExtensionMap AllExtensions(const sdp::SessionDescription& offer) {
  rtp::ExtensionMap all;
  for (const sdp::MediaSection& section : offer.media) {
    for (const sdp::ExtMap& extension : MediaEngine::AnswerExtensions(section)) {
      if (const auto known = rtp::ExtensionFromUri(extension.uri)) {
        all.Set(*known, extension.id);
      }
    }
  }
  return all;
}

}  // namespace

PublisherNegotiation::PublisherNegotiation(Environment& environment, const MediaEngine& engine,
                                           Transport& transport, bool single_connection, Owner& owner)
    : environment_(environment),
      engine_(engine),
      transport_(transport),
      single_connection_(single_connection),
      owner_(owner),
      session_id_(environment.random.Next64() >> 2) {}

Result<void> PublisherNegotiation::ApplyTransport(Now now, const sdp::SessionDescription& offer) {
  const sdp::MediaSection* section = FirstUsable(offer);
  if (section == nullptr) {
    return Fail(ErrorCode::kInvalidArgument, "offer has no section with ICE credentials");
  }
  if (section->fingerprints.empty()) {
    return Fail(ErrorCode::kInvalidArgument, "offer has no certificate fingerprint");
  }
  const ice::Credentials ice{section->ice_ufrag, section->ice_pwd};
  if (negotiated_ && ice != remote_ice_) {
    transport_.RestartIce(now);  // Both sides of a restart take new credentials (RFC 8445 section 9).
  }
  remote_ice_ = ice;
  const sdp::Fingerprint& fingerprint = section->fingerprints.front();
  transport_.connection().SetRemoteFingerprint(fingerprint.algorithm, fingerprint.value);
  // The server side of DTLS whenever the offer allows it: it is the server that picks AES-GCM.
  transport_.connection().SetDtlsRole(
      now, section->setup == sdp::Setup::kPassive ? dtls::Role::kClient : dtls::Role::kServer);
  transport_.SetRemoteIce(now, ice);
  for (const sdp::MediaSection& media : offer.media) {
    for (const std::string& text : media.candidates) {
      if (const auto candidate = ice::ParseCandidate(text)) {
        transport_.AddRemoteCandidate(now, *candidate);
      }
    }
    if (media.kind == Kind::kApplication && !media.rejected()) {
      transport_.connection().EnableData(now);
    }
  }
  return {};
}

TransportParameters PublisherNegotiation::Parameters() {
  TransportParameters parameters;
  parameters.ice = transport_.connection().ice().local_credentials();
  parameters.fingerprint = environment_.certificate.fingerprint();
  parameters.setup =
      transport_.connection().dtls_role() == dtls::Role::kClient ? sdp::Setup::kActive : sdp::Setup::kPassive;
  parameters.session_id = session_id_;
  parameters.session_version = ++session_version_;
  return parameters;
}

Result<void> PublisherNegotiation::OnOffer(Now now, const livekit::SessionDescription& message) {
  const sdp::SessionDescription offer = TRY(sdp::Parse(message.sdp()));
  if (offer.media.size() > environment_.settings.limits.max_media_sections) {
    return Fail(ErrorCode::kResourceExhausted, "offer has too many media sections");
  }
  TRY(ApplyTransport(now, offer));

  std::vector<OfferedTrack> tracks = FindOfferedTracks(offer, engine_);
  AnswerPlan plan;
  plan.preferences = owner_.PreferencesFor(tracks);
  AssignSenders(offer);
  for (const auto& [mid, slot] : slots_) {
    plan.outgoing.emplace(mid, slot.sender->outgoing());
  }
  plan.transport = Parameters();

  livekit::SessionDescription answer;
  answer.set_type("answer");
  answer.set_sdp(sdp::Write(MakeAnswer(offer, engine_, plan)));
  answer.set_id(message.id());  // 0 is "unnumbered" and comes back as 0.
  for (const auto& [mid, sid] : MidToTrackId()) {
    (*answer.mutable_mid_to_track_id())[mid] = sid;
  }
  negotiated_ = true;
  owner_.SendAnswer(std::move(answer));
  transport_.demuxer().SetExtensions(AllExtensions(offer));
  owner_.OnTracksNegotiated(now, std::move(tracks));
  BindSenders(now, offer);
  if (!waiting_.empty()) {
    RequireSections(/*always=*/false);
  }
  return {};
}

// A sender keeps its section; those that wait take the sections of their kind in which the client receives
// and nobody sends.
void PublisherNegotiation::AssignSenders(const sdp::SessionDescription& offer) {
  receivable_.clear();
  requested_audios_ = requested_videos_ = 0;
  if (!single_connection_) {
    return;
  }
  for (const sdp::MediaSection& section : offer.media) {
    const bool media = section.kind == Kind::kAudio || section.kind == Kind::kVideo;
    if (!media || section.rejected() || !sdp::Receives(section.direction)) {
      continue;
    }
    const bool audio = section.kind == Kind::kAudio;
    receivable_[section.mid] = audio;
    if (slots_.contains(section.mid)) {
      continue;
    }
    const auto waiting = std::find_if(waiting_.begin(), waiting_.end(),
                                      [&](const MediaSender* sender) { return sender->audio() == audio; });
    if (waiting != waiting_.end()) {
      slots_[section.mid] = {*waiting, false};
      waiting_.erase(waiting);
    }
  }
}

void PublisherNegotiation::BindSenders(Now now, const sdp::SessionDescription& offer) {
  for (auto& [mid, slot] : slots_) {
    const sdp::MediaSection* section = offer.Find(mid);
    if (slot.bound || section == nullptr) {
      continue;
    }
    slot.bound = true;
    slot.sender->OnBound(now, engine_.Match(*section),
                         MediaEngine::ToMap(MediaEngine::AnswerExtensions(*section)));
  }
}

void PublisherNegotiation::AddSender(Now now, MediaSender& sender) {
  waiting_.push_back(&sender);
  debounce_.Trigger(now.mono);
}

void PublisherNegotiation::RemoveSender(Now now, MediaSender& sender) {
  std::erase(waiting_, &sender);
  if (std::erase_if(slots_, [&](const auto& entry) { return entry.second.sender == &sender; }) > 0) {
    debounce_.Trigger(now.mono);
  }
}

void PublisherNegotiation::OnTimeout(Now now) {
  if (debounce_.Take(now.mono)) {
    RequireSections(/*always=*/true);
  }
}

void PublisherNegotiation::RequireSections(bool always) {
  if (!negotiated_) {
    return;  // The first offer comes by itself; what still waits after it is asked for then.
  }
  // Wanted, less what the client's last offer has to spare and what it was asked for since.
  const auto missing = [&](bool audio, uint32_t& requested) {
    const auto wanted = std::count_if(waiting_.begin(), waiting_.end(),
                                      [&](const MediaSender* sender) { return sender->audio() == audio; });
    const auto spare = std::count_if(receivable_.begin(), receivable_.end(), [&](const auto& section) {
      return section.second == audio && !slots_.contains(section.first);
    });
    const auto more = std::max<int64_t>(wanted - spare - requested, 0);
    requested += static_cast<uint32_t>(more);
    return static_cast<uint32_t>(more);
  };
  const uint32_t audios = missing(true, requested_audios_);
  const uint32_t videos = missing(false, requested_videos_);
  if (always || audios + videos > 0) {
    owner_.SendSectionsRequirement(audios, videos);
  }
}

std::map<std::string, std::string> PublisherNegotiation::MidToTrackId() const {
  std::map<std::string, std::string> map;
  for (const auto& [mid, slot] : slots_) {
    map[mid] = slot.sender->track_sid();
  }
  return map;
}

}  // namespace weir::rtc
