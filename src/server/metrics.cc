#include "server/metrics.h"

#include <utility>

#include "server/metric_series.h"
#include "server/version.h"

namespace weir::server {
namespace {

constexpr base::TimeDelta kMaxWait =
    base::TimeDelta::Seconds(1);  // For workers; scrapers give up after 10 s.

}  // namespace

void Metrics::Read(Done done) {
  waiting_.push_back(std::move(done));
  if (waiting_.size() > 1) {
    return;
  }
  const uint64_t reading = ++reading_;
  missing_ = 0;
  for (const auto& worker : workers_.all()) {
    const bool posted = worker->TakeSnapshot([this, reading](WorkerSnapshot snapshot) {
      // Shared: a function that crosses threads can be copied.
      front_->Post([this, reading, shared = std::make_shared<WorkerSnapshot>(std::move(snapshot))] {
        OnSnapshot(reading, std::move(*shared));
      });
    });
    missing_ += posted ? 1 : 0;
  }
  if (missing_ == 0) {
    Finish();
    return;
  }
  front_->After(kMaxWait, [this, reading] {
    if (reading == reading_ && missing_ > 0) {
      missing_ = 0;
      Finish();
    }
  });
}

void Metrics::Respond(const front::Server::Respond& respond) {
  Read([respond](const std::string& text) {
    respond({.content_type = std::string(telemetry::kContentType), .body = text});
  });
}

void Metrics::OnSnapshot(uint64_t reading, WorkerSnapshot snapshot) {
  const auto index = static_cast<size_t>(snapshot.index);
  last_[index] = std::move(snapshot);
  if (reading == reading_ && missing_ > 0 && --missing_ == 0) {
    Finish();
  }
}

void Metrics::Finish() {
  const std::string text = Text();
  for (const Done& done : std::exchange(waiting_, {})) {
    done(text);
  }
}

std::string Metrics::Text() const {
  telemetry::Exposition out({{"node_id", node_id_}, {"node_type", "SERVER"}});
  for (const auto& snapshot : last_) {
    if (snapshot) {
      WriteWorker(*snapshot, out);
    }
  }
  WriteSignalling(signal_, sessions_, out);
  api_.Write(out);
  WriteProcess(started_, out);
  out.Gauge("weir_build_info", "Always 1; the labels say which build this is.", 1,
            {{"version", kVersion}, {"livekit_version", kLiveKitVersion}});
  for (const Source& source : sources_) {
    source(out);
  }
  return out.Text();
}

}  // namespace weir::server
