// Counts a worker's rooms: what is there now, and the sums of every counter, of what lives and of what has
// gone.
//
// Whatever has counters holds an Entry. The entry adds the counters to the census when it goes, so sums only
// rise. Reading is done in steps, between which the worker serves media: a step reads a bounded number of
// entries, and a count is exact although participants come and go meanwhile (who goes is counted on the way
// out).
//
// One per worker, not thread-safe. It outlives its entries. Nothing here is on the way of a packet.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace weir::rtc {

class Participant;
class PublishedTrack;
class Room;
class Subscription;
class TrackSource;
class Transport;
struct Totals;

// What there is at one moment. Tracks by livekit.TrackType (audio, video) and livekit.TrackSource.
struct Population {
  static constexpr size_t kTypes = 2;
  static constexpr size_t kSources = 5;
  using ByKind = std::array<std::array<uint64_t, kSources>, kTypes>;
  uint64_t rooms = 0;
  uint64_t participants = 0;
  uint64_t transports = 0;
  ByKind published{};
  ByKind subscribed{};
};

// Adds the counters of one subject; `population` is null for one that goes.
void CountIn(const Participant& participant, Totals& totals, Population* population);
void CountIn(const PublishedTrack& track, Totals& totals, Population* population);
void CountIn(const Room& room, Totals& totals, Population* population);
void CountIn(const Subscription& subscription, Totals& totals, Population* population);
void CountIn(const TrackSource& source, Totals& totals, Population* population);
void CountIn(const Transport& transport, Totals& totals, Population* population);

class Census {
 public:
  // Make it the last member of its subject: it reads the others when it goes. A null census counts nothing.
  class Entry {
   public:
    template <class Subject>
    Entry(Census* census, const Subject& subject)
        : Entry(census, &subject, [](const void* counted, Totals& totals, Population* population) {
            CountIn(*static_cast<const Subject*>(counted), totals, population);
          }) {}
    ~Entry();
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;

   private:
    friend class Census;
    using Count = void (*)(const void* subject, Totals& totals, Population* population);
    Entry(Census* census, const void* subject, Count count);

    Census* const census_;
    const void* const subject_;
    const Count count_;
    uint64_t counted_in_ = 0;  // The number of the last reading that has it.
    Entry* previous_ = nullptr;
    Entry* next_ = nullptr;
  };

  Census();
  ~Census();
  Census(const Census&) = delete;
  Census& operator=(const Census&) = delete;

  // ---- Reading: Begin, then Step until it returns true, then totals() and population().
  void Begin();
  bool Step(size_t max_entries);
  const Totals& totals() const { return *reading_; }
  const Population& population() const { return population_; }
  size_t size() const { return size_; }

 private:
  Entry* first_ = nullptr;
  size_t size_ = 0;
  std::unique_ptr<Totals> gone_;
  // The reading.
  std::unique_ptr<Totals> reading_;
  Population population_;
  Entry* cursor_ = nullptr;
  bool under_way_ = false;
  uint64_t number_ = 0;
};

}  // namespace weir::rtc
