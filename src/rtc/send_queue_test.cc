#include "rtc/send_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "peer/test_pair.h"
#include "rtp/extensions.h"
#include "rtp/header_writer.h"

namespace weir::rtc {
namespace {

using base::Buffer;
using testing::Each;
using testing::ElementsAre;

class Owner final : public Flushable {
 public:
  void Flush(base::Now) override { ++flushes; }
  int flushes = 0;
};

class SendQueueTest : public testing::Test {
 protected:
  static constexpr uint8_t kSendTimeId = 2;
  static constexpr uint8_t kTransportCcId = 3;
  static constexpr size_t kHeader = 12 + 4 + 8;

  sfu::OutgoingRtp Packet(size_t payload, bool audio = false) {
    sfu::OutgoingRtp packet;
    rtp::HeaderWriter writer(packet.head);
    writer.Begin(96, false, ++sequence_, 1000, rtp::Ssrc(7));
    packet.abs_send_time_at =
        static_cast<uint8_t>(writer.ReserveExtension(kSendTimeId, rtp::kAbsSendTimeSize));
    packet.transport_cc_at =
        static_cast<uint8_t>(writer.ReserveExtension(kTransportCcId, rtp::kTransportSequenceSize));
    packet.header_size = static_cast<uint8_t>(writer.Finish());
    EXPECT_EQ(packet.header_size, kHeader);
    packet.audio = audio;
    packet.packet = pool_.Copy(Buffer(payload, 0x55), pair_.now().mono);
    packet.payload_size = static_cast<uint16_t>(payload);
    return packet;
  }
  // What the other side decrypts, after everything queued was sent.
  const std::vector<Buffer>& FlushAndReceive() {
    queue_.Flush(pair_.now(), pair_.server.connection, pair_.server);
    pair_.RunMillis(50);
    return pair_.client.rtp;
  }
  static std::vector<size_t> Sizes(const std::vector<Buffer>& packets) {
    std::vector<size_t> sizes;
    for (const Buffer& packet : packets) {
      sizes.push_back(packet.size() - kHeader);
    }
    return sizes;
  }

