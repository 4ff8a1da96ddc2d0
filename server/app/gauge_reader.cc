#include "server/app/gauge_reader.h"

#include <absl/time/time.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "storage/base/thread.h"

namespace barograph::server {
namespace {

constexpr double kBillion = 1e9;

}  // namespace

std::vector<storage::GaugeReading> ReadServerGauges(const std::string& data,
                                                    const ingest::KafkaFigures* kafka) {
  std::vector<storage::GaugeReading> readings;
  struct statvfs disk {};
  if (::statvfs(data.c_str(), &disk) == 0 && disk.f_blocks > 0) {
    const double percent =
        100.0 * static_cast<double>(disk.f_bavail) / static_cast<double>(disk.f_blocks);
    readings.push_back({"disk.free", "", std::llround(percent * kBillion)});
  }
  double lag = 0;
  if (kafka != nullptr) {
    for (const ingest::KafkaPartitionFigures& partition : kafka->partitions)
      lag = std::max(lag, partition.lag_seconds.value_or(0));
  }
  readings.push_back({"ingest.lag", "", std::llround(lag * kBillion)});
  return readings;
}

GaugeReader::GaugeReader(Duration every, std::function<void()> read)
    : every_(every), read_(std::move(read)) {
  thread_ = StartThread("gauges", [this] { Run(); });
}

GaugeReader::~GaugeReader() {
  {
    const absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  thread_.join();
}

void GaugeReader::Run() {
  while (true) {
    read_();
    const absl::MutexLock lock(&mutex_);
    if (mutex_.AwaitWithTimeout(absl::Condition(&stopping_), absl::FromChrono(every_))) return;
  }
}

}  // namespace barograph::server
