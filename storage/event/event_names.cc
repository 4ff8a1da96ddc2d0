// Names of kinds and enum values, as event.proto writes them.
#include <iterator>

#include "storage/event/event_view.h"

namespace barograph::storage {
namespace {

// Values beyond the names come from a later version's log; they have no name here.
template <std::size_t kSize, typename Enum>
std::string_view Lookup(const std::string_view (&names)[kSize], Enum value) {
  const auto index = static_cast<std::size_t>(value);
  return index < kSize ? names[index] : std::string_view();
}

/// Of what came with later versions.
std::string_view LaterKindName(EventKind kind) {
  switch (kind) {
    case EventKind::kLeaseReserved:
      return "lease_reserved";
    case EventKind::kLeaseSettled:
      return "lease_settled";
    case EventKind::kLeaseReleased:
      return "lease_released";
    case EventKind::kLeaseExpired:
      return "lease_expired";
    case EventKind::kLeaseExtended:
      return "lease_extended";
    case EventKind::kLeaseDenied:
      return "lease_denied";
    case EventKind::kGateOverridden:
      return "gate_overridden";
    case EventKind::kExclusion:
      return "exclusion";
    case EventKind::kForecastIssued:
      return "forecast_issued";
    case EventKind::kGapSkipped:
      return "gap_skipped";
    default:
      return "";
  }
}

}  // namespace

std::string_view EventKindName(EventKind kind) {
  switch (kind) {
    case EventKind::kNone:
      return "";
    case EventKind::kTask:
      return "task";
    case EventKind::kCost:
      return "cost";
    case EventKind::kPayment:
      return "payment";
    case EventKind::kError:
      return "error";
    case EventKind::kRequest:
      return "request";
    case EventKind::kSample:
      return "sample";
    case EventKind::kActivity:
      return "activity";
    case EventKind::kChange:
      return "change";
    case EventKind::kFeedback:
      return "feedback";
    case EventKind::kConfigApplied:
      return "config_applied";
    case EventKind::kPricesApplied:
      return "prices_applied";
    case EventKind::kResumed:
      return "resumed";
    case EventKind::kPeriodOpened:
      return "period_opened";
    case EventKind::kTailDropped:
      return "tail_dropped";
    case EventKind::kProducerExpired:
      return "producer_expired";
    case EventKind::kAlertTransition:
      return "alert_transition";
    case EventKind::kNoticeDecided:
      return "notice_decided";
    case EventKind::kDelivery:
      return "delivery";
    case EventKind::kTaskOverdue:
      return "task_overdue";
    case EventKind::kGaugesRead:
      return "gauges_read";
    case EventKind::kImportEnded:
      return "import_ended";
    case EventKind::kAcknowledged:
      return "acknowledged";
    case EventKind::kSilenced:
      return "silenced";
    case EventKind::kSilenceEnded:
      return "silence_ended";
    case EventKind::kEscalated:
      return "escalated";
    case EventKind::kFlapChanged:
      return "flap_changed";
    case EventKind::kSilenceBegan:
      return "silence_began";
    case EventKind::kQuarantined:
      return "quarantined";
    case EventKind::kQuarantineEnded:
      return "quarantine_ended";
    case EventKind::kNoticeResent:
      return "notice_resent";
    default:
      return LaterKindName(kind);
  }
  return "";
}

std::string_view Name(TaskStatus value) {
  static constexpr std::string_view kNames[] = {"",          "STARTED", "PROGRESS", "BLOCKED",
                                                "COMPLETED", "FAILED",  "CANCELLED"};
  return Lookup(kNames, value);
}

std::string_view Name(Level value) {
  static constexpr std::string_view kNames[] = {"", "CRITICAL", "HIGH", "MEDIUM", "LOW"};
  return Lookup(kNames, value);
}

std::string_view Name(CostCategory value) {
  static constexpr std::string_view kNames[] = {"",     "MODEL", "INFRASTRUCTURE", "LABOR",
                                                "TOOL", "FEES",  "OTHER"};
  return Lookup(kNames, value);
}

std::string_view Name(PaymentType value) {
  static constexpr std::string_view kNames[] = {"",    "CHARGE", "REFUND", "DISPUTE", "DISPUTE_WON",
                                                "FEE", "PAYOUT"};
  return Lookup(kNames, value);
}

std::string_view Name(Severity value) {
  static constexpr std::string_view kNames[] = {"", "CRITICAL", "ERROR", "WARNING", "INFO"};
  return Lookup(kNames, value);
}

std::string_view Name(SampleType value) {
  static constexpr std::string_view kNames[] = {"", "GAUGE", "DELTA", "CUMULATIVE"};
  return Lookup(kNames, value);
}

std::string_view Name(ActivityState value) {
  static constexpr std::string_view kNames[] = {"", "STARTED", "DONE", "ABANDONED"};
  return Lookup(kNames, value);
}

std::string_view Name(ChangeType value) {
  static constexpr std::string_view kNames[] = {
      "",       "DEPLOY",       "ROLLBACK", "FEATURE",  "SECURITY", "MAINTENANCE",
      "BACKUP", "KEY_ROTATION", "INCIDENT", "APPROVAL", "CHECK"};
  return Lookup(kNames, value);
}

std::string_view Name(ChangeState value) {
  static constexpr std::string_view kNames[] = {"", "STARTED", "DONE", "FAILED", "ENDED"};
  return Lookup(kNames, value);
}

std::string_view Name(FeedbackType value) {
  static constexpr std::string_view kNames[] = {"", "COMPLAINT", "PRAISE", "REVIEW", "SURVEY"};
  return Lookup(kNames, value);
}

}  // namespace barograph::storage
