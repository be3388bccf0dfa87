// modules: io sfu srtp rtp codec
// What forwarding costs per packet and subscriber, stage by stage, against a bare loop that only seals and
// sends.
//
// One publisher's batch goes through everything that the server does with it: recvmmsg, unprotect, header,
// receiver, a down track per subscriber, a queue per subscriber, seal, sendmmsg with UDP_SEGMENT. The bare
// loop seals packets of the same size under the same sessions and sends them by the same calls to the same
// addresses. Packets leave for a loopback socket that nobody reads, so the kernel's share includes a
// receiver's half that a network card would not.
//
// Times are the tenth percentile over batches: the machine is shared, and a batch that lost its processor
// says nothing about the code. `ratio` is whole / bare, `ratio_out` leaves the receiving half out, and
// `user_ns` is whole without the two system calls.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <memory>
#include <utility>
#include <vector>

#include "base/packet_pool.h"
#include "base/random.h"
#include "io/send_batch.h"
#include "io/udp_socket.h"
#include "json_main.h"
#include "packet_publisher.h"
#include "rtp/extensions.h"
#include "rtp/packet.h"
#include "sfu/down_track.h"
#include "sfu/outgoing.h"
#include "sfu/track_receiver.h"
#include "srtp/session.h"

namespace weir::bench {
namespace {

using base::TimeDelta;

class Stopwatch {
 public:
  Stopwatch() : last_(std::chrono::steady_clock::now()) {}
  double Lap() {
    const auto now = std::chrono::steady_clock::now();
    return std::chrono::duration<double, std::nano>(now - std::exchange(last_, now)).count();
  }

 private:
  std::chrono::steady_clock::time_point last_;
};

// The way out: a batch that is sent when it is full, and the time that sending took.
struct Exit {
  io::UdpSocket& socket;
  io::SendBatch batch;
  double spent = 0;

  MutableBytes Reserve(size_t size) {
    MutableBytes space = batch.Reserve(size);
    if (space.empty()) {
      Flush();
      space = batch.Reserve(size);
    }
    return space;
  }
  void Flush() {
    Stopwatch watch;
    batch.Flush(socket);
    spent += watch.Lap();
  }
};

// A subscriber's end: queues what its down track forwards, seals all of it when the worker flushes, so that
// it lies in one run and leaves as one segmented message.
class Subscriber final : public sfu::PacketSender {
 public:
  Subscriber(const MasterKey& master, const net::FiveTuple& path)
      : session_(*srtp::SendSession::Create(kProfile, master.key, master.salt)), path_(path) {
    queue_.reserve(kMaxQueued);
  }

  bool Send(const sfu::OutgoingRtp& packet) override {
    if (queue_.size() >= kMaxQueued) {
      return false;
    }
    Queued& queued = queue_.emplace_back();
    queued.header_size = packet.header_size;
    queued.prefix_size = packet.prefix_size;
    queued.padding = packet.padding;
    queued.abs_send_time_at = packet.abs_send_time_at;
    queued.transport_cc_at = packet.transport_cc_at;
    queued.roc = packet.roc;
    queued.payload_offset = packet.payload_offset;
    queued.payload_size = packet.payload_size;
    queued.packet = packet.packet;
    std::copy_n(packet.head.data(), size_t{packet.header_size} + packet.prefix_size, queued.head);
    return true;
  }

  void Flush(base::Timestamp now, Exit& exit) {
    const uint32_t send_time = rtp::EncodeAbsSendTime(now);
    for (Queued& queued : queue_) {
      if (queued.abs_send_time_at != 0) {
        base::StoreU24(queued.head + queued.abs_send_time_at, send_time);
      }
      if (queued.transport_cc_at != 0) {
        base::StoreU16(queued.head + queued.transport_cc_at, transport_sequence_++);
      }
      const ConstBytes head(queued.head, size_t{queued.header_size} + queued.prefix_size);
      const ConstBytes payload =
          queued.payload_size == 0
              ? ConstBytes()
              : ConstBytes(queued.packet->bytes()).subspan(queued.payload_offset, queued.payload_size);
      SealInto(head.first(queued.header_size), head.subspan(queued.header_size), payload, queued.padding,
               queued.roc, exit);
    }
    queue_.clear();
  }

