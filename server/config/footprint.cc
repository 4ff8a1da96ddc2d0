#include "server/config/footprint.h"

#include <set>

#include "storage/base/limits.h"
#include "storage/base/money.h"

namespace barograph::server {
namespace {

// Levels of a series as design section 7 fixes them: 10 s, 1 min and 10 min in 8 chunks each, 1 h
// in 16, 1 d in 1; a chunk holds up to 64 totals of 128 bits with the number of their bucket.
constexpr std::uint64_t kChunks = 8 + 8 + 8 + 16 + 1;
constexpr std::uint64_t kChunkBytes = 64 * 24 + 32;

std::string Size(std::uint64_t bytes) {
  constexpr std::uint64_t kMebi = 1U << 20U;
  constexpr std::uint64_t kGibi = 1U << 30U;
  const auto tenths = [&](std::uint64_t unit) {
    return FormatDecimal(static_cast<Int128>(bytes * 10 / unit), 1);
  };
  if (bytes >= kGibi) return tenths(kGibi) + " GiB";
  if (bytes >= kMebi) return tenths(kMebi) + " MiB";
  return tenths(1024) + " KiB";
}

std::string Count(std::size_t count, const std::string& what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

}  // namespace

Footprint EstimateFootprint(const rules::RuleSet& rules, const ServerConfig& server) {
  const rules::WindowPlan plan = rules::PlanWindows(rules);
  Footprint footprint;
  footprint.slos = rules.slos.size();
  for (const rules::SloSpec& slo : rules.slos) footprint.burn_rows += slo.burn.size();
  footprint.thresholds = rules.thresholds.size();
  footprint.budgets = rules.budgets.size();
  footprint.goals = rules.goals.size();
  footprint.absences = rules.absences.size();
  footprint.expectations = rules.expects.size();
  footprint.notices = rules.notices.size();
  footprint.projections =
      std::set<rules::Projection>(plan.projections.begin(), plan.projections.end()).size();
  footprint.exact_counters = plan.at_most.size();
  footprint.receivers = rules.receivers.size();
  footprint.bytes_per_series = kChunks * kChunkBytes;
  footprint.bytes_max = kSeriesMax * footprint.bytes_per_series + server.limits.queue_bytes +
                        2 * server.limits.group_bytes;
  return footprint;
}

std::string Footprint::ToString() const {
  std::string text = Count(slos, "SLO") + " with " + Count(burn_rows, "burn row") + ", ";
  for (const auto& [count, what] :
       {std::pair(thresholds, "threshold"), std::pair(budgets, "budget"), std::pair(goals, "goal"),
        std::pair(absences, "absence"), std::pair(expectations, "expectation"),
        std::pair(notices, "notice")}) {
    if (count > 0) text += Count(count, what) + ", ";
  }
  return text + Count(projections, "projection") + " of their own, " +
         Count(exact_counters, "exact counter") + ", " + Count(receivers, "receiver") +
         "; a busy series takes " + Size(bytes_per_series) + ", all " + std::to_string(kSeriesMax) +
         " series and the queues at most " + Size(bytes_max);
}

}  // namespace barograph::server
