#include "front/server.h"

#include <boost/asio/ip/v6_only.hpp>

#include "front/core.h"

namespace weir::front {
namespace {

using Acceptor = asio::basic_socket_acceptor<asio::ip::tcp, Executor>;

// Accepting again at once would spin when the process is out of descriptors.
constexpr base::TimeDelta kAcceptRetry = base::TimeDelta::Millis(100);

base::Result<Acceptor> Bind(asio::io_context& io, const net::SocketAddress& address) {
  const auto endpoint = ToEndpoint(address);
  Acceptor acceptor(io.get_executor());
  ErrorCode error;
  const auto step = [&error](auto&& call) {
    if (!error) {
      call();
    }
  };
  step([&] { acceptor.open(endpoint.protocol(), error); });
  step([&] { acceptor.set_option(asio::socket_base::reuse_address(true), error); });
  if (address.ip.is_v6()) {
    // So that [::] and 0.0.0.0 can both be listed.
    step([&] { acceptor.set_option(asio::ip::v6_only(true), error); });
  }
  step([&] { acceptor.bind(endpoint, error); });
  step([&] { acceptor.listen(asio::socket_base::max_listen_connections, error); });
  if (error) {
    return base::Fail(base::ErrorCode::kUnavailable,
                      "cannot listen on " + address.ToString() + ": " + error.message());
  }
  return acceptor;
}

class ServerImpl final : public Server {
 public:
  ServerImpl(std::shared_ptr<Core> core, std::vector<Acceptor> acceptors)
      : core_(std::move(core)), acceptors_(std::move(acceptors)) {
    for (const Acceptor& acceptor : acceptors_) {
      bound_.push_back(FromEndpoint(acceptor.local_endpoint()));
    }
  }

  ~ServerImpl() override {
    CloseAcceptors();
    core_->BeginStop({});
    core_->Finish();
  }

  const std::vector<net::SocketAddress>& bound() const override { return bound_; }

  void Run() override {
    for (Acceptor& acceptor : acceptors_) {
      Accept(acceptor);
    }
    core_->StartTicking();
    // Ends by itself: Stop closes the acceptors and every connection, and then nothing is left to wait for.
    core_->io().run();
    core_->Finish();
  }

  void Stop(base::TimeDelta grace) override {
    // Run on the front thread, which outlives no Server: see Finish.
    core_->Post([this, grace] {
      CloseAcceptors();
      core_->BeginStop(grace);
    });
  }

  void Post(std::function<void()> work) override { core_->Post(std::move(work)); }
  void After(base::TimeDelta delay, std::function<void()> work) override {
    core_->PostAfter(delay, std::move(work));
  }
  void AddBackground(Background& background) override { core_->AddBackground(background); }
  base::Result<std::unique_ptr<HttpClient>> MakeHttpClient(HttpClient::Config config) override {
    return front::MakeHttpClient(core_, std::move(config));
  }
  const Counters& counters() const override { return core_->counters(); }

 private:
  void Accept(Acceptor& acceptor) {
    acceptor.async_accept([this, &acceptor](ErrorCode error, TcpSocket socket) {
      if (!acceptor.is_open()) {
        return;
      }
      if (!error) {
        OnAccepted(std::move(socket));
      } else if (error != asio::error::connection_aborted) {
        core_->log().Warn("accept failed", {{"error", error.message()}});
        return core_->PostAfter(kAcceptRetry, [this, &acceptor] {
          if (acceptor.is_open()) {
            Accept(acceptor);
          }
        });
      }
      Accept(acceptor);
    });
  }

  void OnAccepted(TcpSocket socket) {
    ErrorCode error;
    const auto endpoint = socket.remote_endpoint(error);
    if (error) {
      return;  // Gone already.
    }
    const net::SocketAddress remote = FromEndpoint(endpoint);
    if (core_->HasRoomFor(remote.ip)) {
      StartHttpConnection(core_, MakeTcpStream(std::move(socket), remote));
    }
  }

  void CloseAcceptors() {
    for (Acceptor& acceptor : acceptors_) {
      ErrorCode ignored;
      acceptor.close(ignored);
    }
  }

  const std::shared_ptr<Core> core_;
  std::vector<Acceptor> acceptors_;
  std::vector<net::SocketAddress> bound_;
};

}  // namespace

base::Result<std::unique_ptr<Server>> Server::Listen(Config config, OnRequest on_request,
                                                     OnUpgrade on_upgrade, base::Logger log) {
  const std::vector<net::SocketAddress> addresses = config.listen;
  if (addresses.empty()) {
    return base::Fail(base::ErrorCode::kInvalidArgument, "no address to listen on");
  }
  auto core =
      std::make_shared<Core>(std::move(config), std::move(on_request), std::move(on_upgrade), std::move(log));
  std::vector<Acceptor> acceptors;
  for (const net::SocketAddress& address : addresses) {
    acceptors.push_back(TRY(Bind(core->io(), address)));
  }
  return std::make_unique<ServerImpl>(std::move(core), std::move(acceptors));
}

}  // namespace weir::front
