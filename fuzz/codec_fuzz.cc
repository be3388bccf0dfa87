// modules: codec
// Payloads of every codec, RED and the dependency descriptor. The first byte chooses the parser; what parses
// is rewritten and must parse to the same.

#include <array>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "codec/audio.h"
#include "codec/dependency_descriptor.h"
#include "codec/payload_info.h"
#include "codec/red.h"
#include "codec/vp8.h"
#include "codec/vp9.h"

namespace {

using namespace weir::codec;
using weir::base::ConstBytes;
using weir::base::MutableBytes;

void Require(bool condition) {
  if (!condition) {
    std::abort();
  }
}

void FuzzVp8(ConstBytes payload) {
  const auto vp8 = ParseVp8(payload);
  if (!vp8) {
    return;
  }
  Require(vp8->descriptor_size < payload.size());
  std::array<uint8_t, kMaxVp8DescriptorSize + 1> out = {};
  const size_t size = WriteVp8(*vp8, MutableBytes(out).first(kMaxVp8DescriptorSize));
  Require(size != 0);
  out[size] = payload[vp8->descriptor_size];
  const auto again = ParseVp8(ConstBytes(out).first(size + 1));
  Require(again && again->descriptor_size == size && again->picture_id == vp8->picture_id);
  Require(again->tid == vp8->tid && again->tl0picidx == vp8->tl0picidx && again->keyidx == vp8->keyidx);
  Require(again->keyframe == vp8->keyframe && again->y == vp8->y);
}

void FuzzVp9(ConstBytes payload) {
  const auto vp9 = ParseVp9(payload);
  if (!vp9) {
    return;
  }
  Require(vp9->descriptor_size < payload.size());
  std::array<uint8_t, 2048> out = {};
  const size_t size = RewriteVp9(payload, *vp9, vp9->picture_id, vp9->tl0picidx, out);
  Require(size == vp9->descriptor_size);
  for (size_t i = 0; i < size; ++i) {
    Require(out[i] == payload[i]);
  }
}

void FuzzRed(ConstBytes payload) {
  const auto red = ParseRed(payload);
  if (!red) {
    return;
  }
  weir::base::Buffer out(payload.size());
  const size_t size = WriteRed(std::span(red->blocks).first(red->count), out);
  Require(size == payload.size());
  const auto again = ParseRed(ConstBytes(out).first(size));
  Require(again && again->count == red->count);
  Require(again->primary().data.size() == red->primary().data.size());
}

void CheckDescriptor(ConstBytes data, const DependencyDescriptor& descriptor) {
  Require(descriptor.end_position <= data.size() * 8 && descriptor.structure != nullptr);
  std::array<uint8_t, 300> out = {};
  const uint32_t mask = 0x5a5a5a5a & descriptor.structure->all_targets();
  const size_t size = PatchDependencyDescriptor(data, descriptor, {.active_targets = mask}, out);
  Require(size != 0 && size <= data.size() + 5);
  if (!descriptor.attached_structure || size > 255) {
    return;
  }
  DependencyDescriptorReader receiver;
  const auto received = receiver.Read(ConstBytes(out).first(size));
  Require(received && received->active_targets == mask && *received->structure == *descriptor.structure);
  Require(received->references == descriptor.references && received->dtis == descriptor.dtis);
  const size_t written = WriteDependencyDescriptor(descriptor, out);
  Require(written != 0 && written <= data.size());
}

// Several descriptors of one stream, each with its length in front.
void FuzzDependencyDescriptors(ConstBytes input) {
  DependencyDescriptorReader reader;
  weir::base::ByteReader lengths(input);
  while (lengths.remaining() > 0) {
    const size_t size = lengths.ReadU8();
    const ConstBytes data = lengths.ReadBytes(size < lengths.remaining() ? size : lengths.remaining());
    (void)ParseDependencyDescriptorHead(data);
    if (const auto descriptor = reader.Read(data)) {
      CheckDescriptor(data, *descriptor);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) {
    return 0;
  }
  const ConstBytes payload(data + 1, size - 1);
  constexpr int kPayloads = static_cast<int>(Codec::kAv1) + 1;
  const int choice = data[0] % (kPayloads + 2);
  if (choice < kPayloads) {
    (void)ParsePayload(static_cast<Codec>(choice), payload, (data[0] & 0x80) != 0);
  }
  switch (choice) {
    case static_cast<int>(Codec::kOpus):
      (void)OpusPacketDuration(payload);
      break;
    case static_cast<int>(Codec::kRed):
      FuzzRed(payload);
      break;
    case static_cast<int>(Codec::kVp8):
      FuzzVp8(payload);
      break;
    case static_cast<int>(Codec::kVp9):
      FuzzVp9(payload);
      break;
    case kPayloads:
      FuzzDependencyDescriptors(payload);
      break;
    default:
      break;
  }
  return 0;
}
