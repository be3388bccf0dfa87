// Media for simulated rooms: publishers whose every payload names itself (sim::Stamp), a ledger of what they
// sent, and receivers that check what arrives against it and ask for what is missing.
//
// Opus packets are not Opus beyond their first byte, VP8 frames not VP8 beyond descriptor and frame header:
// nobody here decodes, the server least of all.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/random.h"
#include "base/time.h"
#include "codec/red.h"
#include "codec/vp8.h"
#include "rtp/packet.h"
#include "sim/stamp.h"

namespace weir::rtc::test {

using base::Buffer;
using base::ConstBytes;
using base::Now;
using base::TimeDelta;
using base::Timestamp;

inline uint64_t HashBytes(ConstBytes bytes, uint64_t hash = 14695981039346656037u) {
  for (const uint8_t byte : bytes) {
    hash = (hash ^ byte) * 1099511628211u;
  }
  return hash;
}

// ---- What was sent.

struct SentRecord {
  std::string publisher;  // Identity.
  std::string cid;
  int layer = 0;
  int64_t frame = 0;         // Counts alike on every layer of a track.
  int packets_of_frame = 1;  // On this layer.
  uint64_t body_hash = 0;    // Of what follows the codec's descriptor.
  Timestamp at;
};

class MediaLedger {
 public:
  void Add(const sim::Stamp& stamp, SentRecord record) {
    by_cid_[record.cid].push_back(stamp);
    records_.emplace(stamp, std::move(record));
  }
  const SentRecord* Find(const sim::Stamp& stamp) const {
    const auto found = records_.find(stamp);
    return found == records_.end() ? nullptr : &found->second;
  }
  const std::vector<sim::Stamp>& Of(const std::string& cid) { return by_cid_[cid]; }

 private:
  std::map<sim::Stamp, SentRecord> records_;
  std::map<std::string, std::vector<sim::Stamp>> by_cid_;
};

// ---- Sources.

// One SSRC of a publisher and its repairs.
struct OutgoingStream {
  struct Stored {
    uint8_t payload_type = 0;
    int64_t seq = 0;
    uint32_t timestamp = 0;
    bool marker = false;
    Buffer header;  // As first sent: without RTX the same bytes go out again.
    Buffer payload;
  };

  OutgoingStream(base::Random& random, std::string the_rid)
      : ssrc(random.Next32() | 1),
        rtx(random.Next32() | 1),
        rid(std::move(the_rid)),
        next_seq(random.Below(0x10000)),
        next_rtx_seq(random.Below(0x10000)),
        timestamp_base(random.Next32()) {}

  rtp::Ssrc ssrc;
  rtp::Ssrc rtx;
  std::string rid;
  int64_t next_seq;
  int64_t next_rtx_seq;
  uint32_t timestamp_base;
  uint64_t counter = 0;  // Of stamps.
  bool keyframe_due = true;
  // A receiver report came of this SSRC, and of its RTX: RIDs need no repeating there.
  bool reported = false;
  bool rtx_reported = false;
  uint32_t packets = 0;
  uint32_t octets = 0;
  uint32_t last_timestamp = 0;
  Timestamp last_at;
  std::map<int64_t, Stored> history;
};

struct MediaPacket {
  OutgoingStream* stream = nullptr;
  uint32_t timestamp = 0;
  bool marker = false;
  Buffer payload;
  std::optional<uint8_t> audio_level;
};

class MediaSource {
 public:
  MediaSource(MediaLedger& ledger, std::string publisher, std::string cid)
      : ledger_(ledger), publisher_(std::move(publisher)), cid_(std::move(cid)) {}
  virtual ~MediaSource() = default;
  virtual bool audio() const = 0;
  virtual TimeDelta interval() const = 0;
  virtual std::vector<MediaPacket> Tick(Now now) = 0;

  const std::string& cid() const { return cid_; }
  std::vector<std::unique_ptr<OutgoingStream>>& streams() { return streams_; }
  OutgoingStream* FindStream(rtp::Ssrc ssrc) {
    for (const auto& stream : streams_) {
      if (stream->ssrc == ssrc || stream->rtx == ssrc) {
        return stream.get();
      }
    }
    return nullptr;
  }

  bool sending = false;  // Negotiated, and not muted.
  bool red = false;
  Timestamp next_tick = Timestamp::Infinity();
  int keyframes_asked = 0;

 protected:
  // `body` gets its stamp and goes into the ledger.
  void Sign(Now now, OutgoingStream& stream, int layer, int packets_of_frame, Buffer& body) {
    const sim::Stamp stamp{stream.ssrc, stream.counter++};
    sim::WriteStamp(stamp, base::MutableBytes(body).last(sim::kStampSize));
    ledger_.Add(stamp, {publisher_, cid_, layer, frame_, packets_of_frame, HashBytes(body), now.mono});
  }
  static void Fill(Buffer& body, size_t from, uint64_t seed) {
    for (size_t i = from; i < body.size(); ++i) {
      seed = seed * 6364136223846793005u + 1442695040888963407u;
      body[i] = static_cast<uint8_t>(seed >> 56);
    }
  }

  MediaLedger& ledger_;
  const std::string publisher_;
  const std::string cid_;
  std::vector<std::unique_ptr<OutgoingStream>> streams_;
  int64_t frame_ = 0;
};

class AudioSource final : public MediaSource {
 public:
  static constexpr uint32_t kSamples = 960;  // Of 20 ms.

