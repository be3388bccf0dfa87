#include "sctp/data_channels.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sctp/dcep.h"
#include "sctp/wire_for_test.h"

namespace weir::sctp {
namespace {

using base::Buffer;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using Wire = TestWire<DataChannels>;

DataChannels::Config ConfigOf(bool client, size_t max_channels = 64) {
  DataChannels::Config config;
  config.dtls_client = client;
  config.max_channels = max_channels;
  return config;
}

struct Pair {
  explicit Pair(const Wire::Config& wire_config = {},
                const DataChannels::Config& client_config = ConfigOf(true),
                const DataChannels::Config& server_config = ConfigOf(false))
      : random_client(wire_config.seed * 2),
        random_server(wire_config.seed * 2 + 1),
        client(client_config, random_client),
        server(server_config, random_server),
        wire(client, server, wire_config) {}
  void Connect() {
    client.Start(wire.now());
    server.Start(wire.now());
    ASSERT_TRUE(
        wire.RunUntilDone(TimeDelta::Seconds(20), [&] { return client.connected() && server.connected(); }));
  }
  void Run(TimeDelta span = TimeDelta::Seconds(1)) { wire.RunFor(span); }
  template <typename T>
  std::vector<T> Client() {
    return Of<T>(wire.events(0));
  }
  template <typename T>
  std::vector<T> Server() {
    return Of<T>(wire.events(1));
  }

