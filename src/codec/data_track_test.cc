#include "codec/data_track.h"

#include <gtest/gtest.h>

namespace weir::codec {
namespace {

using base::Buffer;
using base::ConstBytes;

Buffer Packet(uint8_t first, uint16_t handle, size_t size = 20) {
  Buffer packet(size, 0);
  packet[0] = first;
  packet[2] = static_cast<uint8_t>(handle >> 8);
  packet[3] = static_cast<uint8_t>(handle);
  return packet;
}

TEST(DataTrackPacket, TheHandleIsReadAndReplaced) {
  Buffer packet = Packet(0x18, 0x1234);
  EXPECT_EQ(ReadDataTrackHandle(packet), 0x1234);
  WriteDataTrackHandle(packet, 0xfffe);
  EXPECT_EQ(packet, Packet(0x18, 0xfffe));
}

TEST(DataTrackPacket, WhatCannotBeOneIsRefused) {
  EXPECT_EQ(ReadDataTrackHandle(Packet(0x18, 0)), std::nullopt);
  EXPECT_EQ(ReadDataTrackHandle(Packet(0x20, 5)), std::nullopt) << "another version";
  EXPECT_EQ(ReadDataTrackHandle(Packet(0x18, 5, 11)), std::nullopt) << "cut short";
  EXPECT_EQ(ReadDataTrackHandle({}), std::nullopt);
  EXPECT_TRUE(ReadDataTrackHandle(Packet(0x18, 5, 12)));
}

TEST(DataTrackPacket, ExtensionsHaveToFit) {
  Buffer packet = Packet(0x1c, 5, 20);
  packet[13] = 1;  // Two words: bytes 12 to 19.
  EXPECT_TRUE(ReadDataTrackHandle(packet));
  packet[13] = 2;
  EXPECT_EQ(ReadDataTrackHandle(packet), std::nullopt);
  EXPECT_EQ(ReadDataTrackHandle(ConstBytes(packet).first(13)), std::nullopt);
}

}  // namespace
}  // namespace weir::codec
