#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <memory>

#include "server/metric_series.h"

namespace weir::server {
namespace {

struct Memory {
  double virtual_bytes = 0;
  double resident_bytes = 0;
};

// Both in pages, first in /proc/self/statm (proc(5)).
Memory ReadMemory() {
  const std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen("/proc/self/statm", "re"), &std::fclose);
  unsigned long all = 0;
  unsigned long resident = 0;
  if (file == nullptr || std::fscanf(file.get(), "%lu %lu", &all, &resident) != 2) {
    return {};
  }
  const auto page = static_cast<double>(sysconf(_SC_PAGESIZE));
  return {static_cast<double>(all) * page, static_cast<double>(resident) * page};
}

double OpenDescriptors() {
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(opendir("/proc/self/fd"), &closedir);
  int count = 0;
  while (folder != nullptr && readdir(folder.get()) != nullptr) {
    ++count;
  }
  return count > 3 ? count - 3 : 0;  // Without ".", ".." and the folder itself.
}

double Seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

}  // namespace

void WriteProcess(base::WallTime started, telemetry::Exposition& out) {
  const Memory memory = ReadMemory();
  out.Gauge("process_resident_memory_bytes", "Resident memory size in bytes.", memory.resident_bytes);
  out.Gauge("process_virtual_memory_bytes", "Virtual memory size in bytes.", memory.virtual_bytes);
  rusage usage{};
  if (getrusage(RUSAGE_SELF, &usage) == 0) {
    out.Counter("process_cpu_seconds_total", "Total user and system CPU time spent in seconds.",
                Seconds(usage.ru_utime) + Seconds(usage.ru_stime));
  }
  out.Gauge("process_open_fds", "Number of open file descriptors.", OpenDescriptors());
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    out.Gauge("process_max_fds", "Maximum number of open file descriptors.",
              static_cast<double>(limit.rlim_cur));
  }
  out.Gauge("process_start_time_seconds", "Start time of the process since unix epoch in seconds.",
            static_cast<double>(started.micros) / 1e6);
}

}  // namespace weir::server