  base::SeededRandom random_client;
  base::SeededRandom random_server;
  DataChannels client;
  DataChannels server;
  Wire wire;
};

TEST(Dcep, OpenSurvivesItsWay) {
  for (DcepOpen open :
       {DcepOpen{.label = "_reliable"}, DcepOpen{.ordered = false, .max_retransmits = 0, .label = "_lossy"},
        DcepOpen{.max_lifetime_ms = 500, .label = "", .protocol = "p"}}) {
    const Buffer bytes = EncodeDcepOpen(open);
    EXPECT_EQ(ParseDcepOpen(bytes, 100).value(), open);
    for (size_t size = 0; size < bytes.size(); ++size) {
      EXPECT_FALSE(ParseDcepOpen(base::ConstBytes(bytes).first(size), 100));
    }
  }
}

TEST(Dcep, RefusesUnknownTypesAndLongLabels) {
  Buffer bytes = EncodeDcepOpen({.label = "label"});
  EXPECT_EQ(ParseDcepOpen(bytes, 4).error(), base::ParseError::kTooLarge);
  bytes[1] = 3;
  EXPECT_EQ(ParseDcepOpen(bytes, 100).error(), base::ParseError::kUnsupported);
  bytes[0] = 4;
  EXPECT_EQ(ParseDcepOpen(bytes, 100).error(), base::ParseError::kBadValue);
}

TEST(DataChannels, BothSidesOpenWithTheirOwnParity) {
  Pair pair;
  const uint16_t lossy = pair.client.Open(
      pair.wire.now(), {.label = "_lossy", .ordered = false, .max_retransmits = 0});  // Before it is up.
  const uint16_t reliable = pair.client.Open(pair.wire.now(), {.label = "_reliable"});
  const uint16_t theirs = pair.server.Open(pair.wire.now(), {.label = "_data_track", .protocol = "x"});
  EXPECT_EQ(lossy, 0);
  EXPECT_EQ(reliable, 2);
  EXPECT_EQ(theirs, 1);
  pair.Connect();
  pair.Run();
  const auto at_client = pair.Client<DataChannels::Opened>();
  const auto at_server = pair.Server<DataChannels::Opened>();
  ASSERT_THAT(at_client, SizeIs(3));
  ASSERT_THAT(at_server, SizeIs(3));
  int remote = 0;
  for (const auto& opened : at_server) {
    if (opened.channel == lossy) {
      EXPECT_EQ(opened.label, "_lossy");
      EXPECT_FALSE(opened.ordered);
    }
    remote += opened.remote ? 1 : 0;
    EXPECT_EQ(opened.remote, opened.channel % 2 == 0);
    EXPECT_TRUE(pair.server.is_open(opened.channel));
  }
  EXPECT_EQ(remote, 2);
}

TEST(DataChannels, CarriesTextBinaryAndEmptyMessages) {
  Pair pair;
  pair.Connect();
  const uint16_t channel = pair.client.Open(pair.wire.now(), {.label = "c"});
  EXPECT_TRUE(pair.client.Send(pair.wire.now(), channel, base::AsBytes("early"), false));
  pair.Run();
  EXPECT_TRUE(pair.client.Send(pair.wire.now(), channel, Buffer{1, 2, 3}));
  EXPECT_TRUE(pair.client.Send(pair.wire.now(), channel, base::ConstBytes(), true));
  EXPECT_TRUE(pair.client.Send(pair.wire.now(), channel, base::ConstBytes(), false));
  EXPECT_TRUE(pair.client.Send(pair.wire.now(), channel, std::make_shared<const Buffer>(Buffer{9})));
  EXPECT_TRUE(pair.server.Send(pair.wire.now(), channel, base::AsBytes("answer"), false));
  pair.Run();
  const auto messages = pair.Server<DataChannels::Message>();
  ASSERT_THAT(messages, SizeIs(5));
  EXPECT_EQ(base::AsText(messages[0].bytes), "early");
  EXPECT_FALSE(messages[0].binary);
  EXPECT_THAT(messages[1].bytes, ElementsAre(1, 2, 3));
  EXPECT_TRUE(messages[1].binary);
  EXPECT_THAT(messages[2].bytes, IsEmpty());
  EXPECT_TRUE(messages[2].binary);
  EXPECT_THAT(messages[3].bytes, IsEmpty());
  EXPECT_FALSE(messages[3].binary);
  EXPECT_THAT(messages[4].bytes, ElementsAre(9));
  EXPECT_THAT(pair.Client<DataChannels::Message>(), SizeIs(1));
}

TEST(DataChannels, NothingOvertakesTheOpeningOfAnUnorderedChannel) {
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    Pair pair({.jitter = TimeDelta::Millis(50), .loss = 0.2, .seed = seed});
    const uint16_t channel = pair.client.Open(pair.wire.now(), {.label = "c", .ordered = false});
    for (int i = 0; i < 20; ++i) {
      pair.client.Send(pair.wire.now(), channel, Buffer(10, static_cast<uint8_t>(i)));
    }
    pair.Connect();
    pair.Run(TimeDelta::Seconds(60));
    EXPECT_THAT(pair.Server<DataChannels::Message>(), SizeIs(20)) << "seed " << seed;
    EXPECT_EQ(pair.server.counters().messages_dropped, 0u);
  }
}

TEST(DataChannels, ClosingEndsBothDirectionsAndFreesTheId) {
  for (const bool by_client : {true, false}) {
    Pair pair;
    pair.Connect();
    const uint16_t channel = pair.client.Open(pair.wire.now(), {.label = "one"});
    pair.Run();
    DataChannels& closer = by_client ? pair.client : pair.server;
    closer.Send(pair.wire.now(), channel, Buffer(50'000, 1));
    closer.CloseChannel(pair.wire.now(), channel);
    EXPECT_FALSE(closer.Send(pair.wire.now(), channel, Buffer{1}));
    pair.Run();
    EXPECT_THAT(by_client ? pair.Server<DataChannels::Message>() : pair.Client<DataChannels::Message>(),
                SizeIs(1))
        << "what was queued goes out first";
    EXPECT_THAT(pair.Client<DataChannels::ChannelClosed>(), SizeIs(1));
    EXPECT_THAT(pair.Server<DataChannels::ChannelClosed>(), SizeIs(1));
    pair.wire.events(1).clear();
    EXPECT_EQ(pair.client.Open(pair.wire.now(), {.label = "two"}), channel);
    pair.client.Send(pair.wire.now(), channel, Buffer{2});
    pair.Run();
    EXPECT_EQ(pair.Server<DataChannels::Opened>().at(0).label, "two");
    EXPECT_THAT(pair.Server<DataChannels::Message>(), SizeIs(1));
  }
}

TEST(DataChannels, IdsAreReusedManyTimesOverABadLine) {
  Pair pair({.jitter = TimeDelta::Millis(20), .loss = 0.1, .seed = 4});
  pair.Connect();
  for (int round = 0; round < 40; ++round) {
    const uint16_t channel = pair.client.Open(pair.wire.now(), {.label = std::to_string(round)});
    ASSERT_NE(channel, DataChannels::kNoChannel);
    for (int i = 0; i < 5; ++i) {
      pair.client.Send(pair.wire.now(), channel, Buffer(3000, 1));
      pair.server.Send(pair.wire.now(), channel, Buffer(10, 1));
    }
    pair.Run(TimeDelta::Seconds(5));
    (round % 2 == 0 ? pair.client : pair.server).CloseChannel(pair.wire.now(), channel);
    pair.Run(TimeDelta::Seconds(round % 3));
  }
  pair.Run(TimeDelta::Seconds(30));
  EXPECT_THAT(pair.Server<DataChannels::Opened>(), SizeIs(40));
  EXPECT_THAT(pair.Server<DataChannels::Message>(), SizeIs(200));
  EXPECT_THAT(pair.Client<DataChannels::ChannelClosed>(), SizeIs(40));
  EXPECT_THAT(pair.Server<DataChannels::ChannelClosed>(), SizeIs(40));
}

TEST(DataChannels, ChannelsOfTheSameLabelAreDistinct) {
  Pair pair;
  pair.Connect();
  const uint16_t one = pair.client.Open(pair.wire.now(), {.label = "same"});
  const uint16_t two = pair.client.Open(pair.wire.now(), {.label = "same"});
  EXPECT_NE(one, two);
  pair.Run();
  EXPECT_THAT(pair.Server<DataChannels::Opened>(), SizeIs(2));
}

TEST(DataChannels, LimitsChannelsOfBothSides) {
  Pair pair({}, ConfigOf(true), ConfigOf(false, 3));
  pair.Connect();
  for (int i = 0; i < 5; ++i) {
    pair.client.Open(pair.wire.now(), {.label = "c"});
  }
  pair.Run();
  EXPECT_THAT(pair.Server<DataChannels::Opened>(), SizeIs(3));
  EXPECT_EQ(pair.server.counters().opens_refused, 2u);
  EXPECT_THAT(pair.Client<DataChannels::Opened>(), SizeIs(3));
  EXPECT_THAT(pair.Client<DataChannels::ChannelClosed>(), SizeIs(2)) << "refusal is a reset";
  EXPECT_EQ(pair.server.Open(pair.wire.now(), {.label = "mine"}), DataChannels::kNoChannel);
  EXPECT_EQ(pair.server.counters().open_failures, 1u);
}

TEST(DataChannels, RefusesLongLabels) {
  DataChannels::Config strict = ConfigOf(false);
  strict.max_label_size = 10;
  Pair pair({}, ConfigOf(true), strict);
  pair.Connect();
  EXPECT_EQ(pair.server.Open(pair.wire.now(), {.label = "elevenchars"}), DataChannels::kNoChannel);
  pair.client.Open(pair.wire.now(), {.label = "elevenchars"});
  pair.client.Open(pair.wire.now(), {.label = "ten", .protocol = "tentententen"});
  pair.Run();
  EXPECT_THAT(pair.Server<DataChannels::Opened>(), IsEmpty());
  EXPECT_EQ(pair.server.counters().opens_refused, 2u);
}

TEST(DataChannels, RefusesAnOpenOfTheWrongParity) {
  Pair pair({}, ConfigOf(true), ConfigOf(true));
  pair.Connect();
  pair.client.Open(pair.wire.now(), {.label = "c"});
  pair.Run();
  EXPECT_THAT(pair.Server<DataChannels::Opened>(), IsEmpty());
  EXPECT_EQ(pair.server.counters().opens_refused, 1u);
}

TEST(DataChannels, ClosesAtOnceWhatThePeerHasNoStreamFor) {
  DataChannels::Config few = ConfigOf(false);
  few.association.streams = 2;
  Pair pair({}, ConfigOf(true), few);
  const uint16_t good = pair.client.Open(pair.wire.now(), {.label = "good"});
  const uint16_t bad = pair.client.Open(pair.wire.now(), {.label = "bad"});
  pair.Connect();
  pair.Run();
  EXPECT_TRUE(pair.client.is_open(good));
  EXPECT_FALSE(pair.client.is_open(bad));
  EXPECT_EQ(pair.Client<DataChannels::ChannelClosed>().at(0).channel, bad);
  EXPECT_EQ(pair.client.Open(pair.wire.now(), {.label = "more"}), DataChannels::kNoChannel);
}

TEST(DataChannels, CountsWhatAFullBufferDrops) {
  DataChannels::Config small = ConfigOf(true);
  small.association.max_send_buffer = 10'000;
  Pair pair({}, small);
  pair.Connect();
  const uint16_t channel = pair.client.Open(pair.wire.now(), {.label = "c"});
  pair.Run();
  int accepted = 0;
  for (int i = 0; i < 15; ++i) {
    accepted += pair.client.Send(pair.wire.now(), channel, Buffer(1000, 1)) ? 1 : 0;
  }
  EXPECT_EQ(accepted, 10);
  EXPECT_EQ(pair.client.counters().sends_dropped_full, 5u);
  EXPECT_EQ(pair.client.buffered_amount(channel), 10'000u);
  EXPECT_FALSE(pair.client.Send(pair.wire.now(), 40, Buffer{1}));
  EXPECT_EQ(pair.client.counters().sends_refused, 1u);
}

TEST(DataChannels, KeepsMessagesForAnOwnerThatPollsLate) {
  DataChannels::Config tight = ConfigOf(false);
  tight.max_events = 4;
  tight.association.max_receive_buffer = 20'000;
  Pair pair({}, ConfigOf(true), tight);
  pair.Connect();
  const uint16_t channel = pair.client.Open(pair.wire.now(), {.label = "c"});
  pair.Run();
  pair.wire.set_polls(1, false);
  for (int i = 0; i < 100; ++i) {
    pair.client.Send(pair.wire.now(), channel, Buffer(1000, static_cast<uint8_t>(i)));
  }
  pair.Run(TimeDelta::Seconds(5));
  EXPECT_GT(pair.client.buffered_amount(channel), 50'000u) << "the receiver's window is closed";
  pair.wire.set_polls(1, true);
  pair.Run(TimeDelta::Seconds(20));
  const auto messages = pair.Server<DataChannels::Message>();
  ASSERT_THAT(messages, SizeIs(100));
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(messages[static_cast<size_t>(i)].bytes[0], i);
  }
}

TEST(DataChannels, TheEndOfTheAssociationEndsEverything) {
  Pair pair;
  pair.Connect();
  const uint16_t channel = pair.client.Open(pair.wire.now(), {.label = "c"});
  pair.Run();
  pair.server.Close();
  pair.Run();
  EXPECT_THAT(pair.Client<DataChannels::Closed>(), SizeIs(1));
  EXPECT_FALSE(pair.client.is_open(channel));
  EXPECT_FALSE(pair.client.Send(pair.wire.now(), channel, Buffer{1}));
  EXPECT_EQ(pair.client.Open(pair.wire.now(), {.label = "late"}), DataChannels::kNoChannel);
}

}  // namespace
}  // namespace weir::sctp
