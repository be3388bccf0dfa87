#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "sdp/section_reader.h"
#include "sdp/session_description.h"
#include "sdp/text.h"

namespace weir::sdp {
namespace {

using base::Error;
using base::Result;

class Parser {
 public:
  Result<SessionDescription> Run(std::string_view text) {
    if (text.size() > kMaxSize) {
      return TooMany("bytes", kMaxSize);
    }
    while (!text.empty()) {
      ++line_number_;
      const auto [line, rest] = Cut(text, '\n');
      text = rest;
      if (auto status = Line(line.ends_with('\r') ? line.substr(0, line.size() - 1) : line); !status) {
        return AtLine(status.error(), line);
      }
    }
    if (line_number_ == 0) {
      return Bad("an empty description");
    }
    if (auto status = FinishSection(); !status) {
      return AtLine(status.error(), "m");
    }
    return std::move(session_);
  }

 private:
  // The attribute's name says where; its value stays out, since a password may be in it.
  std::unexpected<Error> AtLine(const Error& error, std::string_view line) const {
    std::string name(line.substr(0, std::min({line.find(':'), line.find(' '), size_t{40}})));
    std::erase_if(name, [](char c) { return c < ' ' || c > '~'; });
    return base::Fail(error.code,
                      "line " + std::to_string(line_number_) + " (" + name + "): " + error.message);
  }

  Status Line(std::string_view line) {
    if (line.size() > kMaxLineLength) {
      return TooMany("bytes in a line", kMaxLineLength);
    }
    if (std::ranges::any_of(line, [](unsigned char c) { return c < 0x20 && c != '\t'; })) {
      return Bad("a control character");
    }
    if (Trim(line).empty()) {
      return {};
    }
    if (line.size() < 2 || line[1] != '=') {
      return Bad("not a line of the form x=value");
    }
    const std::string_view value = Trim(line.substr(2));
    if (line_number_ == 1 && (line[0] != 'v' || value != "0")) {
      return Bad("a description begins with v=0");
    }
    switch (line[0]) {
      case 'o':
        return Origin(value);
      case 'm':
        return Media(value);
      case 'a': {
        const auto [name, content] = Cut(value, ':');
        return in_section_ ? reader_.Attribute(name, Trim(content)) : SessionAttribute(name, Trim(content));
      }
      default:
        return {};  // s=, t=, c=, b= and others say nothing that a WebRTC endpoint uses.
    }
  }

  Status Origin(std::string_view value) {
    NextWord(value);  // The user name.
    const auto id = ParseNumber<uint64_t>(NextWord(value));
    const auto version = ParseNumber<uint64_t>(NextWord(value));
    if (!id || !version) {
      return Bad("no session id and version");
    }
    session_.session_id = *id;
    session_.session_version = *version;
    return {};
  }

  Status Media(std::string_view value) {
    TRY(FinishSection());
    if (session_.media.size() == kMaxSections) {
      return TooMany("media sections", kMaxSections);
    }
    in_section_ = true;
    reader_ = SectionReader();
    return reader_.Start(value, direction_);
  }

  Status FinishSection() {
    if (!in_section_) {
      return {};
    }
    in_section_ = false;
    MediaSection section = TRY(reader_.Finish(session_));
    if (!section.mid.empty() && session_.Find(section.mid) != nullptr) {
      return Bad("the section before has a mid that was used already");
    }
    session_.media.push_back(std::move(section));
    return {};
  }

  Status SessionAttribute(std::string_view name, std::string_view value) {
    if (TRY(ReadTransport(name, value, session_))) {
      return {};
    }
    if (name == "group") {
      return Group(value);
    }
    if (name == "msid-semantic") {
      session_.msid_semantic = value;
    } else if (name == "ice-lite") {
      session_.ice_lite = true;
    } else if (name == "extmap-allow-mixed") {
      session_.extmap_allow_mixed = true;
    } else if (const auto direction = ParseDirection(name)) {
      direction_ = *direction;  // RFC 8866 section 6.7: the default of the sections. Firefox writes it.
    }
    return {};
  }

  Status Group(std::string_view value) {
    if (NextWord(value) != "BUNDLE" || !session_.bundle.empty()) {
      return {};
    }
    while (!value.empty()) {
      if (session_.bundle.size() == kMaxSections) {
        return TooMany("mids in a group", kMaxSections);
      }
      session_.bundle.emplace_back(NextWord(value));
    }
    return {};
  }

  SessionDescription session_;
  Direction direction_ = Direction::kSendRecv;
  bool in_section_ = false;
  SectionReader reader_;
  size_t line_number_ = 0;
};

}  // namespace

Result<SessionDescription> Parse(std::string_view text) { return Parser().Run(text); }

}  // namespace weir::sdp
