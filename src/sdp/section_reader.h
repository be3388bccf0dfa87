// The attributes of one media section, read one at a time. Internal to Parse.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "sdp/session_description.h"
#include "sdp/text.h"

namespace weir::sdp {

using Status = base::Result<void>;

inline std::unexpected<base::Error> Bad(std::string what) {
  return base::Fail(base::ErrorCode::kInvalidArgument, std::move(what));
}
inline std::unexpected<base::Error> TooMany(std::string_view what, size_t limit) {
  return base::Fail(base::ErrorCode::kResourceExhausted,
                    "more than " + std::to_string(limit) + " " + std::string(what));
}

std::optional<Direction> ParseDirection(std::string_view text);
std::optional<Setup> ParseSetup(std::string_view text);

// The transport attributes, which session and section share. `Level` has the members of both.
template <typename Level>
base::Result<bool> ReadTransport(std::string_view name, std::string_view value, Level& level) {
  if (name == "ice-ufrag" || name == "ice-pwd") {
    if (value.empty() || value.size() > kMaxIceCredentialLength || HasBlank(value)) {
      return Bad("bad length or a blank");
    }
    (name == "ice-ufrag" ? level.ice_ufrag : level.ice_pwd) = value;
    return true;
  }
  if (name == "ice-options") {
    while (!value.empty()) {
      const std::string_view option = NextWord(value);
      if (level.ice_options.size() == kMaxIceOptions || option.size() > kMaxIceOptionLength) {
        return TooMany("ICE options, or a longer one", kMaxIceOptions);
      }
      level.ice_options.emplace_back(option);
    }
    return true;
  }
  if (name == "fingerprint") {
    const std::string_view algorithm = NextWord(value);
    if (value.empty() || HasBlank(value) || algorithm.size() + value.size() > kMaxFingerprintLength) {
      return Bad("not an algorithm and a hash");
    }
    if (level.fingerprints.size() == kMaxFingerprints) {
      return TooMany("fingerprints", kMaxFingerprints);
    }
    level.fingerprints.push_back({std::string(algorithm), std::string(value)});
    return true;
  }
  if (name == "setup") {
    level.setup = ParseSetup(value);
    if (!level.setup) {
      return Bad("not actpass, active, passive or holdconn");
    }
    return true;
  }
  return false;
}

// Reads the attributes of one section. Finish() has to be called once, after the last one.
class SectionReader {
 public:
  Status Start(std::string_view media_line, Direction direction);
  Status Attribute(std::string_view name, std::string_view value);
  base::Result<MediaSection> Finish(const SessionDescription& session);

 private:
  using Reader = Status (SectionReader::*)(std::string_view value);
  struct Entry {
    std::string_view name;
    Reader read;
  };
  static const Entry kReaders[];

  Status ReadFlag(std::string_view name);
  Status ReadMid(std::string_view value);
  Status ReadRtpmap(std::string_view value);
  Status ReadFmtp(std::string_view value);
  Status ReadFeedback(std::string_view value);
  Status ReadExtmap(std::string_view value);
  Status ReadMsid(std::string_view value);
  Status ReadSsrc(std::string_view value);
  Status ReadSsrcGroup(std::string_view value);
  Status ReadRid(std::string_view value);
  Status ReadSimulcast(std::string_view value);
  Status ReadCandidate(std::string_view value);
  Status ReadSctpPort(std::string_view value);
  Status ReadSctpMap(std::string_view value);
  Status ReadMaxMessageSize(std::string_view value);

  Codec* CodecOf(std::string_view payload_type);
  static Status AddFeedback(Codec& codec, const std::string& feedback);

  MediaSection section_;
  std::vector<std::string> feedback_for_all_;
};

}  // namespace weir::sdp
