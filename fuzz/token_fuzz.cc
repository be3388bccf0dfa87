// modules: auth
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "auth/encoding.h"
#include "auth/token.h"
#include "base/bytes.h"

using weir::base::WallTime;

// Two readings of the same bytes: as a token, and as a payload that gets a right signature, since the claims
// behind one are out of a fuzzer's reach otherwise.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const weir::auth::KeyProvider keys{{{"k", "s"}}};
  const WallTime now{1'000'000};
  const std::string text(weir::base::AsText({data, size}));
  (void)weir::auth::VerifyToken(text, keys, now);
  (void)weir::auth::BearerToken(text);
  (void)weir::auth::DecodeBase64(text);

  std::string token = weir::auth::EncodeBase64Url(weir::base::AsBytes(R"({"alg":"HS256"})")) + "." +
                      weir::auth::EncodeBase64Url({data, size});
  token += "." + weir::auth::EncodeBase64Url(weir::auth::HmacSha256("s", token));
  const auto claims = weir::auth::VerifyToken(token, keys, now);
  if (!claims) {
    return 0;
  }
  const std::string refreshed =
      weir::auth::SignToken(*claims, "k", "s", claims->not_before.value_or(WallTime{}), claims->expires);
  const auto again = weir::auth::VerifyToken(refreshed, keys, now);
  if (refreshed.size() <= weir::auth::kMaxTokenSize && (!again || again->video != claims->video)) {
    std::abort();
  }
  return 0;
}