  void SealInto(ConstBytes header, ConstBytes prefix, ConstBytes payload, uint8_t padding, uint32_t roc,
                Exit& exit) {
    const MutableBytes space =
        exit.Reserve(header.size() + prefix.size() + payload.size() + padding + session_.overhead_rtp());
    exit.batch.Commit(path_, session_.ProtectRtp(header, prefix, payload, padding, roc, space));
  }

  size_t queued() const { return queue_.size(); }

 private:
  static constexpr size_t kMaxQueued = 64;
  struct Queued {
    uint8_t header_size;
    uint8_t prefix_size;
    uint8_t padding;
    uint8_t abs_send_time_at;
    uint8_t transport_cc_at;
    uint32_t roc;
    uint16_t payload_offset;
    uint16_t payload_size;
    base::PacketRef packet;
    uint8_t head[sfu::kMaxOutgoingHead];
    Queued() {}  // Leaves head alone: most of it is never used.
  };

  srtp::SendSession session_;
  const net::FiveTuple path_;
  std::vector<Queued> queue_;
  uint16_t transport_sequence_ = 0;
};

enum Stage : size_t { kReceive, kOpen, kParse, kForward, kSeal, kSend, kWhole, kBare, kStages };

// Nanoseconds of one stage, one sample a batch.
class Samples {
 public:
  void Add(double nanoseconds) { values_.push_back(nanoseconds); }
  double TenthPercentile() {
    if (values_.empty()) {
      return 0;
    }
    const auto at = values_.begin() + static_cast<std::ptrdiff_t>(values_.size() / 10);
    std::ranges::nth_element(values_, at);
    return *at;
  }

 private:
  std::vector<double> values_;
};

class Room {
 public:
  explicit Room(const Case& test)
      : test_(test),
        publisher_master_(random_),
        server_(BindOrDie(Loopback(0, 1, 0))),
        sink_(BindOrDie({net::IpAddress::V4(0, 0, 0, 0), 0})),
        publisher_(test, publisher_master_, server_->address()),
        opener_(*srtp::ReceiveSession::Create(kProfile, publisher_master_.key, publisher_master_.salt)),
        receiver_(ReceiverConfig(), random_),
        lone_receiver_(ReceiverConfig(), random_) {
    for (size_t i = 0; i < test.subscribers; ++i) {
      // Every subscriber is another address of the loopback network and the same port, where the sink is
      // bound.
      const net::SocketAddress remote = Loopback(static_cast<uint8_t>(1 + i / 250),
                                                 static_cast<uint8_t>(1 + i % 250), sink_->address().port);
      subscribers_.push_back(std::make_unique<Subscriber>(
          MasterKey(random_), net::FiveTuple{net::Protocol::kUdp, server_->address(), remote}));
      down_tracks_.push_back(std::make_unique<sfu::DownTrack>(DownTrackConfig(static_cast<uint32_t>(i)),
                                                              *subscribers_.back(), random_));
      receiver_.AddDownTrack(down_tracks_.back().get());
      down_tracks_.back()->SetMaxLayers(2, 2, now_.mono);
    }
    bare_header_.resize(test.audio ? 28 : 24);
    bare_header_[0] = 0x90;
    bare_header_[15] = test.audio ? 3 : 2;
    bare_payload_.resize(test.payload());
  }

