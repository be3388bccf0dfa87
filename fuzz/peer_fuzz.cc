// modules: peer sim
// A connection under attack: arbitrary datagrams from proved and foreign paths, altered copies of real ones,
// calls in any order and time that passes, before, during and after the handshake. Nothing crashes, and
// nothing that is not authentic reaches the observer.

#include <cstdint>
#include <cstdlib>

#include "peer/test_pair.h"

namespace {

using namespace weir;
using base::Buffer;
using base::ByteReader;

class Attack {
 public:
  explicit Attack(base::ConstBytes input) : input_(input) {}

  void Run() {
    const uint8_t start = input_.ReadU8();
    if ((start & 1) != 0) {
      pair_.server.connection.EnableData(pair_.now());
      pair_.client.connection.EnableData(pair_.now());
      pair_.client.connection.OpenChannel(pair_.now(), {.label = "_reliable"});
    }
    if ((start & 2) != 0) {
      pair_.Describe();
      pair_.RunMillis(start);
    }
    if ((start & 4) != 0) {
      pair_.Connect(base::TimeDelta::Seconds(2));
    }
    for (int steps = 0; input_.remaining() > 0 && steps < 64; ++steps) {
      Step(input_.ReadU8());
    }
    pair_.RunMillis(500);
    if (!pair_.server.rtp.empty() && sent_rtp_ == 0) {
      std::abort();  // Media that nobody sent.
    }
  }

 private:
  Buffer Bytes() {
    const size_t size = std::min<size_t>(input_.ReadU8() * size_t{6}, input_.remaining());
    const base::ConstBytes bytes = input_.ReadBytes(size);
    return {bytes.begin(), bytes.end()};
  }

  void Step(uint8_t choice) {
    const net::SocketAddress stranger{net::IpAddress::V4(203, 0, 113, 9), 999};
    const net::SocketAddress& from = (choice & 0x80) != 0 ? stranger : pair_.client.address;
    switch (choice & 0x0f) {
      case 0:
      case 1:
      case 2:
        pair_.server.Receive(Bytes(), from);
        break;
      case 3: {
        // As RTP or RTCP, with the header that the cipher leaves alone.
        Buffer bytes = Bytes();
        if (bytes.size() > 1) {
          bytes[0] = 0x80;
          pair_.server.Receive(bytes, from);
        }
        break;
      }
      case 4:
        pair_.RunMillis(input_.ReadU8() * 20);
        break;
      case 5:
        SendRtp(pair_.client);
        break;
      case 6:
        SendRtp(pair_.server);
        break;
      case 7:
        pair_.Describe();
        break;
      case 8:
        pair_.server.connection.OpenChannel(pair_.now(), {.label = std::string(input_.ReadU8(), 'l')});
        break;
      case 9:
        pair_.server.connection.SendData(pair_.now(), input_.ReadU8() % 8,
                                         std::make_shared<const Buffer>(Bytes()));
        break;
      case 10:
        pair_.server.connection.ice().Restart(pair_.now().mono);
        break;
      case 11:
        pair_.server.connection.OnPathClosed(pair_.now(), {net::Protocol::kUdp, pair_.server.address, from});
        break;
      case 12:
        pair_.server.connection.Close(pair_.now(), pair_.server);
        break;
      case 13:
        pair_.client.Receive(Bytes(), pair_.server.address);
        break;
      default:
        pair_.server.connection.SendRtcp(pair_.server, Bytes());
        break;
    }
    pair_.server.Flush(pair_.now(), pair_.network);
    pair_.client.Flush(pair_.now(), pair_.network);
  }

  void SendRtp(peer::test::TestEnd& end) {
    const Buffer payload = Bytes();
    Buffer header(12, 0);
    header[0] = 0x80;
    header[1] = 96;
    base::StoreU16(header.data() + 2, static_cast<uint16_t>(++sent_rtp_));
    end.connection.SendRtp(end, header, {},
                           base::ConstBytes(payload).first(std::min<size_t>(payload.size(), 1400)), 0, 0);
  }

  ByteReader input_;
  peer::test::TestPair pair_;
  int sent_rtp_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Attack({data, std::min<size_t>(size, 8192)}).Run();
  return 0;
}
