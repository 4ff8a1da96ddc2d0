#include "server/web/metrics.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <utility>

namespace barograph::server {

MetricSink::MetricSink() = default;
MetricSink::~MetricSink() = default;

prometheus::MetricFamily& MetricSink::Family(const std::string& name, const std::string& help,
                                             int type) {
  const auto [entry, fresh] = index_.emplace(name, families_.size());
  if (fresh) families_.push_back({name, help, static_cast<prometheus::MetricType>(type), {}});
  return families_[entry->second];
}

namespace {
prometheus::ClientMetric Metric(const MetricSink::Labels& labels) {
  prometheus::ClientMetric metric;
  for (const auto& [name, value] : labels) metric.label.push_back({name, value});
  return metric;
}
}  // namespace

void MetricSink::Counter(const std::string& name, const std::string& help, double value,
                         const Labels& labels) {
  prometheus::ClientMetric metric = Metric(labels);
  metric.counter.value = value;
  Family(name, help, static_cast<int>(prometheus::MetricType::Counter)).metric.push_back(metric);
}

void MetricSink::Gauge(const std::string& name, const std::string& help, double value,
                       const Labels& labels) {
  prometheus::ClientMetric metric = Metric(labels);
  metric.gauge.value = value;
  Family(name, help, static_cast<int>(prometheus::MetricType::Gauge)).metric.push_back(metric);
}

std::string MetricSink::ToText() const { return prometheus::TextSerializer().Serialize(families_); }

void Metrics::AddSource(Source source) { sources_.push_back(std::move(source)); }

HttpAnswer Metrics::Scrape() const {
  MetricSink sink;
  for (const Source& source : sources_) source(sink);
  return {.content_type = "text/plain; version=0.0.4; charset=utf-8", .body = sink.ToText()};
}

}  // namespace barograph::server
