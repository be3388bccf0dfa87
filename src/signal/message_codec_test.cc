#include "signal/message_codec.h"

#include <gtest/gtest.h>

namespace weir::signal {
namespace {

livekit::SignalResponse Pong() {
  livekit::SignalResponse response;
  response.set_pong(42);
  return response;
}

TEST(MessageCodec, SpeaksBinaryUntilTheClientWritesJson) {
  MessageCodec codec;
  EXPECT_EQ(codec.Encode(Pong()).type, FrameType::kBinary);
  ASSERT_TRUE(codec.Decode(FrameType::kText, R"({"ping":"7"})"));
  const Frame frame = codec.Encode(Pong());
  EXPECT_EQ(frame.type, FrameType::kText);
  EXPECT_EQ(frame.bytes, R"({"pong":"42"})");
  livekit::SignalRequest ping;
  ping.set_ping(8);
  EXPECT_EQ(codec.Decode(FrameType::kBinary, ping.SerializeAsString())->ping(), 8);
  EXPECT_EQ(codec.Encode(Pong()).type, FrameType::kBinary);
}

TEST(MessageCodec, AnUnreadableFrameIsAnErrorAndChangesNothing) {
  MessageCodec codec;
  EXPECT_FALSE(codec.Decode(FrameType::kText, "{"));
  EXPECT_FALSE(codec.Decode(FrameType::kBinary, "\xff\xff\xff"));
  EXPECT_EQ(codec.output(), FrameType::kBinary);
}

TEST(MessageCodec, FieldsThatNobodyKnowsAreIgnored) {
  MessageCodec codec;
  EXPECT_TRUE(codec.Decode(FrameType::kText, R"({"ping":"1","somethingNew":{"a":1}})"));
}

TEST(MessageCodec, BinaryFramesReadBack) {
  livekit::SignalResponse response;
  response.set_pong(123);
  livekit::SignalResponse again;
  ASSERT_TRUE(again.ParseFromString(MessageCodec().Encode(response).bytes));
  EXPECT_EQ(again.pong(), 123);
}

}  // namespace
}  // namespace weir::signal
