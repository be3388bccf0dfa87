#include "codec/dependency_descriptor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.h"
#include "codec/bits_for_test.h"

namespace weir::codec {
namespace {

using base::Buffer;
using base::ConstBytes;
using base::ParseError;

std::string Head(bool start, bool end, int template_id, int frame) {
  return std::string(start ? "1" : "0") + (end ? "1 " : "0 ") + U(static_cast<uint64_t>(template_id), 6) +
         U(static_cast<uint64_t>(frame), 16);
}

// One spatial layer, two temporal ones; decode targets T0 and T1; one chain; template ids from `offset`.
std::string L1T2Structure(int offset) {
  return U(static_cast<uint64_t>(offset), 6) + U(1, 5) +  // Two decode targets.
         "00 01 11 " +                                    // Layers: T0, T0, T1.
         "10 10 " + "11 11 " + "00 01 " +    // DTIs: key frame switches, T0 required, T1 discardable.
         "0 " + "1 0001 0 " + "1 0000 0 " +  // References: none; 2; 1.
         "10 " +                             // One chain of at most two: ns(3).
         U(0, 4) + U(2, 4) + U(1, 4) +       // Chain distances; both targets on chain 0 take no bits.
         "1 " + U(639, 16) + U(359, 16);     // 640x360.
}
Buffer KeyFrame(int frame, int offset = 5, const std::string& more = "") {
  return FromBits(Head(true, true, offset, frame) + "1 0 0 0 0 " + L1T2Structure(offset) + more);
}
Buffer Delta(int template_id, int frame) { return FromBits(Head(true, true, template_id, frame)); }

DependencyDescriptorReader ReaderAfterKeyFrame(int frame, int offset = 5) {
  DependencyDescriptorReader reader;
  EXPECT_TRUE(reader.Read(KeyFrame(frame, offset)).has_value());
  return reader;
}

TEST(DependencyDescriptor, ReadsTheStructureOfAKeyFrame) {
  DependencyDescriptorReader reader;
  const auto frame = reader.Read(KeyFrame(100));
  ASSERT_TRUE(frame.has_value()) << base::ToString(frame.error());
  EXPECT_TRUE(frame->start_of_frame);
  EXPECT_TRUE(frame->end_of_frame);
  EXPECT_EQ(frame->template_id, 5);
  EXPECT_EQ(frame->frame_number, 100);
  EXPECT_TRUE(frame->attached_structure);
  EXPECT_EQ(frame->reference_count, 0);
  EXPECT_EQ(frame->resolution, (VideoSize{640, 360}));
  const DependencyStructure* structure = frame->structure;
  ASSERT_EQ(structure, reader.structure());
  EXPECT_EQ(structure->template_id_offset, 5);
  EXPECT_EQ(structure->decode_target_count, 2);
  EXPECT_EQ(structure->all_targets(), 0b11u);
  EXPECT_EQ(structure->chain_count, 1);
  ASSERT_EQ(structure->templates.size(), 3u);
  EXPECT_EQ(structure->templates[2].temporal_id, 1);
  EXPECT_EQ(structure->templates[1].dtis[0], Dti::kRequired);
  EXPECT_EQ(structure->templates[2].dtis[0], Dti::kNotPresent);
  EXPECT_EQ(structure->templates[2].dtis[1], Dti::kDiscardable);
  EXPECT_EQ(structure->templates[1].references[0], 2);
  EXPECT_EQ(structure->templates[2].chain_diffs[0], 1);
  EXPECT_EQ(structure->target_temporal_id[0], 0);
  EXPECT_EQ(structure->target_temporal_id[1], 1);
  EXPECT_EQ(structure->max_temporal_id, 1);
  EXPECT_EQ(structure->max_spatial_id, 0);
  EXPECT_EQ(reader.active_targets(), 0b11u);
  EXPECT_EQ(reader.structure_frame(), 100);
}

TEST(DependencyDescriptor, LaterFramesNameATemplate) {
  DependencyDescriptorReader reader = ReaderAfterKeyFrame(100);
  const auto frame = reader.Read(Delta(7, 101));
  ASSERT_TRUE(frame.has_value());
  EXPECT_EQ(frame->temporal_id, 1);
  EXPECT_EQ(frame->reference_count, 1);
  EXPECT_EQ(frame->references[0], 1);
  EXPECT_EQ(frame->dtis[1], Dti::kDiscardable);
  EXPECT_EQ(frame->chain_diffs[0], 1);
  EXPECT_FALSE(frame->attached_structure);
  EXPECT_FALSE(frame->active_targets.has_value());
  EXPECT_EQ(frame->mask_position, 0);
  EXPECT_EQ(frame->end_position, 24);
  EXPECT_EQ(frame->extended_frame_number, 101);
}

TEST(DependencyDescriptor, TemplateIdsWrapAt64) {
  DependencyDescriptorReader reader = ReaderAfterKeyFrame(1, 62);
  EXPECT_EQ(reader.Read(Delta(0, 2))->temporal_id, 1);
  EXPECT_EQ(reader.Read(Delta(1, 3)).error(), ParseError::kBadValue) << "only three templates";
}

TEST(DependencyDescriptor, APacketMayOverrideItsTemplate) {
  DependencyDescriptorReader reader = ReaderAfterKeyFrame(100);
  const Buffer bytes = FromBits(Head(true, false, 6, 110) + "0 1 1 1 1 " + "01 " + "01 10 " +
                                "01 0011 10 00010000 11 111111111111 00 " + U(200, 8));
  const auto frame = reader.Read(bytes);
  ASSERT_TRUE(frame.has_value());
  EXPECT_EQ(frame->active_targets, 0b01u);
  EXPECT_EQ(reader.active_targets(), 0b01u);
  EXPECT_TRUE(frame->custom_dtis && frame->custom_references && frame->custom_chains);
  EXPECT_EQ(frame->dtis[0], Dti::kDiscardable);
  EXPECT_EQ(frame->dtis[1], Dti::kSwitch);
  ASSERT_EQ(frame->reference_count, 3);
  EXPECT_EQ(frame->references[0], 4);
  EXPECT_EQ(frame->references[1], 17);
  EXPECT_EQ(frame->references[2], 4096);
  EXPECT_EQ(frame->chain_diffs[0], 200);
}

TEST(DependencyDescriptor, WithoutAStructureNothingIsKnown) {
  DependencyDescriptorReader reader;
  EXPECT_EQ(reader.Read(Delta(5, 1)).error(), ParseError::kUnsupported);
  EXPECT_EQ(reader.structure(), nullptr);
  const auto head = ParseDependencyDescriptorHead(Delta(5, 1));
  ASSERT_TRUE(head.has_value());
  EXPECT_EQ(head->frame_number, 1);
  EXPECT_FALSE(head->may_have_structure);
  EXPECT_TRUE(ParseDependencyDescriptorHead(KeyFrame(1))->may_have_structure);
}

TEST(DependencyDescriptor, AMaskHoldsUntilTheNextStructure) {
  DependencyDescriptorReader reader = ReaderAfterKeyFrame(100);
  ASSERT_TRUE(reader.Read(FromBits(Head(true, true, 6, 102) + "0 1 0 0 0 01")).has_value());
  EXPECT_EQ(reader.active_targets(), 0b01u);
  ASSERT_TRUE(reader.Read(FromBits(Head(true, true, 6, 101) + "0 1 0 0 0 10")).has_value());
  EXPECT_EQ(reader.active_targets(), 0b01u) << "a late packet does not change what is newer";
  ASSERT_TRUE(reader.Read(KeyFrame(103)).has_value());
  EXPECT_EQ(reader.active_targets(), 0b11u);
}

TEST(DependencyDescriptor, LatePacketsAreReadWithTheStructureOfTheirTime) {
  DependencyDescriptorReader reader = ReaderAfterKeyFrame(100, 5);
  ASSERT_TRUE(reader.Read(KeyFrame(200, 20)).has_value());
  EXPECT_EQ(reader.Read(Delta(7, 150))->temporal_id, 1) << "a template of the first structure";
  EXPECT_EQ(reader.Read(Delta(7, 201)).error(), ParseError::kBadValue);
  EXPECT_EQ(reader.Read(Delta(22, 201))->temporal_id, 1);
  EXPECT_EQ(reader.Read(Delta(7, 99)).error(), ParseError::kBadValue) << "before anything that is kept";
}

TEST(DependencyDescriptor, ARepairedKeyFrameDoesNotTurnBackTime) {
  DependencyDescriptorReader reader = ReaderAfterKeyFrame(100, 5);
  const DependencyStructure* first = reader.structure();
  ASSERT_TRUE(reader.Read(KeyFrame(200, 20)).has_value());
  EXPECT_EQ(reader.Read(KeyFrame(100, 5))->structure, first);
  EXPECT_EQ(reader.structure_frame(), 200);
  EXPECT_EQ(reader.Read(KeyFrame(200, 20))->structure, reader.structure());
}

TEST(DependencyDescriptor, AnotherStructureUnderTheSameNumberReplacesIt) {
  DependencyDescriptorReader reader = ReaderAfterKeyFrame(100, 5);
  ASSERT_TRUE(reader.Read(KeyFrame(100, 20)).has_value());
  EXPECT_EQ(reader.structure()->template_id_offset, 20);
  EXPECT_EQ(reader.Read(Delta(22, 101))->temporal_id, 1);
  ASSERT_TRUE(reader.Read(KeyFrame(102, 20)).has_value());
  EXPECT_EQ(reader.Read(KeyFrame(100, 9)).error(), ParseError::kBadValue)
      << "late, and contradicts what is known";
}

TEST(DependencyDescriptor, AKeyFrameThatWasMissedBetweenTwoIsFilledIn) {
  DependencyDescriptorReader reader = ReaderAfterKeyFrame(100, 5);
  ASSERT_TRUE(reader.Read(KeyFrame(200, 20)).has_value());
  ASSERT_TRUE(reader.Read(KeyFrame(150, 40)).has_value());
  EXPECT_EQ(reader.structure_frame(), 200);
  EXPECT_EQ(reader.Read(Delta(42, 160))->temporal_id, 1);
  EXPECT_EQ(reader.Read(KeyFrame(120, 5)).error(), ParseError::kBadValue);
}

TEST(DependencyDescriptor, AStructureFarBackIsARestartedEncoder) {
  DependencyDescriptorReader reader = ReaderAfterKeyFrame(30'000);
  const auto frame = reader.Read(KeyFrame(7));
  ASSERT_TRUE(frame.has_value());
  EXPECT_EQ(frame->extended_frame_number, 7);
  EXPECT_EQ(reader.structure_frame(), 7);
  EXPECT_TRUE(reader.Read(Delta(7, 8)).has_value());
}

TEST(DependencyDescriptor, FrameNumbersCountThroughTheWrap) {
  DependencyDescriptorReader reader = ReaderAfterKeyFrame(65'535);
  EXPECT_EQ(reader.Read(Delta(7, 0))->extended_frame_number, 65'536);
  EXPECT_EQ(reader.Read(KeyFrame(1))->extended_frame_number, 65'537);
  EXPECT_EQ(reader.Read(Delta(7, 0))->extended_frame_number, 65'536);
}

TEST(DependencyDescriptor, AnErrorLeavesTheStateAsItWas) {
  DependencyDescriptorReader reader = ReaderAfterKeyFrame(100);
  const DependencyStructure* before = reader.structure();
  const Buffer key = KeyFrame(200);
  EXPECT_FALSE(reader.Read(ConstBytes(key).first(key.size() - 1)).has_value());
  EXPECT_FALSE(reader.Read(FromBits(Head(true, true, 9, 30'000))).has_value());
  EXPECT_EQ(reader.structure(), before);
  EXPECT_EQ(reader.structure_frame(), 100);
  EXPECT_EQ(reader.Read(Delta(7, 101))->extended_frame_number, 101);
}

TEST(DependencyDescriptor, EveryPrefixIsAnError) {
  const Buffer key = KeyFrame(100);
  ForEachPrefix(key, [](const Buffer& prefix) {
    DependencyDescriptorReader reader;
    EXPECT_FALSE(reader.Read(prefix).has_value()) << prefix.size();
    EXPECT_EQ(reader.structure(), nullptr);
  });
}

TEST(DependencyDescriptor, ZeroPaddingIsIgnored) {
  Buffer key = KeyFrame(100);
  const auto end = static_cast<size_t>(24 + 5) + 11 + 6 + 12 + 1 + 6 + 6 + 2 + 12 + 33;
  key.resize(key.size() + 9);
  DependencyDescriptorReader reader;
  EXPECT_EQ(reader.Read(key)->end_position, end);
}

TEST(DependencyDescriptor, RefusesLayersBeyondTheLimits) {
  DependencyDescriptorReader reader;
  std::string temporal;
  for (int i = 0; i < 8; ++i) {
    temporal += "01 ";
  }
  EXPECT_EQ(reader.Read(FromBits(Head(true, true, 0, 1) + "1 0 0 0 0 " + U(0, 6) + U(0, 5) + temporal + "11"))
                .error(),
            ParseError::kBadValue);
  EXPECT_EQ(
      reader.Read(FromBits(Head(true, true, 0, 1) + "1 0 0 0 0 " + U(0, 6) + U(0, 5) + "10 10 10 10 11"))
          .error(),
      ParseError::kBadValue);
  const std::string many(2 * kMaxTemplates, '0');
  EXPECT_EQ(
      reader.Read(FromBits(Head(true, true, 0, 1) + "1 0 0 0 0 " + U(0, 6) + U(0, 5) + many + "11")).error(),
      ParseError::kBadValue);
}

TEST(DependencyDescriptor, RefusesReferencesBeyondTheLimit) {
  DependencyDescriptorReader reader;
  std::string references;
  for (size_t i = 0; i <= kMaxFrameReferences; ++i) {
    references += "1 0000 ";
  }
  EXPECT_EQ(reader
                .Read(FromBits(Head(true, true, 0, 1) + "1 0 0 0 0 " + U(0, 6) + U(0, 5) + "11 10 " +
                               references + "0"))
                .error(),
            ParseError::kTooLarge);
  DependencyDescriptorReader ready = ReaderAfterKeyFrame(1);
  std::string custom;
  for (size_t i = 0; i <= kMaxFrameReferences; ++i) {
    custom += "01 0000 ";
  }
  EXPECT_EQ(ready.Read(FromBits(Head(true, true, 5, 2) + "0 0 0 1 0 " + custom + "00")).error(),
            ParseError::kTooLarge);
  EXPECT_EQ(ready.Read(Buffer(256, 0)).error(), ParseError::kTooLarge);
}

TEST(PatchDependencyDescriptor, AddsAMaskToAPlainPacket) {
  DependencyDescriptorReader reader = ReaderAfterKeyFrame(100);
  const Buffer plain = Delta(6, 102);
  const auto frame = reader.Read(plain);
  Buffer out(8);
  out.resize(PatchDependencyDescriptor(plain, *frame, {.active_targets = 0b01}, out));
  EXPECT_EQ(out, FromBits(Head(true, true, 6, 102) + "0 1 0 0 0 01"));
}

TEST(PatchDependencyDescriptor, ReplacesAMaskAndKeepsTheRest) {
  DependencyDescriptorReader reader = ReaderAfterKeyFrame(100);
  const std::string custom = "01 10 01 0011 00";
  const Buffer bytes = FromBits(Head(true, false, 6, 110) + "0 1 1 1 0 " + "11 " + custom);
  const auto frame = reader.Read(bytes);
  Buffer out(16);
  out.resize(PatchDependencyDescriptor(bytes, *frame, {.active_targets = 0b01, .frame_number = 9}, out));
  EXPECT_EQ(out, FromBits(Head(true, false, 6, 9) + "0 1 1 1 0 " + "01 " + custom));
}

TEST(PatchDependencyDescriptor, InsertsAMaskBehindAStructure) {
  const Buffer key = KeyFrame(100);
  DependencyDescriptorReader reader;
  const auto frame = reader.Read(key);
  Buffer out(64);
  out.resize(PatchDependencyDescriptor(key, *frame, {.active_targets = 0b01}, out));
  EXPECT_EQ(out, FromBits(Head(true, true, 5, 100) + "1 1 0 0 0 " + L1T2Structure(5) + "01"));
  DependencyDescriptorReader receiver;
  ASSERT_TRUE(receiver.Read(out).has_value());
  EXPECT_EQ(receiver.active_targets(), 0b01u);
  EXPECT_EQ(*receiver.structure(), *reader.structure());
}

TEST(PatchDependencyDescriptor, AnEmptyPatchChangesNothing) {
  DependencyDescriptorReader reader = ReaderAfterKeyFrame(100);
  for (const Buffer& bytes :
       {Delta(6, 101), FromBits(Head(true, true, 6, 102) + "0 1 0 0 0 01"), KeyFrame(103)}) {
    const auto frame = reader.Read(bytes);
    Buffer out(64);
    out.resize(PatchDependencyDescriptor(bytes, *frame, {}, out));
    EXPECT_EQ(out, bytes);
  }
}

TEST(PatchDependencyDescriptor, NoBufferSizeIsOverrun) {
  const Buffer key = KeyFrame(100);
  DependencyDescriptorReader reader;
  const auto frame = reader.Read(key);
  Buffer large(64);
  const size_t needed = PatchDependencyDescriptor(key, *frame, {.active_targets = 1}, large);
  for (size_t size = 0; size < needed; ++size) {
    Buffer out(size);
    EXPECT_EQ(PatchDependencyDescriptor(key, *frame, {.active_targets = 1}, out), 0u) << size;
  }
  EXPECT_EQ(PatchDependencyDescriptor(ConstBytes(key).first(10), *frame, {}, large), 0u)
      << "not the packet that was read";
}

TEST(WriteDependencyDescriptor, WritesTheBytesOfTheSpecification) {
  DependencyDescriptorReader reader;
  DependencyDescriptor frame = *reader.Read(KeyFrame(100));
  Buffer out(64);
  out.resize(WriteDependencyDescriptor(frame, out));
  EXPECT_EQ(out, KeyFrame(100));
  frame.attached_structure = false;
  Buffer plain(3);
  ASSERT_EQ(WriteDependencyDescriptor(frame, plain), 3u);
  EXPECT_EQ(plain, Delta(5, 100));
  frame.structure = nullptr;
  EXPECT_EQ(WriteDependencyDescriptor(frame, plain), 3u);
  frame.custom_dtis = true;
  EXPECT_EQ(WriteDependencyDescriptor(frame, out), 0u) << "how many targets?";
}

DependencyStructure RandomStructure(base::Random& random) {
  DependencyStructure structure;
  structure.template_id_offset = static_cast<uint8_t>(random.Below(64));
  structure.decode_target_count = static_cast<uint8_t>(1 + random.Below(9));
  structure.chain_count = static_cast<uint8_t>(random.Below(structure.decode_target_count + 1u));
  FrameTemplate frame;
  for (uint32_t i = 1 + random.Below(12); i > 0; --i) {
    frame.reference_count = static_cast<uint8_t>(random.Below(4));
    frame.references = {};
    frame.chain_diffs = {};
    for (size_t r = 0; r < frame.reference_count; ++r) {
      frame.references[r] = static_cast<uint16_t>(1 + random.Below(16));
    }
    for (size_t t = 0; t < structure.decode_target_count; ++t) {
      frame.dtis[t] = static_cast<Dti>(random.Below(4));
    }
    for (size_t c = 0; c < structure.chain_count; ++c) {
      frame.chain_diffs[c] = static_cast<uint8_t>(random.Below(16));
    }
    structure.templates.push_back(frame);
    structure.max_spatial_id = frame.spatial_id;
    structure.max_temporal_id = std::max<int>(structure.max_temporal_id, frame.temporal_id);
    const uint32_t step = random.Below(3);
    if (step == 1 && frame.temporal_id < 7) {
      ++frame.temporal_id;
    } else if (step == 2 && frame.spatial_id < 3) {
      ++frame.spatial_id;
      frame.temporal_id = 0;
    }
  }
  for (size_t t = 0; t < structure.decode_target_count; ++t) {
    structure.protected_by[t] =
        structure.chain_count == 0 ? 0 : static_cast<uint8_t>(random.Below(structure.chain_count));
    for (const FrameTemplate& each : structure.templates) {
      if (each.dtis[t] != Dti::kNotPresent) {
        structure.target_spatial_id[t] = std::max(structure.target_spatial_id[t], each.spatial_id);
        structure.target_temporal_id[t] = std::max(structure.target_temporal_id[t], each.temporal_id);
      }
    }
  }
  for (int s = 0; random.Below(2) == 0 && s <= structure.max_spatial_id; ++s) {
    structure.resolutions.assign(static_cast<size_t>(structure.max_spatial_id) + 1,
                                 {static_cast<uint16_t>(1 + random.Below(4000)), 360});
  }
  return structure;
}

TEST(WriteDependencyDescriptor, AnyStructureAndFrameComeBack) {
  base::SeededRandom random(31);
  for (int round = 0; round < 3000; ++round) {
    const DependencyStructure structure = RandomStructure(random);
    DependencyDescriptor frame;
    frame.start_of_frame = random.Below(2) == 0;
    frame.frame_number = static_cast<uint16_t>(random.Next32());
    frame.template_id = static_cast<uint8_t>(
        (structure.template_id_offset + random.Below(static_cast<uint32_t>(structure.templates.size()))) %
        64);
    frame.attached_structure = true;
    frame.structure = &structure;
    if (random.Below(2) == 0) {
      frame.active_targets = random.Next32() & structure.all_targets();
    }
    frame.custom_dtis = random.Below(2) == 0;
    frame.custom_references = random.Below(2) == 0;
    frame.custom_chains = random.Below(2) == 0;
    frame.reference_count = static_cast<uint8_t>(random.Below(kMaxFrameReferences + 1));
    for (size_t r = 0; r < frame.reference_count; ++r) {
      frame.references[r] = static_cast<uint16_t>(1 + random.Below(4096));
    }
    for (size_t c = 0; c < structure.chain_count; ++c) {
      frame.chain_diffs[c] = static_cast<uint8_t>(random.Below(256));
    }
    Buffer out(255);
    out.resize(WriteDependencyDescriptor(frame, out));
    ASSERT_FALSE(out.empty());
    DependencyDescriptorReader reader;
    const auto again = reader.Read(out);
    ASSERT_TRUE(again.has_value()) << base::ToString(again.error());
    ASSERT_EQ(*again->structure, structure);
    ASSERT_EQ(again->active_targets, frame.active_targets);
    ASSERT_EQ(again->frame_number, frame.frame_number);
    if (frame.custom_references) {
      ASSERT_EQ(again->reference_count, frame.reference_count);
      ASSERT_EQ(again->references, frame.references);
    }
    if (frame.custom_chains) {
      ASSERT_EQ(again->chain_diffs, frame.chain_diffs);
    }
    // And with another mask, everything but the mask stays.
    const uint32_t mask = random.Next32() & structure.all_targets();
    Buffer patched(260);
    patched.resize(PatchDependencyDescriptor(out, *again, {.active_targets = mask}, patched));
    if (patched.size() <= 255) {
      DependencyDescriptorReader receiver;
      const auto received = receiver.Read(patched);
      ASSERT_TRUE(received.has_value());
      ASSERT_EQ(received->active_targets, mask);
      ASSERT_EQ(*received->structure, structure);
      ASSERT_EQ(received->references, again->references);
      ASSERT_EQ(received->dtis, again->dtis);
      ASSERT_EQ(received->chain_diffs, again->chain_diffs);
    }
  }
}

TEST(WriteDependencyDescriptor, RefusesWhatCannotBeSaid) {
  DependencyDescriptorReader reader;
  DependencyDescriptor frame = *reader.Read(KeyFrame(100));
  const DependencyStructure good = *frame.structure;
  DependencyStructure bad = good;
  frame.structure = &bad;
  Buffer out(64);
  const auto refuses = [&](auto change) {
    bad = good;
    change(bad);
    return WriteDependencyDescriptor(frame, out) == 0;
  };
  EXPECT_TRUE(refuses([](DependencyStructure& s) { s.templates.clear(); }));
  EXPECT_TRUE(refuses([](DependencyStructure& s) { s.templates[0].temporal_id = 1; }));
  EXPECT_TRUE(refuses([](DependencyStructure& s) { s.templates[2].temporal_id = 2; }))
      << "a layer is left out";
  EXPECT_TRUE(refuses([](DependencyStructure& s) { s.templates[1].references[0] = 17; }));
  EXPECT_TRUE(refuses([](DependencyStructure& s) { s.templates[1].references[0] = 0; }));
  EXPECT_TRUE(refuses([](DependencyStructure& s) { s.templates[1].chain_diffs[0] = 16; }));
  EXPECT_TRUE(refuses([](DependencyStructure& s) { s.chain_count = 3; }));
  EXPECT_TRUE(refuses([](DependencyStructure& s) { s.protected_by[1] = 1; }));
  EXPECT_TRUE(refuses([](DependencyStructure& s) { s.decode_target_count = 0; }));
  EXPECT_TRUE(refuses([](DependencyStructure& s) { s.decode_target_count = 33; }));
  EXPECT_TRUE(refuses([](DependencyStructure& s) { s.resolutions.resize(2); }));
  EXPECT_TRUE(refuses([](DependencyStructure& s) { s.resolutions[0].width = 0; }));
  EXPECT_FALSE(refuses([](DependencyStructure&) {}));
}

TEST(DependencyDescriptor, SurvivesAnyBytes) {
  base::SeededRandom random(32);
  DependencyDescriptorReader reader = ReaderAfterKeyFrame(0);
  const Buffer key = KeyFrame(0);
  for (int i = 0; i < 30'000; ++i) {
    Buffer bytes(random.Below(40));
    random.Fill(bytes);
    if (random.Below(2) == 0) {
      bytes = key;
      bytes[random.Below(static_cast<uint32_t>(bytes.size()))] ^= static_cast<uint8_t>(1 << random.Below(8));
    }
    const auto frame = reader.Read(bytes);
    if (!frame) {
      continue;
    }
    ASSERT_LE(frame->end_position, bytes.size() * 8);
    ASSERT_LE(frame->reference_count, kMaxFrameReferences);
    Buffer out(64);
    PatchDependencyDescriptor(bytes, *frame, {.active_targets = random.Next32()}, out);
  }
}

}  // namespace
}  // namespace weir::codec
