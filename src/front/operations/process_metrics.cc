#include "front/operations/process_metrics.h"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <fstream>
#include <string>

namespace visor::front::operations {
namespace {

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

// Seconds since the epoch at which this process was started: the age that the kernel knows, taken
// from now. Zero if there is no /proc.
double start_time() {
  std::ifstream stat_file("/proc/self/stat");
  std::string text;
  std::getline(stat_file, text);
  // The second field, the program's name in parentheses, may hold anything; the 22nd is the start.
  std::size_t at = text.rfind(')');
  for (int field = 2; field < 22 && at != std::string::npos; ++field) at = text.find(' ', at + 1);
  double uptime = 0;
  std::ifstream("/proc/uptime") >> uptime;
  if (at == std::string::npos || uptime <= 0) return 0;
  const double started =
      std::strtod(text.c_str() + at, nullptr) / static_cast<double>(::sysconf(_SC_CLK_TCK));
  const std::chrono::duration<double> now = std::chrono::system_clock::now().time_since_epoch();
  return now.count() - (uptime - started);
}

// Nothing is kept of the entries but their number: "." and ".." and the folder itself are not among
// the descriptors.
int open_descriptors() {
  DIR* folder = ::opendir("/proc/self/fd");
  if (folder == nullptr) return -1;
  int count = -3;
  while (::readdir(folder) != nullptr) ++count;
  ::closedir(folder);
  return count;
}

}  // namespace

ProcessMetrics::ProcessMetrics(metrics::Registry& registry)
    : processor_(registry.total("process_cpu_seconds_total",
                                "Processor time of user and system, in seconds.")),
      resident_(registry.gauge("process_resident_memory_bytes", "Resident memory, in bytes.")),
      virtual_(registry.gauge("process_virtual_memory_bytes", "Virtual memory, in bytes.")),
      descriptors_(registry.gauge("process_open_fds", "Open file descriptors.")),
      descriptor_limit_(registry.gauge("process_max_fds", "The most file descriptors.")) {
  registry
      .gauge("process_start_time_seconds",
             "When the process was started, in seconds since 1970-01-01 00:00 UTC.")
      .set(start_time());
  registry
      .gauge("visor_build_info", "Always 1; the labels tell the build.",
             {{"version", VISOR_VERSION}, {"compiler", __VERSION__}})
      .set(1);
}

void ProcessMetrics::sample() {
  rusage usage{};
  if (::getrusage(RUSAGE_SELF, &usage) == 0) {
    processor_.set(seconds(usage.ru_utime) + seconds(usage.ru_stime));
  }
  double size = 0;
  double resident = 0;
  if (std::ifstream("/proc/self/statm") >> size >> resident) {
    const auto page = static_cast<double>(::sysconf(_SC_PAGESIZE));
    virtual_.set(size * page);
    resident_.set(resident * page);
  }
  if (const int count = open_descriptors(); count >= 0) descriptors_.set(count);
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    descriptor_limit_.set(static_cast<double>(limit.rlim_cur));
  }
}

}  // namespace visor::front::operations
