#pragma once

#include <string>

#include "server/partition/partition.h"
#include "server/web/metrics.h"

namespace barograph::server {

/// Samples of one scrape: beyond, the rest is left out and barograph_fleet_samples_dropped says how
/// many.
inline constexpr std::size_t kFleetSamplesMax = 20'000;

/// Writes /metrics/fleet: the running totals of all sums in the built-in projections, as folded and
/// durable. The projection {}
/// gives barograph_fleet_<measure>_total, each other one barograph_by_<dimension>_<measure>_total
/// with that label, so that a sum
/// over one family never counts an event twice. Money has the label `currency` and whole units;
/// families of names
/// (`activity:<name>`) have the label `name`.
void AddFleetMetrics(Partition& partition, const std::string& tenant, MetricSink& sink);

}  // namespace barograph::server
