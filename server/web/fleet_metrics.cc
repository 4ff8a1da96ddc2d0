#include "server/web/fleet_metrics.h"

#include <array>
#include <future>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

namespace barograph::server {

namespace {

using rules::CellId;
using rules::MeasureId;

/// Projections of one dimension that every store has.
constexpr std::array<std::string_view, 5> kBuiltIn{"agent", "type", "model", "category", "service"};
/// Cells read in one slice of the writer's time.
constexpr std::size_t kCellsPerSlice = 64;

struct FleetSample {
  rules::MeasureName measure;
  rules::MeasureUnit unit = rules::MeasureUnit::kCount;
  std::string dimension, value;
  Int128 total = 0;
};

/// Copies running totals out of the writer, some cells at a time.
class FleetReading {
 public:
  explicit FleetReading(std::string tenant) : tenant_(std::move(tenant)) {}

  bool Step(const Partition::ReadView& view) {
    const rules::WindowStore* windows = view.engine.windows(tenant_);
    if (windows == nullptr) return false;
    if (!listed_) List(*windows);
    for (std::size_t cell = 0; cell < kCellsPerSlice && next_ < cells_.size(); ++cell) {
      Copy(*windows, cells_[next_++]);
    }
    return next_ < cells_.size();
  }
  [[nodiscard]] const std::vector<FleetSample>& samples() const { return samples_; }
  [[nodiscard]] std::size_t dropped() const { return dropped_; }

 private:
  void List(const rules::WindowStore& windows) {
    listed_ = true;
    const auto add = [&](const rules::Projection& projection) {
      windows.ForEachCell(windows.FindOrBuiltIn(projection),
                          [this](CellId cell) { cells_.push_back(cell); });
    };
    add({});
    for (const std::string_view dimension : kBuiltIn) add({.by = {std::string(dimension)}});
    for (std::size_t i = 0; i < windows.measure_count(); ++i) {
      const MeasureId id{static_cast<std::uint16_t>(i)};
      const auto traits = rules::FindMeasure(windows.NameOf(id).base);
      if (traits && traits->type == rules::MeasureType::kSum) {
        measures_.emplace_back(id, traits->unit);
      }
    }
  }

  void Copy(const rules::WindowStore& windows, CellId cell) {
    const storage::Labels labels = windows.LabelsOf(cell);
    for (const auto& [measure, unit] : measures_) {
      const auto total = windows.Total(cell, measure);
      if (!total) continue;
      if (samples_.size() == kFleetSamplesMax) {
        ++dropped_;
        continue;
      }
      FleetSample sample{.measure = windows.NameOf(measure), .unit = unit, .total = *total};
      if (!labels.empty()) {
        sample.dimension = labels.begin()->first;
        sample.value = labels.begin()->second;
      }
      samples_.push_back(std::move(sample));
    }
  }

  const std::string tenant_;
  bool listed_ = false;
  std::size_t next_ = 0, dropped_ = 0;
  std::vector<CellId> cells_;
  std::vector<std::pair<MeasureId, rules::MeasureUnit>> measures_;
  std::vector<FleetSample> samples_;
};

std::string MetricName(const FleetSample& sample) {
  std::string name =
      sample.dimension.empty() ? "barograph_fleet_" : "barograph_by_" + sample.dimension + "_";
  for (const char c : sample.measure.base.substr(0, sample.measure.base.find(':'))) {
    name.push_back(c == '.' ? '_' : c);
  }
  return name + "_total";
}

void AddSample(const FleetSample& sample, MetricSink& sink) {
  MetricSink::Labels labels;
  if (!sample.dimension.empty()) labels[sample.dimension] = sample.value;
  const std::size_t colon = sample.measure.base.find(':');
  if (colon != std::string::npos) labels["name"] = sample.measure.base.substr(colon + 1);
  if (sample.unit == rules::MeasureUnit::kMoney) labels["currency"] = sample.measure.qualifier;
  double value = static_cast<double>(sample.total);
  if (sample.unit != rules::MeasureUnit::kCount) value /= static_cast<double>(kNanosPerUnit);
  const std::string by = sample.dimension.empty() ? "" : " by " + sample.dimension;
  sink.Counter(MetricName(sample),
               "Measure " + sample.measure.base.substr(0, colon) + by + ", all of history.", value,
               labels);
}

}  // namespace

void AddFleetMetrics(Partition& partition, const std::string& tenant, MetricSink& sink) {
  const auto reading = std::make_shared<FleetReading>(tenant);
  std::promise<bool> promise;
  auto durable = promise.get_future();
  partition.Read([reading](const Partition::ReadView& view) { return reading->Step(view); },
                 [&promise](const Result<Sequence>& result) { promise.set_value(result.ok()); });
  if (!durable.get()) return;
  for (const FleetSample& sample : reading->samples()) AddSample(sample, sink);
  sink.Gauge("barograph_fleet_samples_dropped",
             "Samples left out of this scrape because there were too many.",
             static_cast<double>(reading->dropped()));
}

}  // namespace barograph::server
