#include <gtest/gtest.h>
#include <fstream>
#include "rtc/test_offer.h"
namespace weir::rtc::test {
TEST(Seed, Write) {
  auto write=[](const char* n, char flags, const std::string& s){ std::ofstream f(std::string("/work/main/fuzz/corpus/sdp_negotiation/")+n, std::ios::binary); f<<flags<<s; };
  ClientSection mic; mic.mid="0"; mic.direction=sdp::Direction::kSendOnly; mic.stream="s"; mic.track="mic"; mic.ssrcs={{1,0}};
  ClientSection cam=mic; cam.kind=Kind::kVideo; cam.mid="1"; cam.track="cam"; cam.rids={"q","h","f"};
  write("publish", 0x0d, sdp::Write(MakeClientOffer({mic, cam, {.kind=Kind::kApplication,.mid="2"}}, {})));
  write("single_connection", 0x10, sdp::Write(MakeClientOffer(SingleConnectionSections(1,1), {})));
  cam.rids.clear(); cam.ssrcs={{5,6}}; cam.direction=sdp::Direction::kSendRecv;
  write("both_directions", 0x1f, sdp::Write(MakeClientOffer({cam}, {})));
}
}