  peer::test::TestPair pair_;
  base::PacketPool pool_;
  FlushList list_;
  Owner owner_;
  SendQueue queue_{{.max_packets = 6}, list_, owner_};
  uint16_t sequence_ = 100;
};

TEST_F(SendQueueTest, PutsItsOwnerOnTheListOnceForAllPackets) {
  queue_.Send(Packet(10));
  queue_.Send(Packet(10));
  list_.Run(pair_.now());
  EXPECT_EQ(owner_.flushes, 1);
}

TEST_F(SendQueueTest, IsBoundedAndCountsWhatItDrops) {
  for (int i = 0; i < 6; ++i) {
    EXPECT_TRUE(queue_.Send(Packet(10)));
  }
  EXPECT_FALSE(queue_.Send(Packet(10)));
  EXPECT_FALSE(queue_.Send(Packet(10)));
  EXPECT_EQ(queue_.counters().dropped_full, 2u);
  EXPECT_EQ(queue_.size(), 6u);
}

TEST_F(SendQueueTest, DropsWhatHasNoConnectionYet) {
  queue_.Send(Packet(10));
  queue_.Flush(pair_.now(), pair_.server.connection, pair_.server);
  EXPECT_TRUE(queue_.empty());
  EXPECT_EQ(queue_.counters().dropped_send, 1u);
  EXPECT_EQ(queue_.counters().packets, 0u);
}

TEST_F(SendQueueTest, MakesNeighboursOfNearlyEqualSizeEqual) {
  ASSERT_TRUE(pair_.Connect());
  for (const size_t size : {1000, 1003, 990, 700, 1000}) {
    queue_.Send(Packet(size));
  }
  const std::vector<Buffer>& received = FlushAndReceive();
  EXPECT_THAT(Sizes(received), ElementsAre(1003, 1003, 990, 700, 1000));  // The last of a run may be shorter.
  EXPECT_EQ(queue_.counters().padding_bytes, 3u);
  const auto padded = rtp::ParseHeader(received[0]);
  ASSERT_TRUE(padded.has_value());
  EXPECT_EQ(padded->payload_size, 1000u);
  EXPECT_EQ(padded->padding_size, 3u);
  EXPECT_EQ(queue_.counters().packets, 5u);
}

TEST_F(SendQueueTest, LeavesAudioAndExactPacketsAsTheyAre) {
  ASSERT_TRUE(pair_.Connect());
  queue_.Send(Packet(100, /*audio=*/true));
  queue_.Send(Packet(110, /*audio=*/true));
  sfu::OutgoingRtp exact = Packet(200);
  exact.exact = true;
  queue_.Send(exact);
  queue_.Send(Packet(205));
  EXPECT_THAT(Sizes(FlushAndReceive()), ElementsAre(100, 110, 200, 205));
  EXPECT_EQ(queue_.counters().padding_bytes, 0u);
}

TEST_F(SendQueueTest, StampsSendTimeAndTransportSequenceAsPacketsLeave) {
  ASSERT_TRUE(pair_.Connect());
  queue_.Send(Packet(100));
  queue_.Send(Packet(100));
  const uint32_t expected = rtp::EncodeAbsSendTime(pair_.now().mono);
  const std::vector<Buffer>& received = FlushAndReceive();
  ASSERT_EQ(received.size(), 2u);
  std::vector<uint16_t> sequences;
  for (const Buffer& packet : received) {
    const auto header = rtp::ParseHeader(packet);
    EXPECT_EQ(rtp::ReadAbsSendTime(header->Find(packet, kSendTimeId)), expected);
    sequences.push_back(*rtp::ReadTransportSequence(header->Find(packet, kTransportCcId)));
  }
  EXPECT_EQ(static_cast<uint16_t>(sequences[1] - sequences[0]), 1);
}

TEST_F(SendQueueTest, SendsPrefixAndPayloadAsOne) {
  ASSERT_TRUE(pair_.Connect());
  sfu::OutgoingRtp packet = Packet(3);
  packet.head[packet.header_size] = 0xaa;
  packet.head[packet.header_size + 1] = 0xbb;
  packet.prefix_size = 2;
  packet.payload_offset = 1;
  packet.payload_size = 2;
  queue_.Send(packet);
  const std::vector<Buffer>& received = FlushAndReceive();
  ASSERT_EQ(received.size(), 1u);
  EXPECT_THAT(Buffer(received[0].begin() + kHeader, received[0].end()), ElementsAre(0xaa, 0xbb, 0x55, 0x55));
}

TEST_F(SendQueueTest, ReleasesItsPacketsWithTheFlush) {
  queue_.Send(Packet(10));
  EXPECT_EQ(pool_.in_use(), 1u);
  queue_.Flush(pair_.now(), pair_.server.connection, pair_.server);
  EXPECT_EQ(pool_.in_use(), 0u);
}

TEST(FlushList, RunsEachMemberOnceAndForgetsTheDestroyed) {
  FlushList list;
  Owner stays;
  {
    Owner goes;
    list.Add(goes);
    list.Add(stays);
    list.Add(stays);
  }
  list.Run({});
  EXPECT_EQ(stays.flushes, 1);
  EXPECT_TRUE(list.empty());
  list.Run({});
  EXPECT_EQ(stays.flushes, 1);
}

TEST(FlushList, RunsWhatAFlushAdds) {
  class Chain final : public Flushable {
   public:
    Chain(FlushList& list, Owner& next) : list_(list), next_(next) {}
    void Flush(base::Now) override { list_.Add(next_); }

   private:
    FlushList& list_;
    Owner& next_;
  };
  FlushList list;
  Owner last;
  Chain first(list, last);
  list.Add(first);
  list.Run({});
  EXPECT_EQ(last.flushes, 1);
}

}  // namespace
}  // namespace weir::rtc
