#include "io/system_random.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace weir::io {
namespace {

void FillFromSystem(base::MutableBytes out) {
  if (RAND_bytes(out.data(), static_cast<int>(out.size())) != 1) {
    std::fputs("the system's random generator failed\n", stderr);
    std::abort();
  }
}

}  // namespace

SystemRandom::~SystemRandom() { OPENSSL_cleanse(buffer_.data(), buffer_.size()); }

void SystemRandom::Fill(base::MutableBytes out) {
  if (out.size() > buffer_.size()) {
    FillFromSystem(out);
    return;
  }
  if (out.size() > available_) {
    FillFromSystem(buffer_);
    available_ = buffer_.size();
  }
  const auto source = base::MutableBytes(buffer_).subspan(buffer_.size() - available_, out.size());
  std::ranges::copy(source, out.begin());
  OPENSSL_cleanse(source.data(), source.size());  // What was handed out may have become a key.
  available_ -= out.size();
}

}  // namespace weir::io
