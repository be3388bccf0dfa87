#include "apps/keys.h"

#include <cstdio>
#include <string>

#include "auth/encoding.h"
#include "io/system_random.h"

namespace weir::apps {
namespace {

constexpr size_t kKeyBytes = 9;      // 12 characters.
constexpr size_t kSecretBytes = 36;  // 48 characters, above what the warning about short secrets asks for.

std::string RandomText(base::Random& random, size_t bytes) {
  base::Buffer buffer(bytes);
  random.Fill(buffer);
  return auth::EncodeBase64Url(buffer);
}

}  // namespace

int GenerateKeys() {
  io::SystemRandom random;
  const std::string key = "API" + RandomText(random, kKeyBytes);
  std::printf("# For the configuration file:\nkeys:\n  %s: %s\n", key.c_str(),
              RandomText(random, kSecretBytes).c_str());
  return 0;
}

}  // namespace weir::apps
