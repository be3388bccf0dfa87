#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "base/bytes.h"
#include "base/packet_pool.h"
#include "base/random.h"
#include "base/result.h"
#include "base/time.h"

namespace weir::base {
namespace {

TEST(TimeDelta, ArithmeticKeepsMicroseconds) {
  EXPECT_EQ(TimeDelta::Millis(3) + TimeDelta::Micros(5), TimeDelta::Micros(3005));
  EXPECT_EQ(Timestamp::Seconds(2) - Timestamp::Millis(500), TimeDelta::Millis(1500));
}

TEST(Timestamp, InfinityAbsorbsAdditions) {
  EXPECT_TRUE((Timestamp::Infinity() + TimeDelta::Seconds(1)).infinite());
  EXPECT_TRUE((Timestamp::Seconds(1) + TimeDelta::Infinity()).infinite());
}

TEST(ByteReader, FailureIsRememberedAndYieldsZeros) {
  const Buffer bytes = {1, 2, 3};
  ByteReader reader(bytes);
  EXPECT_EQ(reader.ReadU16(), 0x0102);
  EXPECT_EQ(reader.ReadU16(), 0);
  EXPECT_FALSE(reader.ok());
  EXPECT_EQ(reader.ReadU8(), 0) << "a field after the failure must not read what was skipped";
  EXPECT_EQ(reader.remaining(), 0u);
}

TEST(ByteWriter, NeverOverruns) {
  uint8_t storage[3] = {};
  ByteWriter writer(storage);
  writer.WriteU16(0xabcd);
  writer.WriteU16(0xffff);
  EXPECT_FALSE(writer.ok());
  EXPECT_EQ(writer.position(), 2u);
  EXPECT_EQ(storage[2], 0);
}

Result<int> Half(int value) {
  if (value % 2 != 0) {
    return Fail(ErrorCode::kInvalidArgument, "odd");
  }
  return value / 2;
}
Result<int> Quarter(int value) {
  const int half = TRY(Half(value));
  return Half(half);
}

TEST(Try, CarriesTheValueOrTheError) {
  EXPECT_EQ(Quarter(8).value(), 2);
  EXPECT_EQ(Quarter(6).error().message, "odd");
}

TEST(PacketPool, ReusesFreedPacketsWithoutGrowing) {
  PacketPool pool({.slab_packets = 4, .max_packets = 4});
  for (int i = 0; i < 100; ++i) {
    const PacketRef a = pool.Copy(AsBytes("hello"), Timestamp::Millis(i));
    const PacketRef b = a;
    EXPECT_EQ(b.use_count(), 2u);
    EXPECT_EQ(AsText(b->bytes()), "hello");
  }
  EXPECT_EQ(pool.total(), 4u);
  EXPECT_EQ(pool.in_use(), 0u);
}

TEST(PacketPool, CountsWhatItRefusesWhenFull) {
  PacketPool pool({.slab_packets = 2, .max_packets = 3});
  PacketRef kept[3];
  for (PacketRef& packet : kept) {
    packet = pool.Allocate();
    ASSERT_TRUE(packet);
  }
  EXPECT_FALSE(pool.Allocate());
  EXPECT_EQ(pool.exhausted(), 1u);
  kept[0] = {};
  EXPECT_TRUE(pool.Allocate());
}

TEST(PacketPool, RefusesWhatIsLongerThanAPacket) {
  PacketPool pool;
  EXPECT_FALSE(pool.Copy(Buffer(kMaxPacketSize + 1), Timestamp()));
}

TEST(SeededRandom, ReplaysFromItsSeed) {
  SeededRandom a(7), b(7), c(8);
  const uint64_t first = a.Next64();
  EXPECT_EQ(first, b.Next64());
  EXPECT_NE(first, c.Next64());
  for (int i = 0; i < 1000; ++i) {
    EXPECT_LT(a.Below(10), 10u);
    const double d = a.NextDouble();
    EXPECT_TRUE(d >= 0 && d < 1);
  }
}

}  // namespace
}  // namespace weir::base
