#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "server/web/http_server.h"

namespace prometheus {
struct MetricFamily;
}

namespace barograph::server {

/// Collects the lines of one scrape. Names follow Prometheus' conventions: prefix `barograph_`,
/// base units, `_total` for counters.
class MetricSink {
 public:
  using Labels = std::map<std::string, std::string>;
  MetricSink();
  ~MetricSink();
  void Counter(const std::string& name, const std::string& help, double value,
               const Labels& labels = {});
  void Gauge(const std::string& name, const std::string& help, double value,
             const Labels& labels = {});
  /// Text format 0.0.4, families in order of first use.
  [[nodiscard]] std::string ToText() const;

 private:
  prometheus::MetricFamily& Family(const std::string& name, const std::string& help, int type);

  std::vector<prometheus::MetricFamily> families_;
  std::map<std::string, std::size_t> index_;
};

/// Serves what its sources say at the moment of the scrape.
/// Threads: AddSource before the HTTP server starts; sources are called on its route thread.
class Metrics {
 public:
  using Source = std::function<void(MetricSink&)>;
  void AddSource(Source source);
  /// The answer to a scrape.
  [[nodiscard]] HttpAnswer Scrape() const;

 private:
  std::vector<Source> sources_;
};

}  // namespace barograph::server
