// Our association against libusrsctp, the stack of Firefox and older Chromium: an independent reading of the
// same standards. It keeps global state and reads gettimeofday, so one engine serves all tests here, and the
// test program answers gettimeofday from virtual time.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/time.h>
#include <usrsctp.h>

#include <cstring>
#include <deque>
#include <map>
#include <numeric>

#include "sctp/association.h"
#include "sctp/wire_for_test.h"

namespace {
int64_t virtual_micros = 1'000'000'000;
}  // namespace

extern "C" int gettimeofday(struct timeval* __restrict tv, void* __restrict) noexcept {
  tv->tv_sec = virtual_micros / 1'000'000;
  tv->tv_usec = virtual_micros % 1'000'000;
  return 0;
}

namespace weir::sctp {
namespace {

using base::Buffer;
using testing::ElementsAre;
using testing::SizeIs;

struct OracleMessage {
  uint16_t stream = 0;
  uint32_t ppid = 0;
  Buffer bytes;
};

// One usrsctp endpoint.
class Oracle {
 public:
  enum class Role { kConnect, kListen };

  Oracle() {
    static const bool initialised = [] {
      usrsctp_init_nothreads(0, &Oracle::Output, nullptr);
      usrsctp_sysctl_set_sctp_ecn_enable(0);
      usrsctp_sysctl_set_sctp_blackhole(2);
      return true;
    }();
    static_cast<void>(initialised);
    usrsctp_register_address(this);
    socket_ = usrsctp_socket(AF_CONN, SOCK_STREAM, IPPROTO_SCTP, nullptr, nullptr, 0, nullptr);
    EXPECT_NE(socket_, nullptr);
    Configure(socket_);
    sockaddr_conn address = Address();
    EXPECT_EQ(usrsctp_bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  ~Oracle() {
    usrsctp_close(socket_);
    if (listener_ != nullptr) {
      usrsctp_close(listener_);
    }
    usrsctp_deregister_address(this);
  }

  void Start(Role role) {
    if (role == Role::kListen) {
      EXPECT_EQ(usrsctp_listen(socket_, 1), 0);
      return;
    }
    sockaddr_conn address = Address();
    const int result = usrsctp_connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address);
    EXPECT_TRUE(result == 0 || errno == EINPROGRESS);
  }
  void Input(const Buffer& packet) { usrsctp_conninput(this, packet.data(), packet.size(), 0); }

  bool Send(uint16_t stream, uint32_t ppid, const Buffer& bytes, bool ordered = true, uint16_t policy = 0,
            uint32_t value = 0) {
    sctp_sendv_spa spa{};
    spa.sendv_flags = SCTP_SEND_SNDINFO_VALID;
    spa.sendv_sndinfo.snd_sid = stream;
    spa.sendv_sndinfo.snd_ppid = htonl(ppid);
    spa.sendv_sndinfo.snd_flags = static_cast<uint16_t>(SCTP_EOR | (ordered ? 0 : SCTP_UNORDERED));
    if (policy != 0) {
      spa.sendv_flags |= SCTP_SEND_PRINFO_VALID;
      spa.sendv_prinfo = {policy, value};
    }
    return usrsctp_sendv(socket_, bytes.data(), bytes.size(), nullptr, 0, &spa, sizeof spa, SCTP_SENDV_SPA,
                         0) == static_cast<ssize_t>(bytes.size());
  }
  void Shutdown() { EXPECT_EQ(usrsctp_shutdown(socket_, SHUT_WR), 0); }
  void ResetOutgoing(uint16_t stream) {
    std::vector<uint8_t> storage(sizeof(sctp_reset_streams) + sizeof(uint16_t));
    auto* reset = reinterpret_cast<sctp_reset_streams*>(storage.data());
    reset->srs_flags = SCTP_STREAM_RESET_OUTGOING;
    reset->srs_number_streams = 1;
    reset->srs_stream_list[0] = stream;
    EXPECT_EQ(usrsctp_setsockopt(socket_, IPPROTO_SCTP, SCTP_RESET_STREAMS, reset,
                                 static_cast<socklen_t>(storage.size())),
              0)
        << std::strerror(errno);
  }
  void Poll() {
    if (listener_ == nullptr && !connected_) {
      Accept();
    }
    static std::vector<uint8_t> buffer(300'000);
    for (;;) {
      sockaddr_conn from{};
      socklen_t from_size = sizeof from;
      sctp_rcvinfo info{};
      socklen_t info_size = sizeof info;
      unsigned int type = 0;
      int flags = 0;
      const ssize_t size =
          usrsctp_recvv(socket_, buffer.data(), buffer.size(), reinterpret_cast<sockaddr*>(&from), &from_size,
                        &info, &info_size, &type, &flags);
      if (size <= 0) {
        return;
      }
      if ((flags & MSG_NOTIFICATION) != 0) {
        OnNotification(*reinterpret_cast<const sctp_notification*>(buffer.data()));
        continue;
      }
      partial_.insert(partial_.end(), buffer.begin(), buffer.begin() + size);
      if ((flags & MSG_EOR) != 0) {
        messages.push_back({info.rcv_sid, ntohl(info.rcv_ppid), std::exchange(partial_, {})});
      }
    }
  }
  std::optional<Buffer> PollTransmit() {
    if (output_.empty()) {
      return std::nullopt;
    }
    Buffer packet = std::move(output_.front());
    output_.pop_front();
    return packet;
  }
  bool connected() const { return connected_; }

  std::vector<OracleMessage> messages;
  std::vector<uint16_t> incoming_resets;
  std::vector<uint16_t> outgoing_resets;
  bool lost = false;

 private:
  static int Output(void* address, void* data, size_t size, uint8_t, uint8_t) {
    const auto* bytes = static_cast<const uint8_t*>(data);
    static_cast<Oracle*>(address)->output_.emplace_back(bytes, bytes + size);
    return 0;
  }
  sockaddr_conn Address() {
    sockaddr_conn address{};
    address.sconn_family = AF_CONN;
    address.sconn_port = htons(5000);
    address.sconn_addr = this;
    return address;
  }
  void Accept() {
    struct socket* accepted = usrsctp_accept(socket_, nullptr, nullptr);
    if (accepted != nullptr) {
      listener_ = std::exchange(socket_, accepted);
      Configure(socket_);
      connected_ = true;  // The notification of the association went by before the socket existed.
    }
  }
  void Configure(struct socket* socket) {
    usrsctp_set_non_blocking(socket, 1);
    linger linger_option = {1, 0};
    usrsctp_setsockopt(socket, SOL_SOCKET, SO_LINGER, &linger_option, sizeof linger_option);
    const int on = 1;
    usrsctp_setsockopt(socket, IPPROTO_SCTP, SCTP_NODELAY, &on, sizeof on);
    usrsctp_setsockopt(socket, IPPROTO_SCTP, SCTP_RECVRCVINFO, &on, sizeof on);
    usrsctp_setsockopt(socket, IPPROTO_SCTP, SCTP_EXPLICIT_EOR, &on, sizeof on);
    const int buffer_size = 4 << 20;
    usrsctp_setsockopt(socket, SOL_SOCKET, SO_SNDBUF, &buffer_size, sizeof buffer_size);
    usrsctp_setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &buffer_size, sizeof buffer_size);
    sctp_assoc_value reset{};
    reset.assoc_id = SCTP_ALL_ASSOC;
    reset.assoc_value = SCTP_ENABLE_RESET_STREAM_REQ | SCTP_ENABLE_CHANGE_ASSOC_REQ;
    usrsctp_setsockopt(socket, IPPROTO_SCTP, SCTP_ENABLE_STREAM_RESET, &reset, sizeof reset);
    for (const int type : {SCTP_ASSOC_CHANGE, SCTP_STREAM_RESET_EVENT}) {
      sctp_event event{};
      event.se_assoc_id = SCTP_ALL_ASSOC;
      event.se_type = static_cast<uint16_t>(type);
      event.se_on = 1;
      usrsctp_setsockopt(socket, IPPROTO_SCTP, SCTP_EVENT, &event, sizeof event);
    }
    sctp_paddrparams parameters{};
    parameters.spp_address.ss_family = AF_CONN;
    parameters.spp_flags = SPP_PMTUD_DISABLE;
    parameters.spp_pathmtu = 1180;
    usrsctp_setsockopt(socket, IPPROTO_SCTP, SCTP_PEER_ADDR_PARAMS, &parameters, sizeof parameters);
    sctp_initmsg init{};
    init.sinit_num_ostreams = 300;
    init.sinit_max_instreams = 300;
    usrsctp_setsockopt(socket, IPPROTO_SCTP, SCTP_INITMSG, &init, sizeof init);
  }
  void OnNotification(const sctp_notification& notification) {
    if (notification.sn_header.sn_type == SCTP_ASSOC_CHANGE) {
      connected_ |= notification.sn_assoc_change.sac_state == SCTP_COMM_UP;
      lost |= notification.sn_assoc_change.sac_state == SCTP_COMM_LOST;
    }
    if (notification.sn_header.sn_type == SCTP_STREAM_RESET_EVENT) {
      const sctp_stream_reset_event& reset = notification.sn_strreset_event;
      const size_t count = (reset.strreset_length - sizeof reset) / sizeof(uint16_t);
      EXPECT_EQ(reset.strreset_flags & (SCTP_STREAM_RESET_DENIED | SCTP_STREAM_RESET_FAILED), 0);
      for (size_t i = 0; i < count; ++i) {
        const bool incoming = (reset.strreset_flags & SCTP_STREAM_RESET_INCOMING_SSN) != 0;
        (incoming ? incoming_resets : outgoing_resets).push_back(reset.strreset_stream_list[i]);
      }
    }
  }

  struct socket* socket_ = nullptr;
  struct socket* listener_ = nullptr;
  std::deque<Buffer> output_;
  Buffer partial_;
  bool connected_ = false;
};

// Both over a line with delay and loss. Time moves in ticks of 10 ms, usrsctp's own resolution.
struct Interop {
  static constexpr int64_t kTick = 10'000;