  void RunWhole(std::array<Samples, kStages>& samples) {
    publisher_.SendBatch();
    now_.mono += TimeDelta::Millis(test_.audio ? 20 * static_cast<int64_t>(test_.batch) : 33);
    now_.wall.micros = now_.mono.micros();
    std::array<double, kStages> spent{};
    Stopwatch watch;

    const size_t count = server_->Receive(pool_, incoming_, now_.mono);
    spent[kReceive] = watch.Lap();
    for (size_t i = 0; i < count; ++i) {
      base::Packet& packet = *incoming_[i].packet;
      const auto size = opener_.UnprotectRtp(packet.bytes());
      if (!size) {
        Die(srtp::ToString(size.error()));
      }
      packet.size = static_cast<uint16_t>(*size);
    }
    spent[kOpen] = watch.Lap();
    for (size_t i = 0; i < count; ++i) {
      Deliver(receiver_, incoming_[i].packet);
    }
    spent[kForward] = watch.Lap();
    const size_t forwarded = Check(count);
    watch.Lap();
    for (const auto& subscriber : subscribers_) {
      subscriber->Flush(now_.mono, out_);
    }
    out_.Flush();
    spent[kSend] = std::exchange(out_.spent, 0);
    spent[kSeal] = watch.Lap() - spent[kSend];
    spent[kWhole] = spent[kReceive] + spent[kOpen] + spent[kForward] + spent[kSeal] + spent[kSend];

    // The same packets through a receiver that nobody listens to: what parsing and bookkeeping cost alone.
    watch.Lap();
    for (size_t i = 0; i < count; ++i) {
      Deliver(lone_receiver_, incoming_[i].packet);
    }
    spent[kParse] = watch.Lap();
    spent[kForward] -= spent[kParse];
    for (size_t i = 0; i < count; ++i) {
      incoming_[i].packet = {};
    }
    if (forwarded == test_.batch * test_.subscribers) {
      Record(samples, spent, {kReceive, kOpen, kParse, kForward, kSeal, kSend, kWhole});
    }
  }

  void RunBare(std::array<Samples, kStages>& samples) {
    std::array<double, kStages> spent{};
    Stopwatch watch;
    for (const auto& subscriber : subscribers_) {
      for (size_t i = 0; i < test_.batch; ++i) {
        const uint32_t index = bare_index_ + static_cast<uint32_t>(i);
        base::StoreU16(bare_header_.data() + 2, static_cast<uint16_t>(index));
        subscriber->SealInto(bare_header_, {}, bare_payload_, 0, index >> 16, out_);
      }
    }
    out_.Flush();
    spent[kBare] = watch.Lap();
    out_.spent = 0;
    bare_index_ += static_cast<uint32_t>(test_.batch);
    Record(samples, spent, {kBare});
  }

