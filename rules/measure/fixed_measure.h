#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "rules/measure/measure.h"

namespace barograph::rules {

/// The measures with fixed names that events yield, in order of their names. Inside rules/measure a
/// measure is this number, so that a fold looks no name up.
enum class FixedMeasure : std::uint8_t {
  kAgents,
  kAlertAckDuration,
  kAlertsFired,
  kChanges,
  kCost,
  kCostAmount,
  kCostOpenTasks,
  kCustomers,
  kDiskFree,
  kErrors,
  kFeedback,
  kFeedbackScore,
  kFees,
  kIngestLag,
  kOperations,
  kPaymentAmount,
  kPayments,
  kPayouts,
  kRequestDuration,
  kRequests,
  kRequestsFailed,
  kRequestsOk,
  kRevenueGross,
  kRevenueNet,
  kRevenueRefunds,
  kSubjects,
  kTaskDuration,
  kTaskQuality,
  kTaskValue,
  kTasksAtRisk,
  kTasksBlocked,
  kTasksCancelled,
  kTasksCompleted,
  kTasksFailed,
  kTasksFinished,
  kTasksLate,
  kTasksOnTime,
  kTasksOpen,
  kTasksProgress,
  kTasksStarted,
  kTokens,
  kTokensCacheRead,
  kTokensCacheWrite,
  kTokensInput,
  kTokensOutput,
  kTokensReasoning,
  kUnconverted,
  kUnpriced,
  kCount
};
inline constexpr std::size_t kFixedMeasures = static_cast<std::size_t>(FixedMeasure::kCount);

struct FixedMeasureTraits {
  std::string_view name;
  MeasureTraits traits;
};
/// Indexed by FixedMeasure.
extern const std::array<FixedMeasureTraits, kFixedMeasures> kFixedMeasureTraits;

}  // namespace barograph::rules
