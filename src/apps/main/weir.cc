// The command line: one program, one subcommand for each job.

#include <CLI/CLI.hpp>
#include <string>

#include "apps/keys.h"
#include "apps/serve.h"
#include "server/version.h"

namespace {

void AddServe(CLI::App& app, weir::apps::ServeOptions& options, std::vector<std::string>& values) {
  CLI::App* serve = app.add_subcommand("serve", "Run the server");
  weir::config::Overrides& overrides = options.overrides;
  serve->add_option("--config", options.config_file, "YAML file with LiveKit's keys and weir's own")
      ->check(CLI::ExistingFile);
  serve->add_option("--config-body", overrides.config_body, "The YAML itself, instead of a file");
  serve->add_flag("--dev", overrides.development,
                  "Development mode: key devkey, secret secret, a call page at /, tokens for everyone");
  serve->add_option("--bind", overrides.bind_addresses,
                    "Address to listen on for HTTP and WebSocket; may be repeated");
  serve->add_option("--keys", overrides.keys, "API keys as \"key: secret\", one a line");
  serve->add_option("--key-file", overrides.key_file, "File with API keys");
  serve->add_option("--node-ip", overrides.node_ip,
                    "Address that clients reach this server at, instead of the interfaces' own");
  serve->add_option("--udp-port", overrides.udp_port,
                    "UDP port for media, or a range such as 7882-7897, one a worker");
  serve->add_option("--region", overrides.region, "Name of the region, shown to clients");
  serve->add_option("--set", values, "Any configuration key: --set rtc.tcp_port=7891; may be repeated");
  serve->add_flag("--disable-strict-config", overrides.relaxed,
                  "Warn about unknown configuration keys instead of refusing them");
  serve->footer("Without --dev at least one API key is needed; `weir generate-keys` makes one.");
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("weir: a WebRTC server that speaks the LiveKit protocol", "weir");
  app.set_version_flag("--version", std::string("weir ") + weir::server::kVersion + " (protocol of LiveKit " +
                                        weir::server::kLiveKitVersion + ")");
  app.require_subcommand(1);
  weir::apps::ServeOptions serve;
  std::vector<std::string> values;
  AddServe(app, serve, values);
  CLI::App* keys = app.add_subcommand("generate-keys", "Make an API key and secret for the configuration");
  CLI11_PARSE(app, argc, argv);

  if (*keys) {
    return weir::apps::GenerateKeys();
  }
  for (const std::string& value : values) {
    const size_t equals = value.find('=');
    if (equals == std::string::npos) {
      std::fprintf(stderr, "weir: --set %s: expected key=value\n", value.c_str());
      return 1;
    }
    serve.overrides.values.emplace_back(value.substr(0, equals), value.substr(equals + 1));
  }
  return weir::apps::Serve(serve);
}