 private:
  sfu::TrackReceiver::Config ReceiverConfig() const {
    sfu::TrackReceiver::Config config;
    config.audio = test_.audio;
    config.codecs = {SourceCodec()};
    config.extensions = Extensions(test_.audio);
    return config;
  }
  sfu::DownTrack::Config DownTrackConfig(uint32_t i) const {
    sfu::DownTrack::Config config;
    config.ssrc = rtp::Ssrc(1000 + i);
    config.audio = test_.audio;
    config.codecs = {SourceCodec()};
    config.extensions = Extensions(test_.audio);
    if (test_.audio) {
      config.repair =
          false;  // As with browsers: Opus has no RTX, and so no repairs that would forbid the stamps.
    } else {
      config.rtx_ssrc = rtp::Ssrc(10'000 + i);
    }
    return config;
  }
  sfu::ReceiveCodec SourceCodec() const {
    return test_.audio ? sfu::ReceiveCodec{codec::Codec::kOpus, 111, 48'000, std::nullopt}
                       : sfu::ReceiveCodec{codec::Codec::kVp8, 96, 90'000, uint8_t{97}};
  }

  void Deliver(sfu::TrackReceiver& receiver, const base::PacketRef& packet) {
    const auto header = rtp::ParseHeader(packet->bytes());
    if (!header) {
      Die("the publisher's header does not parse");
    }
    receiver.OnRtp(now_, packet, *header, 0, false, header->ssrc);
  }

  // The first batches may be short while tracks start. What is measured is whole batches of the intended
  // size.
  size_t Check(size_t received) {
    size_t forwarded = 0;
    for (const auto& subscriber : subscribers_) {
      forwarded += subscriber->queued();
    }
    ++batches_;
    if (batches_ > 10 && (received != test_.batch || forwarded != test_.batch * test_.subscribers)) {
      ++incomplete_;
      if (incomplete_ * 10 > batches_ + 100) {
        Die("batches are not forwarded whole");
      }
    }
    return forwarded;
  }

  void Record(std::array<Samples, kStages>& samples, const std::array<double, kStages>& spent,
              std::initializer_list<Stage> stages) const {
    const auto packets = static_cast<double>(test_.batch * test_.subscribers);
    for (const Stage stage : stages) {
      samples[stage].Add(spent[stage] / packets);
    }
  }

  const Case test_;
  base::SeededRandom random_{1};
  const MasterKey publisher_master_;
  base::PacketPool pool_;
  std::unique_ptr<io::UdpSocket> server_;
  std::unique_ptr<io::UdpSocket> sink_;
  Exit out_{*server_, {}};
  std::array<io::Datagram, io::UdpSocket::kMaxReceive> incoming_;
  Publisher publisher_;
  srtp::ReceiveSession opener_;
  sfu::TrackReceiver receiver_;
  sfu::TrackReceiver lone_receiver_;
  std::vector<std::unique_ptr<Subscriber>> subscribers_;
  std::vector<std::unique_ptr<sfu::DownTrack>> down_tracks_;  // Destroyed first: they leave their receiver.
  base::Now now_{base::Timestamp::Seconds(1000), {}};
  Buffer bare_header_;
  Buffer bare_payload_;
  uint32_t bare_index_ = 0;
  uint64_t batches_ = 0;
  uint64_t incomplete_ = 0;
};

void Measure(benchmark::State& state, const Case& test) {
  constexpr int kBlock = 16;  // Batches of one kind in a row, so that each finds its own caches warm.
  Room room(test);
  std::array<Samples, kStages> samples;
  for (auto _ : state) {
    Stopwatch watch;
    for (int i = 0; i < kBlock; ++i) {
      room.RunBare(samples);
    }
    for (int i = 0; i < kBlock; ++i) {
      room.RunWhole(samples);
    }
    state.SetIterationTime(watch.Lap() / 1e9);
  }
  std::array<double, kStages> ns;
  for (size_t stage = 0; stage < kStages; ++stage) {
    ns[stage] = samples[stage].TenthPercentile();
  }
  state.counters["receive_ns"] = ns[kReceive];
  state.counters["open_ns"] = ns[kOpen];
  state.counters["parse_ns"] = ns[kParse];
  state.counters["forward_ns"] = ns[kForward];
  state.counters["seal_ns"] = ns[kSeal];
  state.counters["send_ns"] = ns[kSend];
  state.counters["user_ns"] = ns[kOpen] + ns[kParse] + ns[kForward] + ns[kSeal];
  state.counters["whole_ns"] = ns[kWhole];
  state.counters["bare_ns"] = ns[kBare];
  state.counters["ratio"] = ns[kWhole] / ns[kBare];
  // To one subscriber, a packet received is a packet sent, and the bare loop receives nothing.
  state.counters["ratio_out"] = (ns[kWhole] - ns[kReceive] - ns[kOpen]) / ns[kBare];
}

void Register() {
  for (const bool audio : {true, false}) {
    for (const size_t batch : {size_t{1}, audio ? size_t{5} : size_t{6}}) {
      for (const size_t subscribers : {1, 16, 64, 256}) {
        const Case test{audio, batch, subscribers};
        benchmark::RegisterBenchmark(test.name().c_str(), Measure, test)->UseManualTime();
      }
    }
  }
}

}  // namespace
}  // namespace weir::bench

int main(int argc, char** argv) {
  weir::bench::Register();
  return weir::bench::Main(argc, argv);
}