  AudioSource(MediaLedger& ledger, std::string publisher, std::string cid, base::Random& random)
      : MediaSource(ledger, std::move(publisher), std::move(cid)) {
    streams_.push_back(std::make_unique<OutgoingStream>(random, ""));
  }
  bool audio() const override { return true; }
  TimeDelta interval() const override { return TimeDelta::Millis(20); }
  std::vector<MediaPacket> Tick(Now now) override {
    OutgoingStream& stream = *streams_[0];
    Buffer body(60 + static_cast<size_t>(frame_ % 7));
    body[0] = 0x78;  // 20 ms, one frame.
    Fill(body, 1, static_cast<uint64_t>(frame_) + stream.ssrc.value());
    Sign(now, stream, 0, 1, body);
    MediaPacket packet;
    packet.stream = &stream;
    packet.timestamp = stream.timestamp_base + static_cast<uint32_t>(frame_) * kSamples;
    packet.marker = frame_ == 0;
    packet.audio_level = level;
    packet.payload = red ? WithRedundancy(body) : body;
    previous_ = std::move(body);
    ++frame_;
    return {std::move(packet)};
  }

  uint8_t level = 20;  // -dBov.

 private:
  Buffer WithRedundancy(const Buffer& body) const {
    std::vector<codec::RedBlock> blocks;
    if (!previous_.empty()) {
      blocks.push_back({111, kSamples, previous_});
    }
    blocks.push_back({111, 0, body});
    Buffer payload(1200);
    payload.resize(codec::WriteRed(blocks, payload));
    return payload;
  }
  Buffer previous_;
};

// VP8 simulcast of up to three layers, two temporal layers each.
class VideoSource final : public MediaSource {
 public:
  static constexpr std::array<int, 3> kPackets = {1, 2, 4};  // Of a frame, by layer.

  VideoSource(MediaLedger& ledger, std::string publisher, std::string cid, base::Random& random,
              std::vector<std::string> rids)
      : MediaSource(ledger, std::move(publisher), std::move(cid)), layers_(std::max<size_t>(rids.size(), 1)) {
    for (size_t i = 0; i < layers_.size(); ++i) {
      streams_.push_back(std::make_unique<OutgoingStream>(random, rids.empty() ? "" : rids[i]));
      layers_[i].picture_id = static_cast<int32_t>(random.Below(0x8000));
      layers_[i].tl0picidx = static_cast<int>(random.Below(256));
    }
  }
  bool audio() const override { return false; }
  TimeDelta interval() const override { return TimeDelta::Millis(50); }
  std::vector<MediaPacket> Tick(Now now) override {
    std::vector<MediaPacket> packets;
    for (size_t i = 0; i < layers_.size(); ++i) {
      if (i < active_layers) {
        AppendFrame(now, i, packets);
      }
    }
    ++frame_;
    return packets;
  }

  size_t active_layers = 3;

 private:
  struct Layer {
    int32_t picture_id = 0;
    int tl0picidx = 0;
    int keyidx = 0;
  };

  void AppendFrame(Now now, size_t index, std::vector<MediaPacket>& packets) {
    OutgoingStream& stream = *streams_[index];
    Layer& layer = layers_[index];
    const bool key = std::exchange(stream.keyframe_due, false);
    const int tid = key ? 0 : static_cast<int>(frame_ % 2);
    layer.picture_id = (layer.picture_id + 1) & 0x7fff;
    layer.tl0picidx = (layer.tl0picidx + (tid == 0 ? 1 : 0)) & 0xff;
    layer.keyidx = (layer.keyidx + (key ? 1 : 0)) & 0x1f;
    const int count = kPackets[std::min(index, kPackets.size() - 1)];
    for (int i = 0; i < count; ++i) {
      MediaPacket packet;
      packet.stream = &stream;
      packet.timestamp = stream.timestamp_base + static_cast<uint32_t>(frame_) * 4500;
      packet.marker = i == count - 1;
      packet.payload = Payload(now, static_cast<int>(index), key, tid, i, count);
      packets.push_back(std::move(packet));
    }
  }

  Buffer Payload(Now now, int index, bool key, int tid, int position, int count) {
    const Layer& layer = layers_[static_cast<size_t>(index)];
    codec::Vp8Descriptor descriptor;
    descriptor.picture_id = layer.picture_id;
    descriptor.tl0picidx = layer.tl0picidx;
    descriptor.tid = tid;
    descriptor.y = tid > 0;
    descriptor.keyidx = layer.keyidx;
    descriptor.start_of_partition = position == 0;
    Buffer payload(codec::kMaxVp8DescriptorSize);
    payload.resize(codec::WriteVp8(descriptor, payload));

    static constexpr uint8_t kKey[] = {0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xf0, 0x00};
    static constexpr uint8_t kDelta[] = {0x11, 0x02, 0x00};
    OutgoingStream& stream = *streams_[static_cast<size_t>(index)];
    Buffer body(static_cast<size_t>(200 + 100 * index) + static_cast<size_t>(stream.counter % 5));
    Fill(body, 0, stream.counter + stream.ssrc.value());
    if (position == 0) {
      std::copy_n(key ? kKey : kDelta, key ? std::size(kKey) : std::size(kDelta), body.begin());
    }
    Sign(now, stream, index, count, body);
    payload.insert(payload.end(), body.begin(), body.end());
    return payload;
  }

  std::vector<Layer> layers_;
};

}  // namespace weir::rtc::test
