#include "front/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <vector>

#include "front/test_client.h"

namespace weir::front {
namespace {

using base::TimeDelta;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

// Answers with what it was asked, so that a test sees what arrived.
void Echo(HttpRequest request, const Server::Respond& respond) {
  HttpResponse response;
  response.body = request.method + " " + request.path + " " + request.query_string + " " + request.body;
  respond(std::move(response));
}
void RefuseUpgrade(const std::shared_ptr<Upgrade>& upgrade) {
  upgrade->Reject({.status = 401, .body = "no permissions to access the room"});
}
RunningServer EchoServer(Server::Config config = {}) { return {std::move(config), Echo, RefuseUpgrade}; }

constexpr char kGet[] = "GET /a?b=c HTTP/1.1\r\nHost: x\r\n\r\n";

TEST(FrontServer, AnswersAndKeepsTheConnection) {
  RunningServer server = EchoServer();
  RawClient client(server.address());
  for (int i = 0; i < 3; ++i) {
    client.Send(kGet);
    const std::string response = client.ReadResponse();
    EXPECT_THAT(response, StartsWith("HTTP/1.1 200 OK\r\n"));
    EXPECT_THAT(response, HasSubstr("Content-Type: text/plain\r\n"));
    EXPECT_THAT(response, EndsWith("GET /a b=c "));
  }
  EXPECT_EQ(server->counters().connections_accepted, 1u);
  EXPECT_EQ(server->counters().requests, 3u);
}

TEST(FrontServer, AnswersPipelinedRequestsInOrder) {
  RunningServer server = EchoServer();
  RawClient client(server.address());
  client.Send("GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(client.ReadResponse(), HasSubstr("GET /1"));
  EXPECT_THAT(client.ReadResponse(), HasSubstr("GET /2"));
  EXPECT_EQ(client.ReadToEnd(), "");
  EXPECT_FALSE(client.timed_out());
}

TEST(FrontServer, ReadsBodiesOfBothFramings) {
  RunningServer server = EchoServer();
  RawClient client(server.address());
  client.Send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello");
  EXPECT_THAT(client.ReadResponse(), EndsWith("POST /  hello"));
  client.Send(
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
  EXPECT_THAT(client.ReadResponse(), EndsWith("POST /  abcde"));
}

TEST(FrontServer, InvitesABodyThatWaitsToBeInvited) {
  RunningServer server = EchoServer();
  RawClient client(server.address());
  client.Send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_THAT(client.ReadResponse(), StartsWith("HTTP/1.1 100 Continue"));
  client.Send("ok");
  EXPECT_THAT(client.ReadResponse(), EndsWith("POST /  ok"));
}

TEST(FrontServer, CollapsesLeadingSlashes) {
  RunningServer server = EchoServer();
  RawClient client(server.address());
  client.Send("GET //rtc/validate HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(client.ReadResponse(), EndsWith("GET /rtc/validate  "));
}

TEST(FrontServer, AnswersHeadWithoutABody) {
  RunningServer server = EchoServer();
  RawClient client(server.address());
  client.Send("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n");
  const std::string response = client.ReadResponse(false);
  EXPECT_THAT(response, HasSubstr("Content-Length: 8\r\n"));
  EXPECT_THAT(response, EndsWith("\r\n\r\n"));
  client.Send(kGet);
  EXPECT_THAT(client.ReadResponse(), StartsWith("HTTP/1.1 200 OK"));
}

TEST(FrontServer, PutsCorsHeadersOnEveryResponse) {
  RunningServer server = EchoServer();
  RawClient client(server.address());
  client.Send("GET / HTTP/1.1\r\nHost: x\r\nOrigin: https://a.example\r\n\r\n");
  const std::string response = client.ReadResponse();
  EXPECT_THAT(response, HasSubstr("Access-Control-Allow-Origin: https://a.example\r\n"));
  EXPECT_THAT(response, HasSubstr("Access-Control-Expose-Headers: *\r\n"));
  client.Send("rubbish\r\n\r\n");
  EXPECT_THAT(client.ReadResponse(), HasSubstr("Access-Control-Allow-Origin: *\r\n"));
}

TEST(FrontServer, AnswersPreflightsItself) {
  RunningServer server = EchoServer();
  RawClient client(server.address());
  client.Send(
      "OPTIONS /twirp/x HTTP/1.1\r\nHost: x\r\nOrigin: https://a.example\r\n"
      "Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: "
      "authorization,content-type\r\n\r\n");
  const std::string response = client.ReadResponse();
  EXPECT_THAT(response, StartsWith("HTTP/1.1 204"));
  EXPECT_THAT(response, HasSubstr("Access-Control-Allow-Headers: authorization,content-type\r\n"));
  EXPECT_THAT(response,
              HasSubstr("Access-Control-Allow-Methods: OPTIONS, HEAD, GET, POST, PATCH, DELETE\r\n"));
  EXPECT_THAT(response, HasSubstr("Access-Control-Max-Age: 86400\r\n"));
  client.Send("OPTIONS /whip/v1 HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(client.ReadResponse(), EndsWith("OPTIONS /whip/v1  ")) << "not a preflight: the handler's";
}

TEST(FrontServer, RefusesWhatIsNotHttp) {
  for (const char* input :
       {"rubbish\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "GET * HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nbad header\r\n\r\n", "POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        "\x16\x03\x01\x02\x01\x01", "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"}) {
    RunningServer server = EchoServer();
    RawClient client(server.address());
    client.Send(input);
    EXPECT_THAT(client.ReadToEnd(), StartsWith("HTTP/1.1 400")) << input;
    EXPECT_FALSE(client.timed_out()) << input;
    EXPECT_EQ(server->counters().bad_requests, 1u);
  }
}

TEST(FrontServer, RefusesABodyOverItsLimit) {
  RunningServer server = EchoServer({.max_body = 100});
  {
    RawClient client(server.address());
    client.Send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 101\r\n\r\n" + std::string(101, 'x'));
    const std::string response = client.ReadToEnd();
    EXPECT_THAT(response, StartsWith("HTTP/1.1 413"));
    EXPECT_THAT(response, EndsWith("request body too large"));
  }
  {
    RawClient client(server.address());
    client.Send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n40\r\n" +
                std::string(64, 'x') + "\r\n40\r\n" + std::string(64, 'x') + "\r\n0\r\n\r\n");
    EXPECT_THAT(client.ReadToEnd(), HasSubstr("request body too large"));
  }
  RawClient client(server.address());
  client.Send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n" + std::string(100, 'x'));
  EXPECT_THAT(client.ReadResponse(), StartsWith("HTTP/1.1 200"));
}

TEST(FrontServer, TakesALongRequestLineAndRefusesTooLongAHeader) {
  RunningServer server = EchoServer({.max_header = 300'000});
  RawClient good(server.address());
  const std::string query(250'000, 'q');
  good.Send("GET /rtc?" + query + " HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(good.ReadResponse(), HasSubstr(query));
  RawClient bad(server.address());
  bad.Send("GET /rtc?" + std::string(400'000, 'q') + " HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(bad.ReadToEnd(), StartsWith("HTTP/1.1 431"));
}

TEST(FrontServer, ClosesAConnectionThatSendsNothing) {
  RunningServer server = EchoServer({.header_timeout = TimeDelta::Millis(50)});
  RawClient client(server.address());
  EXPECT_EQ(client.ReadToEnd(), "");
  EXPECT_FALSE(client.timed_out());
  EXPECT_EQ(server->counters().timeouts, 1u);
}

TEST(FrontServer, ClosesAHeaderAndABodyThatNeverEnd) {
  RunningServer server =
      EchoServer({.header_timeout = TimeDelta::Millis(50), .body_timeout = TimeDelta::Millis(50)});
  RawClient header(server.address());
  header.Send("GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ");
  EXPECT_EQ(header.ReadToEnd(), "");
  RawClient body(server.address());
  body.Send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc");
  EXPECT_EQ(body.ReadToEnd(), "");
  EXPECT_FALSE(header.timed_out() || body.timed_out());
}

TEST(FrontServer, ClosesAnIdleConnection) {
  RunningServer server = EchoServer({.idle_timeout = TimeDelta::Millis(50)});
  RawClient client(server.address());
  client.Send(kGet);
  EXPECT_THAT(client.ReadResponse(), StartsWith("HTTP/1.1 200"));
  EXPECT_EQ(client.ReadToEnd(), "");
  EXPECT_FALSE(client.timed_out());
}

TEST(FrontServer, LimitsTheConnectionsOfOneAddress) {
  RunningServer server = EchoServer({.max_connections_per_address = 2});
  RawClient first(server.address());
  first.Send(kGet);
  EXPECT_NE(first.ReadResponse(), "");
  {
    RawClient second(server.address());
    second.Send(kGet);
    EXPECT_NE(second.ReadResponse(), "");
    RawClient third(server.address());
    EXPECT_EQ(third.ReadToEnd(), "");
    EXPECT_EQ(server->counters().connections_refused, 1u);
    second.Send("GET / HTTP/1.1\r\nConnection: close\r\n\r\n");
    EXPECT_NE(second.ReadToEnd(), "");
  }
  // The second one's place comes free when the server has noticed its end.
  std::string response;
  while (response.empty()) {
    RawClient next(server.address());
    next.Send(kGet);
    response = next.ReadResponse();
    ASSERT_FALSE(next.timed_out());
  }
  EXPECT_THAT(response, StartsWith("HTTP/1.1 200"));
}

TEST(FrontServer, LimitsTheConnectionsInAll) {
  RunningServer server = EchoServer({.max_connections = 1});
  RawClient first(server.address());
  first.Send(kGet);
  EXPECT_NE(first.ReadResponse(), "");
  RawClient second(server.address());
  EXPECT_EQ(second.ReadToEnd(), "");
  EXPECT_EQ(server->counters().connections_refused, 1u);
}

TEST(FrontServer, TakesAnAnswerFromAnotherThreadOnce) {
  std::promise<Server::Respond> asked;
  RunningServer server(
      {}, [&](const HttpRequest&, Server::Respond respond) { asked.set_value(std::move(respond)); },
      RefuseUpgrade);
  RawClient client(server.address());
  client.Send(kGet);
  const Server::Respond respond = asked.get_future().get();
  respond({.status = 404, .body = "first"});
  respond({.body = "second"});
  EXPECT_THAT(client.ReadResponse(), EndsWith("first"));
}

TEST(FrontServer, AnswersForAHandlerThatForgets) {
  RunningServer server(
      {}, [](const HttpRequest&, const Server::Respond&) {}, [](const std::shared_ptr<Upgrade>&) {});
  RawClient client(server.address());
  client.Send(kGet);
  EXPECT_THAT(client.ReadResponse(), StartsWith("HTTP/1.1 500"));
  client.Send(
      "GET /rtc HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
  EXPECT_THAT(client.ReadResponse(), StartsWith("HTTP/1.1 500"));
}

TEST(FrontServer, AnswersForAHandlerThatTakesTooLong) {
  std::promise<Server::Respond> asked;
  RunningServer server(
      {.answer_timeout = TimeDelta::Millis(50)},
      [&](const HttpRequest&, Server::Respond respond) { asked.set_value(std::move(respond)); },
      RefuseUpgrade);
  RawClient client(server.address());
  client.Send(kGet);
  const Server::Respond late = asked.get_future().get();
  EXPECT_THAT(client.ReadResponse(), StartsWith("HTTP/1.1 503"));
  late({.body = "too late"});
  server.Stop();
  EXPECT_THAT(client.ReadToEnd(), Not(HasSubstr("too late")));
}

TEST(FrontServer, OutlivesAHandleThatComesAfterItsEnd) {
  Server::Respond late;
  {
    RunningServer server(
        {}, [&](const HttpRequest&, Server::Respond respond) { late = std::move(respond); }, RefuseUpgrade);
    RawClient client(server.address());
    client.Send(kGet);
    server.Stop(TimeDelta::Millis(1));
  }
  if (late) {
    late({.body = "nobody listens"});
  }
}

TEST(FrontServer, AnswersARejectedUpgradeAsHttp) {
  RunningServer server = EchoServer();
  RawClient client(server.address());
  client.Send(
      "GET /rtc HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
  const std::string response = client.ReadResponse();
  EXPECT_THAT(response, StartsWith("HTTP/1.1 401"));
  EXPECT_THAT(response, EndsWith("no permissions to access the room"));
}

std::string Handshake(std::string_view version, std::string_view key, std::string_view more = "") {
  return "GET /rtc HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: "
         "websocket\r\nSec-WebSocket-Version: " +
         std::string(version) + "\r\nSec-WebSocket-Key: " + std::string(key) + "\r\n" + std::string(more) +
         "\r\n";
}
constexpr char kKey[] = "dGhlIHNhbXBsZSBub25jZQ==";

TEST(FrontServer, RefusesABrokenHandshakeBeforeItsHandler) {
  bool asked = false;
  RunningServer server({}, Echo, [&](const std::shared_ptr<Upgrade>&) { asked = true; });
  RawClient client(server.address());
  client.Send(Handshake("8", kKey));
  const std::string response = client.ReadResponse();
  EXPECT_THAT(response, StartsWith("HTTP/1.1 426"));
  EXPECT_THAT(response, HasSubstr("Sec-WebSocket-Version: 13\r\n"));
  client.Send(Handshake("13", "short"));
  EXPECT_THAT(client.ReadResponse(), StartsWith("HTTP/1.1 400"));
  server.Stop();
  EXPECT_FALSE(asked);
}

TEST(FrontServer, AnswersTheHandshakesOfCommonClients) {
  RunningServer server({}, Echo, [](const std::shared_ptr<Upgrade>& upgrade) {
    upgrade->Accept([](const std::shared_ptr<WebSocket>&) {});
  });
  const auto answer = [&](std::string_view offer) {
    RawClient client(server.address());
    client.Send(Handshake("13", kKey, "Sec-WebSocket-Extensions: " + std::string(offer) + "\r\n"));
    return client.ReadResponse(false);
  };
  const std::string browser = answer("permessage-deflate; client_max_window_bits");
  EXPECT_THAT(browser, StartsWith("HTTP/1.1 101"));
  EXPECT_THAT(browser,
              HasSubstr("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));  // RFC 6455's example.
  EXPECT_THAT(browser, HasSubstr("Sec-WebSocket-Extensions: permessage-deflate"));
  EXPECT_THAT(browser, Not(HasSubstr("Beast")));
  // gorilla/websocket fails unless both are echoed.
  const std::string go = answer("permessage-deflate; server_no_context_takeover; client_no_context_takeover");
  EXPECT_THAT(go, HasSubstr("server_no_context_takeover"));
  EXPECT_THAT(go, HasSubstr("client_no_context_takeover"));
  EXPECT_THAT(answer("x-unknown"), Not(HasSubstr("Sec-WebSocket-Extensions")));
}

TEST(FrontServer, StopEndsIdleConnectionsAtOnceAndLetsAnswersFinish) {
  std::promise<Server::Respond> asked;
  RunningServer server(
      {},
      [&](const HttpRequest& request, Server::Respond respond) {
        if (request.path == "/slow") {
          return asked.set_value(std::move(respond));
        }
        respond({.body = "ok"});
      },
      RefuseUpgrade);
  RawClient idle(server.address());
  idle.Send(kGet);
  EXPECT_NE(idle.ReadResponse(), "");
  RawClient busy(server.address());
  busy.Send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
  const Server::Respond respond = asked.get_future().get();
  server->Stop(TimeDelta::Seconds(60));
  EXPECT_EQ(idle.ReadToEnd(), "");
  respond({.body = "done"});
  EXPECT_THAT(busy.ReadToEnd(), EndsWith("done"));
  server.Stop();
  EXPECT_EQ(server->counters().connections_open, 0u);
}

TEST(FrontServer, StopDropsWhatIsLeftAfterItsGrace) {
  std::promise<Server::Respond> asked;
  RunningServer server(
      {}, [&](const HttpRequest&, Server::Respond respond) { asked.set_value(std::move(respond)); },
      RefuseUpgrade);
  RawClient client(server.address());
  client.Send(kGet);
  const Server::Respond never = asked.get_future().get();
  server.Stop(TimeDelta::Millis(10));
  EXPECT_EQ(client.ReadToEnd(), "");
  EXPECT_FALSE(client.timed_out());
}

TEST(FrontServer, RunsPostedAndTimedWorkOnItsThread) {
  RunningServer server = EchoServer();
  std::promise<std::thread::id> posted;
  std::promise<std::thread::id> timed;
  server->Post([&] { posted.set_value(std::this_thread::get_id()); });
  server->After(TimeDelta::Millis(5), [&] { timed.set_value(std::this_thread::get_id()); });
  const auto front = posted.get_future().get();
  EXPECT_NE(front, std::this_thread::get_id());
  EXPECT_EQ(timed.get_future().get(), front);
}

TEST(FrontServer, DropsTimedWorkAtStop) {
  bool ran = false;
  {
    RunningServer server = EchoServer();
    server->After(TimeDelta::Seconds(3600), [&] { ran = true; });
  }
  EXPECT_FALSE(ran);
}

TEST(FrontServer, StopsBeforeItRunsAndWithoutRunning) {
  RunningServer server = EchoServer();
  server->Stop();
  server->Stop();
  const auto never_run =
      Server::Listen({.listen = {{net::IpAddress::V4(127, 0, 0, 1), 0}}}, Echo, RefuseUpgrade);
  ASSERT_TRUE(never_run);
  (*never_run)->Stop();
}

TEST(FrontServer, SaysWhyItCannotListen) {
  RunningServer server = EchoServer();
  const auto second = Server::Listen({.listen = {server.address()}}, Echo, RefuseUpgrade);
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().message, HasSubstr(server.address().ToString()));
  EXPECT_THAT(second.error().message, HasSubstr("in use"));
  EXPECT_FALSE(Server::Listen({}, Echo, RefuseUpgrade));
}

TEST(FrontServer, ServesBothFamiliesOnOnePort) {
  RunningServer v4 = EchoServer({.listen = {{*net::IpAddress::Parse("0.0.0.0"), 0}}});
  const uint16_t port = v4.address().port;
  const auto v6 = Server::Listen({.listen = {{*net::IpAddress::Parse("::"), port}}}, Echo, RefuseUpgrade);
  EXPECT_TRUE(v6) << v6.error().message;
}

}  // namespace
}  // namespace weir::front
