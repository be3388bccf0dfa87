// modules: service
// A request as a caller may shape it: the first line is the path, the second the content type, the rest the
// body. Every path below /twirp/ gets exactly one answer, with a status that Twirp knows.

#include <algorithm>
#include <cstdlib>

#include "service/fake_apis.h"

namespace {

using weir::front::HttpRequest;
using weir::front::HttpResponse;

std::string TakeLine(std::string_view& text) {
  const size_t end = std::min(text.find('\n'), text.size());
  std::string line(text.substr(0, end));
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

weir::auth::Claims EveryGrant() {
  weir::auth::Claims claims;
  claims.video.emplace();
  claims.video->room_create = true;
  claims.video->room_list = true;
  claims.video->room_record = true;
  claims.video->room_admin = true;
  claims.video->ingress_admin = true;
  claims.video->room = "a";
  claims.video->destination_room = "b";
  claims.sip = weir::auth::SipGrant{.admin = true, .call = true};
  return claims;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  HttpRequest request{.method = "POST"};
  request.path = TakeLine(text);
  request.headers = {{"Content-Type", TakeLine(text)}};
  request.body = std::string(text);

  weir::service::FakeRoomApi rooms;
  weir::service::FakeAgentDispatchApi dispatches;
  const weir::service::ServerApi api(rooms, dispatches, {});
  static const weir::auth::Claims kClaims = EveryGrant();
  for (const weir::auth::Claims* claims : {&kClaims, static_cast<const weir::auth::Claims*>(nullptr)}) {
    int answers = 0;
    const bool handled = api.Handle(request, claims, [&](const HttpResponse& response) {
      ++answers;
      if (response.status < 200 || response.status > 599 || response.content_type.empty()) {
        std::abort();
      }
    });
    if (answers != (handled ? 1 : 0)) {
      std::abort();
    }
  }
  return 0;
}
