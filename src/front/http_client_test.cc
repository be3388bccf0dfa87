#include "front/http_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>

#include "front/test_client.h"
#include "front/test_receiver.h"

namespace weir::front {
namespace {

using base::TimeDelta;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr char kOk[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

HttpClient::Config ShortTimeouts() {
  const TimeDelta brief = TimeDelta::Millis(200);
  return {.resolve_timeout = brief, .connect_timeout = brief, .write_timeout = brief, .read_timeout = brief};
}

// A front server whose client makes the requests.
class Poster {
 public:
  explicit Poster(HttpClient::Config config = {})
      : server_(
            {}, [](HttpRequest, const Server::Respond&) {}, [](std::shared_ptr<Upgrade>) {}),
        client_(*server_->MakeHttpClient(std::move(config))) {}

  std::future<HttpClient::Outcome> Begin(const std::string& url, std::string body = "body") {
    const auto promise = std::make_shared<std::promise<HttpClient::Outcome>>();
    const auto parsed = ParseUrl(url);
    EXPECT_TRUE(parsed) << parsed.error().message;
    server_->Post([this, url = *parsed, body = std::move(body), promise] {
      client_->Post(url, {{"Authorization", "token"}}, body,
                    [promise](HttpClient::Outcome outcome) { promise->set_value(std::move(outcome)); });
    });
    return promise->get_future();
  }
  HttpClient::Outcome Post(const std::string& url, std::string body = "body") {
    auto outcome = Begin(url, std::move(body));
    if (outcome.wait_for(std::chrono::milliseconds(kPatienceMs)) != std::future_status::ready) {
      return {.status = -1, .error = "the test waited in vain"};
    }
    return outcome.get();
  }
  RunningServer& server() { return server_; }

 private:
  RunningServer server_;
  std::unique_ptr<HttpClient> client_;
};

HttpClient::Outcome PostTo(const Receiver::Serve& serve, const HttpClient::Config& config = {},
                           std::string body = "body") {
  Receiver receiver(serve);
  Poster poster(config);
  return poster.Post(receiver.Url(), std::move(body));
}

TEST(HttpClient, PostsAndTellsTheStatus) {
  std::string request;
  const auto outcome = PostTo([&](Channel& channel) {
    request = channel.ReadRequest();
    channel.Write(kOk);
  });
  EXPECT_EQ(outcome.status, 200) << outcome.error;
  EXPECT_THAT(request, StartsWith("POST /hook HTTP/1.1\r\nHost: 127.0.0.1:"));
  EXPECT_THAT(request, HasSubstr("\r\nAuthorization: token\r\n"));
  EXPECT_THAT(request, EndsWith("\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbody"));
}

TEST(HttpClient, SendsALargeBodyWhole) {
  std::string request;
  const auto outcome = PostTo(
      [&](Channel& channel) {
        request = channel.ReadRequest();
        channel.Write(kOk);
      },
      {}, std::string(3 << 20, 'b'));
  EXPECT_EQ(outcome.status, 200) << outcome.error;
  EXPECT_GT(request.size(), 3u << 20);
}

TEST(HttpClient, FindsAHostByName) {
  Receiver receiver([](Channel& channel) {
    channel.ReadRequest();
    channel.Write(kOk);
  });
  Poster poster;
  EXPECT_EQ(poster.Post(receiver.Url("localhost")).status, 200);
  EXPECT_EQ(poster.Post(receiver.Url("localhost")).status, 200);
  const auto nowhere = poster.Post("http://host.invalid/");
  EXPECT_EQ(nowhere.status, 0);
  EXPECT_THAT(nowhere.error, StartsWith("cannot find host.invalid: "));
}

TEST(HttpClient, ReadsEveryFormOfResponse) {
  struct Case {
    const char* response;
    int status;
  };
  for (const Case& test :
       {Case{"HTTP/1.1 204 No Content\r\n\r\n", 204}, Case{"HTTP/1.0 404 \r\n\r\ntext until the end", 404},
        Case{"HTTP/1.1 503 x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n", 503},
        Case{"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200},
        Case{"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", 302},
        // What is left out of a body changes nothing.
        Case{"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort", 200}}) {
    const auto outcome = PostTo([&](Channel& channel) {
      channel.ReadRequest();
      channel.Write(test.response);
    });
    EXPECT_EQ(outcome.status, test.status) << test.response << outcome.error;
  }
}

TEST(HttpClient, GarbageIsNoResponse) {
  for (const std::string& garbage :
       {std::string("SSH-2.0-OpenSSH_9.2\r\n\r\n"), std::string("HTTP/1.1 2x0 OK\r\n\r\n"),
        std::string("HTTP/1.1 200 OK\r\nContent-Length: nonsense\r\n\r\n"), std::string(100, '\0'),
        std::string()}) {
    const auto outcome = PostTo([&](Channel& channel) {
      channel.ReadRequest();
      channel.Write(garbage);
    });
    EXPECT_EQ(outcome.status, 0) << garbage;
    EXPECT_THAT(outcome.error, StartsWith("no response: "));
  }
}

TEST(HttpClient, InterimResponsesWithoutEndAreNoResponse) {
  const auto outcome = PostTo([](Channel& channel) {
    channel.ReadRequest();
    for (int i = 0; i < 100; ++i) {
      channel.Write("HTTP/1.1 102 Processing\r\n\r\n");
    }
  });
  EXPECT_EQ(outcome.error, "no response: too many interim ones");
}

TEST(HttpClient, AHeaderOverTheLimitIsNoResponse) {
  const auto outcome = PostTo([](Channel& channel) {
    channel.ReadRequest();
    channel.Write("HTTP/1.1 200 OK\r\nX: " + std::string(17 << 10, 'x') + "\r\n\r\n");
  });
  EXPECT_EQ(outcome.status, 0);
  EXPECT_THAT(outcome.error, HasSubstr("limit"));
}

TEST(HttpClient, ABodyOverTheLimitIsCut) {
  const auto outcome = PostTo([](Channel& channel) {
    channel.ReadRequest();
    channel.Write("HTTP/1.1 201 Created\r\n\r\n" + std::string(8 << 20, 'x'));
  });
  EXPECT_EQ(outcome.status, 201) << outcome.error;
}

TEST(HttpClient, AReceiverThatClosesAtOnceIsNoResponse) {
  const auto outcome = PostTo([](Channel&) {});
  EXPECT_EQ(outcome.status, 0);
  EXPECT_THAT(outcome.error, Not(HasSubstr("in time")));
}

TEST(HttpClient, GivesUpAReceiverThatDoesNotAnswer) {
  const auto outcome = PostTo([](Channel& channel) { channel.WaitForEnd(); }, ShortTimeouts());
  EXPECT_EQ(outcome.status, 0);
  EXPECT_EQ(outcome.error, "no response: no answer in time");
}

TEST(HttpClient, GivesUpAReceiverThatDoesNotRead) {
  std::promise<void> given_up;
  Receiver receiver([&](Channel&) { given_up.get_future().wait(); });
  Poster poster(ShortTimeouts());
  const auto outcome = poster.Post(receiver.Url(), std::string(32 << 20, 'b'));
  given_up.set_value();
  EXPECT_EQ(outcome.error, "the request was not taken: no answer in time");
}

TEST(HttpClient, ADripOfBytesDoesNotHoldItForever) {
  const auto outcome = PostTo(
      [](Channel& channel) {
        channel.ReadRequest();
        channel.Write("HTTP/1.1 200 OK\r\n");
        channel.WaitForEnd();
      },
      ShortTimeouts());
  EXPECT_EQ(outcome.error, "no response: no answer in time");
}

TEST(HttpClient, NobodyListening) {
  uint16_t port = 0;
  {
    Receiver gone([](Channel&) {});
    port = gone.port();
  }
  Poster poster;
  const auto outcome = poster.Post("http://127.0.0.1:" + std::to_string(port) + "/");
  EXPECT_EQ(outcome.status, 0);
  EXPECT_EQ(outcome.error, "cannot connect to 127.0.0.1:" + std::to_string(port) + ": Connection refused");
}

TEST(HttpClient, TrustsAKnownAuthorityForTheHostItNames) {
  const TestAuthority authority;
  const auto by_name = authority.ServerContext("DNS:localhost");
  const auto by_address = authority.ServerContext("IP:127.0.0.1");
  const auto answer = [](Channel& channel) {
    channel.ReadRequest();
    channel.Write(kOk);
  };
  Receiver named(answer, by_name.get());
  Receiver numbered(answer, by_address.get());
  Poster poster({.ca_file = authority.file()});
  const auto outcome = poster.Post(named.Url("localhost"));
  EXPECT_EQ(outcome.status, 200) << outcome.error;
  EXPECT_EQ(poster.Post(numbered.Url("127.0.0.1")).status, 200);

  const auto wrong_address = poster.Post(named.Url("127.0.0.1"));
  EXPECT_EQ(wrong_address.error, "no TLS with 127.0.0.1: IP address mismatch");
  const auto wrong_name = poster.Post(numbered.Url("localhost"));
  EXPECT_EQ(wrong_name.error, "no TLS with localhost: hostname mismatch");
}

TEST(HttpClient, DistrustsAnAuthorityThatNobodyNamed) {
  const TestAuthority authority;
  const auto context = authority.ServerContext("DNS:localhost");
  std::atomic<bool> reached = false;
  Receiver receiver([&](Channel&) { reached = true; }, context.get());
  Poster poster;
  const auto outcome = poster.Post(receiver.Url("localhost"));
  EXPECT_EQ(outcome.status, 0);
  EXPECT_EQ(outcome.error, "no TLS with localhost: unable to get local issuer certificate");
}

TEST(HttpClient, PlainHttpWhereTlsIsExpected) {
  Receiver receiver([](Channel& channel) {
    channel.Write("HTTP/1.1 400 Bad Request\r\n\r\n");
    channel.WaitForEnd();
  });
  Poster poster(ShortTimeouts());
  const auto outcome = poster.Post("https://127.0.0.1:" + std::to_string(receiver.port()) + "/");
  EXPECT_EQ(outcome.status, 0);
  EXPECT_THAT(outcome.error, StartsWith("no TLS with 127.0.0.1: "));
}

TEST(HttpClient, AFileOfAuthoritiesThatIsMissingIsTold) {
  Poster poster;
  const auto client = poster.server()->MakeHttpClient({.ca_file = "/nowhere/ca.pem"});
  ASSERT_FALSE(client);
  EXPECT_EQ(client.error().message, "cannot read certificates from /nowhere/ca.pem");
}

TEST(HttpClient, WithoutAuthoritiesThereIsNoHttps) {
  Poster poster({.https = false});
  EXPECT_EQ(poster.Post("https://127.0.0.1:1/").error, "this client was made without https");
}

TEST(HttpClient, AStopLetsARequestFinish) {
  std::promise<void> asked;
  std::promise<void> stopping;
  Receiver receiver([&](Channel& channel) {
    channel.ReadRequest();
    asked.set_value();
    stopping.get_future().wait();
    channel.Write(kOk);
  });
  Poster poster;
  auto outcome = poster.Begin(receiver.Url());
  asked.get_future().wait();
  poster.server()->Stop(TimeDelta::Seconds(5));
  stopping.set_value();
  EXPECT_EQ(outcome.get().status, 200);
}

TEST(HttpClient, AStopDropsWhatOutlastsItsGrace) {
  std::promise<void> asked;
  Receiver receiver([&](Channel& channel) {
    channel.ReadRequest();
    asked.set_value();
    channel.WaitForEnd();
  });
  Poster poster;
  auto outcome = poster.Begin(receiver.Url());
  asked.get_future().wait();
  poster.server().Stop(TimeDelta::Millis(100));
  EXPECT_THROW(outcome.get(), std::future_error) << "destroyed uncalled";
}

// Ends a stop only when it is done.
class Errand final : public Server::Background {
 public:
  void OnTick(base::Timestamp) override { --left; }
  bool busy() const override { return left > 0; }
  std::atomic<int> left = 0;
};

TEST(FrontBackground, HoldsUpAStopUntilItIsDone) {
  Errand errand;
  RunningServer server(
      {}, [](HttpRequest, const Server::Respond&) {}, [](std::shared_ptr<Upgrade>) {}, &errand);
  errand.left = 4;
  server.Stop(TimeDelta::Seconds(10));
  EXPECT_LE(errand.left, 0);
}

TEST(FrontBackground, DoesNotOutlastTheGrace) {
  Errand errand;
  RunningServer server(
      {}, [](HttpRequest, const Server::Respond&) {}, [](std::shared_ptr<Upgrade>) {}, &errand);
  errand.left = 1'000'000;
  server.Stop(TimeDelta::Millis(250));
  EXPECT_GT(errand.left, 0);
}

}  // namespace
}  // namespace weir::front
