#include "apps/serve.h"

#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <thread>

#include "config/log_sink.h"
#include "server/server.h"
#include "server/version.h"

extern char** environ;

namespace weir::apps {
namespace {

std::map<std::string, std::string> Environment() {
  std::map<std::string, std::string> variables;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const size_t equals = text.find('=');
    if (equals != std::string_view::npos) {
      variables.emplace(text.substr(0, equals), text.substr(equals + 1));
    }
  }
  return variables;
}

base::Result<config::Loaded> LoadConfiguration(const ServeOptions& options) {
  config::Sources sources;
  sources.environment = Environment();
  sources.overrides = options.overrides;
  if (!options.config_file.empty()) {
    sources.file_name = options.config_file;
    sources.text = TRY(config::ReadFile(options.config_file)).text;
  }
  return config::Load(sources);
}

std::unique_ptr<base::LogSink> MakeSink(const config::Logging& logging) {
  if (logging.json) {
    return std::make_unique<config::JsonLogSink>(logging.level, config::WriteTo(stderr));
  }
  return std::make_unique<config::ConsoleLogSink>(logging.level, config::WriteTo(stderr),
                                                  isatty(STDERR_FILENO) == 1);
}

sigset_t StopSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  return signals;
}

// The first signal stops the server in order; a second one ends the process where it is.
void WaitForSignals(server::Server& server, const base::Logger& log) {
  const sigset_t signals = StopSignals();
  int number = 0;
  sigwait(&signals, &number);
  log.Info("stopping, once more to exit at once", {{"signal", strsignal(number)}});
  std::thread([signals] {
    int again = 0;
    sigwait(&signals, &again);
    std::_Exit(1);
  }).detach();
  server.RequestStop();
}

void PrintWelcome(const server::Server& server) {
  const config::Config& config = server.config();
  std::printf("weir %s is ready\n", server::kVersion);
  if (config.development) {
    std::printf("\n  Open in two browser tabs:  http://localhost:%u/\n", config.port);
    std::printf("  For your own app:          ws://localhost:%u  key %s  secret %s\n\n", config.port,
                config.signing_key.c_str(), config.keys.Secret(config.signing_key)->c_str());
  }
  std::fflush(stdout);
}

}  // namespace

int Serve(const ServeOptions& options) {
  // Blocked before any thread starts, so that only the waiting thread gets them.
  const sigset_t signals = StopSignals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);

  const auto loaded = LoadConfiguration(options);
  if (!loaded) {
    std::fprintf(stderr, "weir: %s\n", loaded.error().message.c_str());
    return 1;
  }
  const std::unique_ptr<base::LogSink> sink = MakeSink(loaded->config.logging);
  const base::Logger log(sink.get());
  for (const std::string& warning : loaded->warnings) {
    log.Warn(warning);
  }
  auto server = server::Server::Start(loaded->config, log);
  if (!server) {
    std::fprintf(stderr, "weir: cannot start: %s\n", server.error().message.c_str());
    return 1;
  }
  log.Info("server started", {{"version", server::kVersion}, {"port", loaded->config.port}});
  PrintWelcome(**server);
  std::thread stopper([&] { WaitForSignals(**server, log); });
  (*server)->Run();
  stopper.join();
  log.Info("server stopped");
  return 0;
}

}  // namespace weir::apps
