// Spatial layers inside one stream: VP9 by its descriptor, AV1 by the dependency descriptor.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "codec/vp9.h"
#include "sfu/test_kit.h"

namespace weir::sfu {
namespace {

using namespace test;  // The kit of this module.
using codec::Dti;
using testing::ElementsAre;

class Vp9Test : public testing::Test {
 protected:
  // One picture of `layers` spatial layers, one packet each.
  void Picture(bool key, int tid = 0, bool up = false, int layers = 3) {
    ++picture_;
    timestamp_ += 3000;
    for (int sid = 0; sid < layers; ++sid) {
      RtpSpec spec;
      spec.payload_type = kVp9Type;
      spec.sequence = sequence_++;
      spec.timestamp = timestamp_;
      spec.marker = sid == layers - 1;
      // I, P, L, B, E; non-flexible.
      const uint8_t first = static_cast<uint8_t>(0x80 | (key ? 0 : 0x40) | 0x20 | 0x08 | 0x04);
      const auto layer = static_cast<uint8_t>(tid << 5 | (up ? 0x10 : 0) | sid << 1 | (sid > 0 ? 1 : 0));
      spec.payload = {first,
                      static_cast<uint8_t>(0x80 | picture_ >> 8),
                      static_cast<uint8_t>(picture_),
                      layer,
                      static_cast<uint8_t>(picture_),
                      1,
                      2,
                      3};
      rig_.Receive(spec, millis_);
    }
    millis_ += 33;
  }
  // Spatial layer of every packet since `from`.
  std::vector<int> Layers(size_t from = 0) const {
    std::vector<int> layers;
    for (size_t i = from; i < rig_.sender.packets.size(); ++i) {
      layers.push_back(codec::ParseVp9(rig_.sender.packets[i].payload()).value().sid);
    }
    return layers;
  }
  void CheckContinuity() const {
    const auto steps = rig_.sender.Steps();
    for (size_t i = 0; i < steps.size(); ++i) {
      ASSERT_EQ(steps[i], static_cast<int>(i));
    }
  }