  explicit Interop(double loss_rate = 0, uint64_t seed = 1) : random(seed), a({}, random), loss(loss_rate) {}

  Timestamp now() const { return Timestamp::Micros(virtual_micros); }
  void Flush() {
    oracle.Poll();
    while (auto packet = a.PollTransmit(now())) {
      Transmit(true, *std::move(packet));
    }
    while (auto packet = oracle.PollTransmit()) {
      Transmit(false, *std::move(packet));
    }
    while (auto event = a.PollEvent()) {
      events.push_back(*std::move(event));
    }
  }
  void Transmit(bool from_us, Buffer packet) {
    if (random.NextDouble() >= loss) {
      flying.emplace(virtual_micros + kTick, std::pair(from_us, std::move(packet)));
    }
  }
  bool RunUntil(TimeDelta span, const std::function<bool()>& done) {
    const int64_t end = virtual_micros + span.micros();
    while (virtual_micros < end) {
      Flush();
      if (done()) {
        return true;
      }
      virtual_micros += kTick;
      usrsctp_handle_timers(kTick / 1000);
      while (!flying.empty() && flying.begin()->first <= virtual_micros) {
        const auto [from_us, packet] = flying.begin()->second;
        flying.erase(flying.begin());
        if (from_us) {
          oracle.Input(packet);
        } else {
          a.OnPacket(now(), packet);
        }
        Flush();
      }
      if (a.NextTimeout() <= now()) {
        a.OnTimeout(now());
      }
    }
    return false;
  }
  void RunFor(TimeDelta span) {
    RunUntil(span, [] { return false; });
  }
  void Connect() {
    oracle.Start(Oracle::Role::kConnect);
    a.Connect(now());
    ASSERT_TRUE(RunUntil(TimeDelta::Seconds(60), [&] { return a.connected() && oracle.connected(); }));
    RunFor(TimeDelta::Millis(500));
    events.clear();
  }

