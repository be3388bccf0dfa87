#include "rtc/data_blobs.h"

namespace weir::rtc {
namespace {

using base::ErrorCode;
using base::Fail;
using base::Result;

// What tells keys apart. The prefix keeps a generic key from being taken for a schema's; lengths keep the
// parts of a schema's apart. Empty: not a key.
std::string KeyOf(const livekit::DataBlobKey& key) {
  if (key.has_generic()) {
    return key.generic().empty() ? std::string() : "g" + key.generic();
  }
  const livekit::DataTrackSchemaId& schema = key.schema_id();
  if (!key.has_schema_id() || schema.name().empty()) {
    return {};
  }
  return "s" + std::to_string(schema.name().size()) + ":" + schema.name() +
         (schema.encoding().has_custom() ? "c" + schema.encoding().custom()
                                         : "w" + std::to_string(schema.encoding().well_known()));
}

}  // namespace

Result<void> DataBlobs::Store(const livekit::DataBlob& blob) {
  std::string key = KeyOf(blob.key());
  if (key.empty()) {
    return Fail(ErrorCode::kInvalidArgument, "data blob has no key");
  }
  if (key.size() - 1 > limits_.max_key) {
    return Fail(ErrorCode::kInvalidArgument,
                "data blob key is longer than " + std::to_string(limits_.max_key) + " bytes");
  }
  const auto old = blobs_.find(key);
  const size_t freed = old == blobs_.end() ? 0 : key.size() + old->second.size();
  const size_t total = total_ - freed + key.size() + blob.contents().size();
  if (total > limits_.max_total) {
    return Fail(ErrorCode::kResourceExhausted,
                "data blobs exceed " + std::to_string(limits_.max_total) + " bytes");
  }
  total_ = total;
  blobs_[std::move(key)] = blob.contents();
  return {};
}

Result<livekit::DataBlob> DataBlobs::Get(const livekit::DataBlobKey& key) const {
  const auto found = blobs_.find(KeyOf(key));
  if (found == blobs_.end()) {
    return Fail(ErrorCode::kNotFound, "data blob not found");
  }
  livekit::DataBlob blob;
  *blob.mutable_key() = key;
  blob.set_contents(found->second);
  return blob;
}

}  // namespace weir::rtc