  Rig rig_{VideoConfig(), VideoDownConfig()};
  uint16_t sequence_ = 10;
  uint32_t timestamp_ = 7;
  int picture_ = 100;
  int64_t millis_ = 0;
};

TEST_F(Vp9Test, ForwardsAllSpatialLayersUpToTheMaximumAndMovesTheMarker) {
  Picture(false);
  EXPECT_TRUE(rig_.sender.packets.empty());
  rig_.track.SetMaxLayers(1, 3, At(millis_).mono);
  Picture(true);
  Picture(false);
  EXPECT_THAT(Layers(), ElementsAre(0, 1, 0, 1));
  EXPECT_FALSE(rig_.sender.packets[0].header.marker);
  EXPECT_TRUE(rig_.sender.packets[1].header.marker);
  EXPECT_TRUE(rig_.sender.packets[3].header.marker);
  CheckContinuity();
}

TEST_F(Vp9Test, GoesDownAtOnceAndUpWithAKeyPicture) {
  Picture(true);
  rig_.track.SetMaxLayers(0, 3, At(millis_).mono);
  Picture(false);
  EXPECT_THAT(Layers(3), ElementsAre(0));
  EXPECT_EQ(rig_.track.current_spatial(), 0);
  rig_.track.SetMaxLayers(2, 3, At(millis_).mono);
  rig_.RunUntil(millis_ + 5);
  EXPECT_FALSE(rig_.plis.empty());
  Picture(false);
  EXPECT_THAT(Layers(4), ElementsAre(0));
  Picture(true);
  EXPECT_THAT(Layers(5), ElementsAre(0, 1, 2));
  CheckContinuity();
}

TEST_F(Vp9Test, DropsTemporalLayersOfAllSpatialOnes) {
  Picture(true);
  rig_.track.SetMaxLayers(2, 0, At(millis_).mono);
  Picture(false, 1);
  Picture(false, 0);
  EXPECT_THAT(Layers(), ElementsAre(0, 1, 2, 0, 1, 2));
  rig_.track.SetMaxLayers(2, 1, At(millis_).mono);
  Picture(false, 1);
  Picture(false, 0, true);  // A switching point.
  Picture(false, 1);
  EXPECT_THAT(Layers(6), ElementsAre(0, 1, 2, 0, 1, 2));
  CheckContinuity();
}

TEST_F(Vp9Test, SimulcastOfVp9GoesByStreamNotByTheLayerInThePacket) {
  rig_.receiver.SetSimulcastStreams(2);
  rig_.track.SetMaxLayers(0, 3, At(0).mono);
  Picture(true, 0, false, 1);
  EXPECT_EQ(rig_.track.current_spatial(), 0);
  EXPECT_THAT(Layers(), ElementsAre(0));
}

// L2T2 with dependencies between the spatial layers. Targets: S0T0, S0T1, S1T0, S1T1.
codec::DependencyStructure L2T2() {
  codec::DependencyStructure structure;
  structure.decode_target_count = 4;
  structure.chain_count = 2;
  structure.protected_by = {0, 0, 1, 1};
  structure.target_spatial_id = {0, 0, 1, 1};
  structure.target_temporal_id = {0, 1, 0, 1};
  structure.max_spatial_id = 1;
  structure.max_temporal_id = 1;
  const auto add = [&](int spatial, int temporal, std::array<Dti, 4> dtis, std::vector<uint16_t> references,
                       std::array<uint8_t, 2> chains) {
    codec::FrameTemplate frame;
    frame.spatial_id = static_cast<uint8_t>(spatial);
    frame.temporal_id = static_cast<uint8_t>(temporal);
    std::ranges::copy(dtis, frame.dtis.begin());
    frame.reference_count = static_cast<uint8_t>(references.size());
    std::ranges::copy(references, frame.references.begin());
    std::ranges::copy(chains, frame.chain_diffs.begin());
    structure.templates.push_back(frame);
  };
  constexpr Dti n = Dti::kNotPresent;
  constexpr Dti d = Dti::kDiscardable;
  constexpr Dti s = Dti::kSwitch;
  constexpr Dti r = Dti::kRequired;
  add(0, 0, {s, s, s, s}, {}, {0, 0});
  add(0, 0, {s, s, r, r}, {4}, {4, 3});
  add(0, 1, {n, d, n, r}, {2}, {2, 1});
  add(1, 0, {n, n, s, s}, {1}, {1, 1});
  add(1, 0, {n, n, s, s}, {4, 1}, {1, 1});
  add(1, 1, {n, n, n, d}, {2, 1}, {3, 2});
  return structure;
}

constexpr uint8_t kUpDd = 12;
constexpr uint8_t kDownDd = 5;

class Av1Test : public testing::Test {
 protected:
  static TrackReceiver::Config Up(bool encrypted = false) {
    TrackReceiver::Config config = VideoConfig();
    config.extensions.Set(Extension::kDependencyDescriptor, kUpDd);
    config.encrypted = encrypted;
    return config;
  }
  static DownTrack::Config Down(bool descriptor) {
    DownTrack::Config config = VideoDownConfig();
    if (descriptor) {
      config.extensions.Set(Extension::kDependencyDescriptor, kDownDd);
    }
    return config;
  }
  // One temporal unit: two spatial layers of one packet each. Even units are T0, odd ones T1.
  void Unit(Rig& rig, bool key = false) {
    if (key) {
      unit_ = 0;
    }
    const bool base = unit_ % 2 == 0;
    const int lower = key ? 0 : base ? 1 : 2;
    const int upper = key ? 3 : base ? 4 : 5;
    timestamp_ += 3000;
    Frame(rig, lower, key, false);
    Frame(rig, upper, false, true);
    ++unit_;
    millis_ += 33;
  }
  void Frame(Rig& rig, int frame_template, bool structure, bool marker) {
    codec::DependencyDescriptor descriptor;
    descriptor.start_of_frame = descriptor.end_of_frame = true;
    descriptor.template_id = static_cast<uint8_t>(frame_template);
    descriptor.frame_number = frame_++;
    descriptor.attached_structure = structure;
    descriptor.structure = structure ? &structure_ : nullptr;
    base::Buffer data(200);
    data.resize(codec::WriteDependencyDescriptor(descriptor, data));
    ASSERT_FALSE(data.empty());
    RtpSpec spec;
    spec.payload_type = kAv1Type;
    spec.sequence = sequence_++;
    spec.timestamp = timestamp_;
    spec.marker = marker;
    spec.extensions = {{kUpDd, data}};
    spec.form = data.size() > 16 ? rtp::ExtensionForm::kTwoByte : rtp::ExtensionForm::kOneByte;
    spec.payload = {0x10, 0x30, 1, 2, static_cast<uint8_t>(frame_template)};
    rig.Receive(spec, millis_);
  }
  static std::vector<int> Templates(const Rig& rig, size_t from = 0) {
    std::vector<int> templates;
    for (size_t i = from; i < rig.sender.packets.size(); ++i) {
      templates.push_back(rig.sender.packets[i].payload()[4]);
    }
    return templates;
  }

