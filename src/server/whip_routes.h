// WHIP (RFC 9725): what /whip/v1 and /whip/v1/{session} answer.
//
// Everything that a WHIP server refuses is refused here with the status and the JSON body ({"error": "..."})
// that its clients know. Ingest itself is not served: an offer that is in order gets 501, and no session is
// known.
#pragma once

#include <string_view>

#include "auth/token.h"
#include "base/time.h"
#include "front/http.h"

namespace weir::server {

bool IsWhipPath(std::string_view path);
// Any thread. CORS headers are the front's, preflights too.
front::HttpResponse AnswerWhip(const front::HttpRequest& request, const auth::KeyProvider& keys,
                               base::WallTime now);

}  // namespace weir::server
