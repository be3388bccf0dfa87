#include "rtc/census.h"

#include "rtc/room.h"
#include "rtc/totals.h"

namespace weir::rtc {
namespace {

uint64_t& Cell(Population::ByKind& counts, const livekit::TrackInfo& info, bool audio) {
  const auto source = static_cast<size_t>(info.source());
  return counts[audio ? 0 : 1][source < Population::kSources ? source : 0];
}

}  // namespace

// ---- What each subject has.

void CountIn(const Transport& transport, Totals& totals, Population* population) {
  const peer::Connection& connection = transport.connection();
  base::AddCounters(totals.peer, connection.counters());
  base::AddCounters(totals.ice, connection.ice().counters());
  base::AddCounters(totals.dtls, connection.dtls_counters());
  base::AddCounters(totals.srtp, connection.srtp_counters());
  base::AddCounters(totals.sctp, connection.sctp_counters());
  base::AddCounters(totals.data_channels, connection.data_counters());
  base::AddCounters(totals.transport, transport.counters());
  base::AddCounters(totals.send_queue, transport.send_counters());
  base::AddCounters(totals.demuxer, transport.demuxer().counters());
  base::AddCounters(totals.transport_feedback, transport.twcc().counters());
  if (population != nullptr) {
    ++population->transports;
  }
}

void CountIn(const TrackSource& source, Totals& totals, Population*) {
  const sfu::TrackReceiver& receiver = source.receiver();
  base::AddCounters(totals.track, receiver.counters());
  for (int layer = 0; layer < sfu::kMaxLayers; ++layer) {
    if (const sfu::ReceiveStream* stream = receiver.stream(layer)) {
      base::AddCounters(totals.stream, stream->counters());
      base::AddCounters(totals.nack, stream->nack().counters());
      base::AddCounters(totals.keyframe, stream->keyframes().counters());
      totals.inspector.descriptors_refused += stream->inspector().descriptors_refused();
    }
  }
}

void CountIn(const PublishedTrack& track, Totals&, Population* population) {
  if (population != nullptr) {
    ++Cell(population->published, track.info(), track.audio());
  }
}

void CountIn(const Subscription& subscription, Totals& totals, Population* population) {
  const sfu::DownTrack* track = subscription.down_track();
  if (track == nullptr) {
    return;
  }
  base::AddCounters(totals.down_track, track->stats());
  base::AddCounters(totals.forwarder, track->forwarder().counters());
  if (population != nullptr) {
    ++Cell(population->subscribed, subscription.track().info(), subscription.audio());
  }
}

void CountIn(const Participant& participant, Totals& totals, Population* population) {
  base::AddCounters(totals.participant, participant.counters());
  base::AddCounters(totals.data_track, participant.data_tracks().counters());
  base::AddCounters(totals.data_subscription, participant.data_subscriptions().counters());
  if (population != nullptr) {
    ++population->participants;
  }
}

void CountIn(const Room& room, Totals& totals, Population* population) {
  base::AddCounters(totals.speaker, room.speakers().counters());
  if (population != nullptr) {
    ++population->rooms;
  }
}

// ---- The list of entries.

Census::Entry::Entry(Census* census, const void* subject, Count count)
    : census_(census), subject_(subject), count_(count) {
  if (census_ == nullptr) {
    return;
  }
  // A newcomer has nothing to add to a reading that is under way, and stands before its cursor.
  counted_in_ = census_->number_;
  next_ = census_->first_;
  if (next_ != nullptr) {
    next_->previous_ = this;
  }
  census_->first_ = this;
  ++census_->size_;
}

Census::Entry::~Entry() {
  if (census_ == nullptr) {
    return;
  }
  count_(subject_, *census_->gone_, nullptr);
  if (census_->under_way_ && counted_in_ != census_->number_) {
    count_(subject_, *census_->reading_, nullptr);
  }
  if (census_->cursor_ == this) {
    census_->cursor_ = next_;
  }
  (previous_ != nullptr ? previous_->next_ : census_->first_) = next_;
  if (next_ != nullptr) {
    next_->previous_ = previous_;
  }
  --census_->size_;
}

Census::Census() : gone_(std::make_unique<Totals>()), reading_(std::make_unique<Totals>()) {}
Census::~Census() = default;

void Census::Begin() {
  *reading_ = *gone_;
  population_ = Population();
  cursor_ = first_;
  under_way_ = true;
  ++number_;
}

bool Census::Step(size_t max_entries) {
  for (size_t i = 0; i < max_entries && cursor_ != nullptr; ++i) {
    Entry& entry = *cursor_;
    cursor_ = entry.next_;
    entry.counted_in_ = number_;
    entry.count_(entry.subject_, *reading_, &population_);
  }
  under_way_ = cursor_ != nullptr;
  return !under_way_;
}

}  // namespace weir::rtc