  codec::DependencyStructure structure_ = L2T2();
  uint16_t sequence_ = 10;
  uint16_t frame_ = 500;
  uint32_t timestamp_ = 7;
  int unit_ = 1;
  int64_t millis_ = 0;
};

TEST_F(Av1Test, ForwardsEverythingToWhoTakesEverything) {
  Rig rig(Up(), Down(true));
  Unit(rig);  // Before any key frame.
  Unit(rig, true);
  Unit(rig);
  Unit(rig);
  EXPECT_THAT(Templates(rig), ElementsAre(0, 3, 2, 5, 1, 4));
  // The descriptor is passed as it came, the structure in the two-byte form.
  const Sent& key = rig.sender.packets[0];
  EXPECT_GT(key.header.FindElement(kDownDd)->length, 16);
  EXPECT_EQ(rig.sender.packets[2].header.FindElement(kDownDd)->length, 3);
}

TEST_F(Av1Test, LeavesOutLayersAnnouncesTheRestAndMovesTheMarker) {
  Rig rig(Up(), Down(true));
  rig.track.SetMaxLayers(0, 0, At(0).mono);
  Unit(rig, true);
  Unit(rig);
  Unit(rig);
  EXPECT_THAT(Templates(rig), ElementsAre(0, 1));
  EXPECT_THAT(rig.sender.Steps(), ElementsAre(0, 1));
  EXPECT_TRUE(rig.sender.packets[0].header.marker);
  codec::DependencyDescriptorReader reader;
  const Sent& key = rig.sender.packets[0];
  ASSERT_TRUE(reader.Read(key.header.Find(key.bytes, kDownDd)).has_value());
  const Sent& delta = rig.sender.packets[1];
  const auto descriptor = reader.Read(delta.header.Find(delta.bytes, kDownDd));
  ASSERT_TRUE(descriptor.has_value());
  EXPECT_EQ(descriptor->active_targets, 1u);
  EXPECT_EQ(descriptor->frame_number, 504);  // Never renumbered.
  // A repair looks the same.
  rig.track.OnNack(At(100), std::vector<uint16_t>{delta.header.sequence});
  const Sent& repair = rig.sender.last();
  EXPECT_TRUE(
      std::ranges::equal(repair.header.Find(repair.bytes, kDownDd), delta.header.Find(delta.bytes, kDownDd)));
}

TEST_F(Av1Test, RisesInTimeAtASwitchAndInSpaceWithAKeyFrame) {
  Rig rig(Up(), Down(true));
  rig.track.SetMaxLayers(0, 0, At(0).mono);
  Unit(rig, true);
  Unit(rig);
  rig.track.SetMaxLayers(0, 1, At(millis_).mono);
  Unit(rig);  // T0: a switch for S0T1.
  Unit(rig);
  EXPECT_THAT(Templates(rig), ElementsAre(0, 1, 2));
  rig.track.SetMaxLayers(1, 1, At(millis_).mono);
  Unit(rig);
  Unit(rig);
  EXPECT_THAT(Templates(rig, 3), ElementsAre(1, 2));  // The chain of S1 is broken.
  rig.RunUntil(millis_ + 100);
  EXPECT_FALSE(rig.plis.empty());
  Unit(rig, true);
  Unit(rig);
  EXPECT_THAT(Templates(rig, 5), ElementsAre(0, 3, 2, 5));
}

TEST_F(Av1Test, FallsInSpaceAtTheNextSwitch) {
  Rig rig(Up(), Down(true));
  Unit(rig, true);
  Unit(rig);
  rig.track.SetMaxLayers(0, 1, At(millis_).mono);
  Unit(rig);
  Unit(rig);
  EXPECT_THAT(Templates(rig, 4), ElementsAre(1, 2));
}

TEST_F(Av1Test, WithoutTheDescriptorASubscriberGetsTheLowestSpatialLayerOnly) {
  Rig rig(Up(), Down(false));
  Unit(rig, true);
  Unit(rig);
  Unit(rig);
  EXPECT_THAT(Templates(rig), ElementsAre(0, 2, 1));
  EXPECT_TRUE(rig.sender.packets[1].header.marker);
  EXPECT_EQ(rig.sender.packets[1].header.element_count, 0);
}

TEST_F(Av1Test, EncryptedFramesAreChosenByTheDescriptorAlone) {
  Rig rig(Up(true), Down(true));
  Unit(rig);
  EXPECT_TRUE(rig.sender.packets.empty());
  Unit(rig, true);
  Unit(rig);
  EXPECT_EQ(rig.sender.packets.size(), 4u);
}

TEST_F(Av1Test, WithoutADescriptorOnTheWayInEverythingGoesThrough) {
  Rig rig(VideoConfig(), Down(true));
  RtpSpec spec;
  spec.payload_type = kAv1Type;
  spec.payload = {0x08 | 0x10, 0x0a, 0x0b, 0,    0,    0,   0x24,
                  0xc4,        0xff, 0xdf, 0x3f, 0xfe, 0x20};  // N and a sequence header.
  rig.Receive(spec, 0);
  spec.sequence = 1;
  spec.timestamp = 3000;
  spec.payload = {0x10, 0x30, 1, 2};
  rig.Receive(spec, 33);
  EXPECT_EQ(rig.sender.packets.size(), 2u);
}

}  // namespace
}  // namespace weir::sfu