  base::SeededRandom random;
  Oracle oracle;
  Association a;
  double loss;
  std::multimap<int64_t, std::pair<bool, Buffer>> flying;
  std::vector<Association::Event> events;
};

Buffer Numbered(uint32_t number, size_t size) {
  Buffer bytes(size, static_cast<uint8_t>(number));
  base::StoreU32(bytes.data(), number);
  return bytes;
}
template <typename Messages>
std::vector<uint32_t> Numbers(const Messages& messages) {
  std::vector<uint32_t> numbers;
  for (const auto& message : messages) {
    numbers.push_back(base::LoadU32(message.bytes.data()));
  }
  return numbers;
}
std::vector<uint32_t> UpTo(uint32_t count) {
  std::vector<uint32_t> numbers(count);
  std::iota(numbers.begin(), numbers.end(), 0u);
  return numbers;
}

TEST(Usrsctp, ConnectsToUs) {
  Interop line;
  line.oracle.Start(Oracle::Role::kConnect);
  EXPECT_TRUE(
      line.RunUntil(TimeDelta::Seconds(1), [&] { return line.a.connected() && line.oracle.connected(); }));
  EXPECT_EQ(line.a.outgoing_streams(), 300) << "usrsctp allows fewer than we offer";
  EXPECT_TRUE(line.a.peer_supports_reset());
  EXPECT_TRUE(line.a.peer_supports_partial_reliability());
}

TEST(Usrsctp, AnswersOurConnect) {
  Interop line;
  line.oracle.Start(Oracle::Role::kListen);
  line.a.Connect(line.now());
  EXPECT_TRUE(
      line.RunUntil(TimeDelta::Seconds(1), [&] { return line.a.connected() && line.oracle.connected(); }));
}

TEST(Usrsctp, ConnectsWhenBothOpen) {
  Interop line;
  line.Connect();
  EXPECT_FALSE(line.oracle.lost);
}

TEST(Usrsctp, ConnectsWhenBothOpenOverABadLine) {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    Interop line(0.3, seed);
    line.Connect();
  }
}

TEST(Usrsctp, ExchangesBigMessagesBothWays) {
  for (const double loss : {0.0, 0.03}) {
    Interop line(loss, 7);
    line.Connect();
    for (uint32_t i = 0; i < 6; ++i) {
      EXPECT_EQ(line.a.Send(line.now(), 2, 53, Numbered(i, 262'144)), SendStatus::kOk);
      EXPECT_TRUE(line.oracle.Send(3, 51, Numbered(i, 262'144)));
    }
    EXPECT_TRUE(line.RunUntil(TimeDelta::Seconds(300), [&] {
      return line.oracle.messages.size() == 6 && Of<Association::Message>(line.events).size() == 6;
    }));
    ASSERT_THAT(line.oracle.messages, SizeIs(6));
    const auto ours = Of<Association::Message>(line.events);
    ASSERT_THAT(ours, SizeIs(6));
    for (uint32_t i = 0; i < 6; ++i) {
      EXPECT_EQ(line.oracle.messages[i].bytes, Numbered(i, 262'144));
      EXPECT_EQ(line.oracle.messages[i].ppid, 53u);
      EXPECT_EQ(ours[i].bytes, Numbered(i, 262'144));
      EXPECT_EQ(ours[i].stream, 3);
    }
  }
}

TEST(Usrsctp, DeliversManySmallMessagesOverABadLine) {
  Interop line(0.1, 9);
  line.Connect();
  for (uint32_t i = 0; i < 500; ++i) {
    EXPECT_EQ(line.a.Send(line.now(), 1, 53, Numbered(i, 300)), SendStatus::kOk);
    EXPECT_TRUE(line.oracle.Send(1, 53, Numbered(i, 300)));
    if (i % 10 == 0) {
      line.RunFor(TimeDelta::Millis(20));
    }
  }
  EXPECT_TRUE(line.RunUntil(TimeDelta::Seconds(300), [&] {
    return line.oracle.messages.size() == 500 && Of<Association::Message>(line.events).size() == 500;
  }));
  EXPECT_EQ(Numbers(line.oracle.messages), UpTo(500));
  EXPECT_EQ(Numbers(Of<Association::Message>(line.events)), UpTo(500));
}

TEST(Usrsctp, AgreesOnAbandonedMessages) {
  for (const bool ordered : {true, false}) {
    Interop line(0.1, 11);
    line.Connect();
    for (uint32_t i = 0; i < 500; ++i) {
      line.a.Send(line.now(), 1, 53, Numbered(i, 300), {.ordered = ordered, .max_retransmits = 0});
      line.oracle.Send(1, 53, Numbered(i, 300), ordered, SCTP_PR_SCTP_RTX, 0);
      line.RunFor(TimeDelta::Millis(10));
    }
    line.RunFor(TimeDelta::Seconds(30));
    line.loss = 0;
    line.a.Send(line.now(), 1, 53, Numbered(777, 300));
    line.oracle.Send(1, 53, Numbered(778, 300));
    line.RunFor(TimeDelta::Seconds(10));
    const auto theirs = Numbers(line.oracle.messages);
    const auto ours = Numbers(Of<Association::Message>(line.events));
    EXPECT_THAT(theirs.size(), testing::AllOf(testing::Gt(400u), testing::Lt(490u)));
    EXPECT_THAT(ours.size(), testing::AllOf(testing::Gt(400u), testing::Lt(490u)));
    EXPECT_EQ(theirs.back(), 777u);
    EXPECT_EQ(ours.back(), 778u);
    EXPECT_EQ(line.a.counters().data_retransmitted, 0u);
    EXPECT_TRUE(line.a.connected());
  }
}

TEST(Usrsctp, AgreesOnMessagesPastTheirLifetime) {
  Interop line(0.1, 12);
  line.Connect();
  for (uint32_t i = 0; i < 60; ++i) {
    line.a.Send(line.now(), 1, 53, Numbered(i, 20'000), {.lifetime = TimeDelta::Millis(300)});
    line.oracle.Send(1, 53, Numbered(i, 20'000), true, SCTP_PR_SCTP_TTL, 300);
    line.RunFor(TimeDelta::Millis(50));
  }
  line.RunFor(TimeDelta::Seconds(20));
  line.loss = 0;
  line.a.Send(line.now(), 1, 53, Numbered(777, 300));
  line.oracle.Send(1, 53, Numbered(778, 300));
  line.RunFor(TimeDelta::Seconds(10));
  ASSERT_FALSE(line.oracle.messages.empty());
  EXPECT_EQ(Numbers(line.oracle.messages).back(), 777u);
  EXPECT_EQ(Numbers(Of<Association::Message>(line.events)).back(), 778u);
  EXPECT_GT(line.a.counters().messages_abandoned, 0u);
  EXPECT_TRUE(line.a.connected());
  EXPECT_EQ(line.a.buffered_amount(), 0u);
}

TEST(Usrsctp, ShutsDownAfterOurDataIsThrough) {
  Interop line;
  line.Connect();
  for (uint32_t i = 0; i < 20; ++i) {
    line.a.Send(line.now(), 1, 53, Numbered(i, 20'000));
  }
  line.oracle.Shutdown();
  EXPECT_TRUE(
      line.RunUntil(TimeDelta::Seconds(10), [&] { return line.a.state() == Association::State::kClosed; }));
  line.RunFor(TimeDelta::Millis(100));
  EXPECT_EQ(Numbers(line.oracle.messages), UpTo(20));
  const auto closed = Of<Association::Closed>(line.events);
  ASSERT_THAT(closed, SizeIs(1));
  EXPECT_EQ(closed[0].reason, "shut down by the peer");
  EXPECT_EQ(line.a.counters().retransmission_timeouts, 0u);
  EXPECT_FALSE(line.oracle.lost);
}

TEST(Usrsctp, ResetsStreamsBothWays) {
  for (const double loss : {0.0, 0.1}) {
    Interop line(loss, 13);
    line.Connect();
    for (uint32_t i = 0; i < 10; ++i) {
      line.a.Send(line.now(), 5, 53, Numbered(i, 2000));
      line.oracle.Send(5, 53, Numbered(i, 2000));
    }
    line.RunFor(TimeDelta::Seconds(20));
    EXPECT_TRUE(line.a.ResetStream(line.now(), 5));
    line.RunFor(TimeDelta::Seconds(20));
    EXPECT_THAT(line.oracle.incoming_resets, ElementsAre(5));
    EXPECT_THAT(Of<Association::OutgoingReset>(line.events), SizeIs(1));
    line.oracle.ResetOutgoing(5);
    line.RunFor(TimeDelta::Seconds(20));
    EXPECT_THAT(line.oracle.outgoing_resets, ElementsAre(5));
    EXPECT_THAT(Of<Association::StreamReset>(line.events), SizeIs(1));
    for (uint32_t i = 10; i < 20; ++i) {
      line.a.Send(line.now(), 5, 53, Numbered(i, 2000));
      EXPECT_TRUE(line.oracle.Send(5, 53, Numbered(i, 2000)));
    }
    line.RunFor(TimeDelta::Seconds(120));
    EXPECT_EQ(Numbers(line.oracle.messages), UpTo(20));
    EXPECT_EQ(Numbers(Of<Association::Message>(line.events)), UpTo(20));
  }
}

}  // namespace
}  // namespace weir::sctp
