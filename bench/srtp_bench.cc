// modules: srtp
// What one packet costs to seal and to open, with 256 sessions taken in turn so that keys come from the cache
// level that they would come from in a room.

#include <benchmark/benchmark.h>

#include <vector>

#include "base/random.h"
#include "json_main.h"
#include "srtp/session.h"

namespace weir::srtp {
namespace {

constexpr size_t kSessions = 256;
constexpr size_t kHeader = 20;

struct Keys {
  base::Buffer key;
  base::Buffer salt;
};
std::vector<Keys> MakeKeys(Profile profile) {
  base::SeededRandom random(1);
  std::vector<Keys> keys(kSessions, {base::Buffer(KeySize(profile)), base::Buffer(SaltSize(profile))});
  for (Keys& pair : keys) {
    random.Fill(pair.key);
    random.Fill(pair.salt);
  }
  return keys;
}

base::Buffer Header() {
  base::Buffer header(kHeader);
  header[0] = 0x90;
  header[1] = 111;
  header[15] = 1;  // One word of extension.
  return header;
}

void Seal(benchmark::State& state, Profile profile, size_t size, size_t prefix_size) {
  std::vector<SendSession> sessions;
  for (const Keys& pair : MakeKeys(profile)) {
    sessions.push_back(*SendSession::Create(profile, pair.key, pair.salt));
  }
  base::Buffer header = Header();
  const base::Buffer body(size);
  const base::ConstBytes prefix = base::ConstBytes(body).first(prefix_size);
  const base::ConstBytes payload = base::ConstBytes(body).subspan(prefix_size);
  base::Buffer out(64 * 1600);
  uint32_t index = 0;
  for (auto _ : state) {
    ++index;
    base::StoreU16(header.data() + 2, static_cast<uint16_t>(index));
    const size_t written = sessions[index % kSessions].ProtectRtp(
        header, prefix, payload, 0, index >> 16, base::MutableBytes(out).subspan(index % 64 * 1600, 1600));
    benchmark::DoNotOptimize(written);
  }
}

void Open(benchmark::State& state, Profile profile, size_t size) {
  const Keys pair = MakeKeys(profile)[0];
  SendSession sender = *SendSession::Create(profile, pair.key, pair.salt);
  ReceiveSession receiver = *ReceiveSession::Create(profile, pair.key, pair.salt);
  base::Buffer header = Header();
  const base::Buffer payload(size);
  constexpr size_t kBatch = 256;
  std::vector<base::Buffer> packets(kBatch, base::Buffer(1600));
  uint32_t index = 0;
  while (state.KeepRunningBatch(kBatch)) {
    state.PauseTiming();
    for (base::Buffer& packet : packets) {
      ++index;
      base::StoreU16(header.data() + 2, static_cast<uint16_t>(index));
      packet.resize(1600);
      packet.resize(sender.ProtectRtp(header, {}, payload, 0, index >> 16, packet));
    }
    state.ResumeTiming();
    for (base::Buffer& packet : packets) {
      if (!receiver.UnprotectRtp(packet)) {
        state.SkipWithError("a packet did not open");
        return;
      }
    }
  }
}

void Create(benchmark::State& state, Profile profile) {
  const Keys pair = MakeKeys(profile)[0];
  for (auto _ : state) {
    benchmark::DoNotOptimize(SendSession::Create(profile, pair.key, pair.salt));
  }
}

void Register() {
  const std::pair<const char*, Profile> kProfiles[] = {{"gcm128", Profile::kAeadAes128Gcm},
                                                       {"gcm256", Profile::kAeadAes256Gcm},
                                                       {"cm80", Profile::kAes128CmSha1_80}};
  for (const auto& [name, profile] : kProfiles) {
    for (const size_t size : {size_t{80}, size_t{1100}}) {
      const std::string suffix = std::string(name) + "/" + std::to_string(size);
      benchmark::RegisterBenchmark(("seal/" + suffix).c_str(), Seal, profile, size, size_t{0});
      benchmark::RegisterBenchmark(("seal_prefix4/" + suffix).c_str(), Seal, profile, size, size_t{4});
      benchmark::RegisterBenchmark(("open/" + suffix).c_str(), Open, profile, size);
    }
    benchmark::RegisterBenchmark((std::string("create/") + name).c_str(), Create, profile);
  }
}

}  // namespace
}  // namespace weir::srtp

int main(int argc, char** argv) {
  weir::srtp::Register();
  return weir::bench::Main(argc, argv);
}
