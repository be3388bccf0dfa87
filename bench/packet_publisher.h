// The publisher of packet_bench, and what it shares with the rest: the case, keys, extension ids, sockets.
#pragma once

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

#include "base/random.h"
#include "codec/vp8.h"
#include "io/send_batch.h"
#include "io/udp_socket.h"
#include "rtp/extensions.h"
#include "srtp/session.h"

namespace weir::bench {

using base::Buffer;
using base::ConstBytes;
using base::MutableBytes;

struct Case {
  bool audio;
  size_t batch;
  size_t subscribers;

  std::string name() const {
    return std::string(audio ? "audio80" : "video1100") + "/batch:" + std::to_string(batch) +
           "/subscribers:" + std::to_string(subscribers);
  }
  size_t payload() const { return audio ? 80 : 1100; }
};

[[noreturn]] inline void Die(const char* what) {
  std::fprintf(stderr, "packet_bench: %s\n", what);
  std::exit(1);
}

constexpr srtp::Profile kProfile = srtp::Profile::kAeadAes128Gcm;
constexpr uint8_t kAudioLevelId = 1;
constexpr uint8_t kAbsSendTimeId = 2;
constexpr uint8_t kTransportCcId = 3;

inline rtp::ExtensionMap Extensions(bool audio) {
  rtp::ExtensionMap map;
  if (audio) {
    map.Set(rtp::Extension::kAudioLevel, kAudioLevelId);
  }
  map.Set(rtp::Extension::kAbsSendTime, kAbsSendTimeId);
  map.Set(rtp::Extension::kTransportCc, kTransportCcId);
  return map;
}

struct MasterKey {
  explicit MasterKey(base::Random& random) : key(srtp::KeySize(kProfile)), salt(srtp::SaltSize(kProfile)) {
    random.Fill(key);
    random.Fill(salt);
  }
  Buffer key;
  Buffer salt;
};

inline net::SocketAddress Loopback(uint8_t c, uint8_t d, uint16_t port) {
  return {net::IpAddress::V4(127, 0, c, d), port};
}

inline std::unique_ptr<io::UdpSocket> BindOrDie(const net::SocketAddress& address) {
  auto socket = io::UdpSocket::Bind(address);
  if (!socket) {
    Die(socket.error().message.c_str());
  }
  return *std::move(socket);
}
// Sends one batch of a stream to the server: Opus packets of as many 20 ms frames, or one VP8 frame.
class Publisher {
 public:
  Publisher(const Case& test, const MasterKey& master, const net::SocketAddress& server)
      : test_(test),
        session_(*srtp::SendSession::Create(kProfile, master.key, master.salt)),
        socket_(BindOrDie(Loopback(0, 1, 0))),
        path_{net::Protocol::kUdp, socket_->address(), server} {}

  void SendBatch() {
    for (size_t i = 0; i < test_.batch; ++i) {
      const bool last = i + 1 == test_.batch;
      const Buffer header = MakeHeader(test_.audio || last);
      const Buffer payload = test_.audio ? Buffer(test_.payload(), 0x5a) : MakeVp8(i == 0);
      const MutableBytes space = batch_.Reserve(1500);
      batch_.Commit(path_,
                    session_.ProtectRtp(header, {}, payload, 0, static_cast<uint32_t>(index_ >> 16), space));
      ++index_;
      timestamp_ += test_.audio ? 960 : last ? 3000 : 0;
    }
    ++frame_;
    batch_.Flush(*socket_);
  }
  net::SocketAddress address() const { return socket_->address(); }
  static constexpr uint32_t kSsrc = 0x1234'5678;

 private:
  Buffer MakeHeader(bool marker) const {
    Buffer header(test_.audio ? 28 : 24);
    header[0] = 0x90;
    header[1] = static_cast<uint8_t>((test_.audio ? 111 : 96) | (marker && !test_.audio ? 0x80 : 0));
    base::StoreU16(header.data() + 2, static_cast<uint16_t>(index_));
    base::StoreU32(header.data() + 4, timestamp_);
    base::StoreU32(header.data() + 8, kSsrc);
    base::StoreU16(header.data() + 12, 0xbede);
    uint8_t* at = header.data() + 16;
    header[15] = test_.audio ? 3 : 2;
    if (test_.audio) {
      *at++ = kAudioLevelId << 4;
      *at++ = 0x80 | 30;
    }
    *at++ = kAbsSendTimeId << 4 | 2;
    base::StoreU24(at, timestamp_ & 0xff'ffff);
    at += 3;
    *at++ = kTransportCcId << 4 | 1;
    base::StoreU16(at, static_cast<uint16_t>(index_));
    return header;
  }
  Buffer MakeVp8(bool start) const {
    Buffer payload(test_.payload(), 0x5a);
    const codec::Vp8Descriptor descriptor{.picture_id = static_cast<int32_t>(frame_ & 0x7fff),
                                          .picture_id_15bit = true,
                                          .tl0picidx = static_cast<int>(frame_ & 0xff),
                                          .tid = 0,
                                          .y = true,
                                          .keyidx = 1,
                                          .start_of_partition = start};
    const size_t size = codec::WriteVp8(descriptor, payload);
    const bool keyframe = frame_ == 0;
    if (start && keyframe) {
      // RFC 6386 section 9.1: frame tag with the key frame bit clear, start code, 640 by 360.
      const std::array<uint8_t, 10> tag = {0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01};
      std::ranges::copy(tag, payload.begin() + static_cast<std::ptrdiff_t>(size));
    } else if (start) {
      payload[size] = 0x11;
    }
    return payload;
  }

  const Case test_;
  srtp::SendSession session_;
  std::unique_ptr<io::UdpSocket> socket_;
  const net::FiveTuple path_;
  io::SendBatch batch_;
  uint64_t index_ = 1000;
  uint32_t timestamp_ = 90'000;
  uint32_t frame_ = 0;
};

}  // namespace weir::bench
