// The counters of everything that lives on rooms, summed over all of them: see Census.
#pragma once

#include <cstddef>
#include <string_view>

#include "base/counters.h"
#include "rtc/participant.h"
#include "rtc/transport.h"
#include "sfu/speaker_observer.h"

namespace weir::rtc {

struct InspectorCounters {
  uint64_t descriptors_refused = 0;

  static constexpr auto Fields() {  // base/counters.h
    return std::to_array<base::CounterField<InspectorCounters>>(
        {{"descriptors_refused", &InspectorCounters::descriptors_refused}});
  }
};

struct Totals {
  // Connections, layer by layer.
  peer::Connection::Counters peer;
  ice::Agent::Counters ice;
  dtls::Transport::Counters dtls;
  srtp::ReceiveSession::Counters srtp;
  sctp::Association::Counters sctp;
  sctp::DataChannels::Counters data_channels;
  Transport::Counters transport;
  SendQueue::Counters send_queue;
  sfu::RtpDemuxer::Counters demuxer;
  sfu::TwccResponder::Counters transport_feedback;
  // What is published.
  sfu::TrackReceiver::Counters track;
  sfu::ReceiveStream::Counters stream;
  sfu::NackTracker::Counters nack;
  sfu::KeyframeArbiter::Counters keyframe;
  InspectorCounters inspector;
  // What is subscribed.
  sfu::DownTrack::Stats down_track;
  sfu::Forwarder::Counters forwarder;
  // Who is there.
  Participant::Counters participant;
  PublishedDataTracks::Counters data_track;
  DataSubscriptions::Counters data_subscription;
  sfu::SpeakerObserver::Counters speaker;
};

// Calls f(name, what it counts, &Totals::part) for every part.
template <class F>
constexpr void ForEachPart(F&& f) {
  f("peer", "WebRTC connections: what was dropped", &Totals::peer);
  f("ice", "ICE agents", &Totals::ice);
  f("dtls", "DTLS transports", &Totals::dtls);
  f("srtp", "SRTP, receiving", &Totals::srtp);
  f("sctp", "SCTP associations", &Totals::sctp);
  f("data_channel", "data channels", &Totals::data_channels);
  f("transport", "connections of participants", &Totals::transport);
  f("send_queue", "RTP towards subscribers", &Totals::send_queue);
  f("demuxer", "RTP from publishers on its way to a track", &Totals::demuxer);
  f("transport_feedback", "transport-wide feedback to publishers", &Totals::transport_feedback);
  f("track", "published tracks", &Totals::track);
  f("stream", "received RTP streams", &Totals::stream);
  f("loss", "packets missing from received streams", &Totals::nack);
  f("keyframe", "key frames asked of publishers", &Totals::keyframe);
  f("inspector", "frame headers of received packets", &Totals::inspector);
  f("down_track", "tracks towards subscribers", &Totals::down_track);
  f("forwarder", "layers towards subscribers", &Totals::forwarder);
  f("participant", "participants: data and signalling", &Totals::participant);
  f("data_track", "data tracks, as published", &Totals::data_track);
  f("data_subscription", "data tracks towards subscribers", &Totals::data_subscription);
  f("speaker", "audio levels", &Totals::speaker);
}

constexpr size_t SizeOfParts() {
  size_t size = 0;
  ForEachPart([&]<class Part>(std::string_view, std::string_view, Part Totals::*) { size += sizeof(Part); });
  return size;
}
static_assert(SizeOfParts() == sizeof(Totals), "ForEachPart leaves out a part of Totals");

inline void AddTotals(Totals& into, const Totals& more) {
  ForEachPart(
      [&](std::string_view, std::string_view, auto part) { base::AddCounters(into.*part, more.*part); });
}

}  // namespace weir::rtc
