#include "rules/measure/measure.h"

#include <algorithm>
#include <cctype>

#include "rules/measure/fingerprint.h"
#include "rules/measure/fixed_measure.h"
#include "storage/event/server_event.h"

namespace barograph::rules {

namespace {

using storage::EventKind;
using storage::EventView;

constexpr MeasureTraits kCounts{MeasureType::kSum, MeasureUnit::kCount};
constexpr MeasureTraits kAmounts{MeasureType::kSum, MeasureUnit::kMoney};
constexpr MeasureTraits kDifferent{MeasureType::kDistinct, MeasureUnit::kCount};
constexpr MeasureTraits kSpread{MeasureType::kDistribution, MeasureUnit::kNano};
constexpr MeasureTraits kSpreadOfMoney{MeasureType::kDistribution, MeasureUnit::kMoney};
constexpr MeasureTraits kLevel{MeasureType::kGauge, MeasureUnit::kNano};
constexpr MeasureTraits kLevelOfMoney{MeasureType::kGauge, MeasureUnit::kMoney};

}  // namespace

constinit const std::array<FixedMeasureTraits, kFixedMeasures> kFixedMeasureTraits = {{
    {"agents", kDifferent},
    {"alert.ack.duration", kSpread},
    {"alerts.fired", kCounts},
    {"changes", kCounts},
    {"cost", kAmounts},
    {"cost.amount", kSpreadOfMoney},
    {"cost.open_tasks", kLevelOfMoney},
    {"customers", kDifferent},
    {"disk.free", kLevel},
    {"errors", kCounts},
    {"feedback", kCounts},
    {"feedback.score", kSpread},
    {"fees", kAmounts},
    {"ingest.lag", kLevel},
    {"operations", kCounts},
    {"payment.amount", kSpreadOfMoney},
    {"payments", kCounts},
    {"payouts", kAmounts},
    {"request.duration", kSpread},
    {"requests", kCounts},
    {"requests.failed", kCounts},
    {"requests.ok", kCounts},
    {"revenue.gross", kAmounts},
    {"revenue.net", kAmounts},
    {"revenue.refunds", kAmounts},
    {"subjects", kDifferent},
    {"task.duration", kSpread},
    {"task.quality", kSpread},
    {"task.value", kAmounts},
    {"tasks.at_risk", kLevel},
    {"tasks.blocked", kCounts},
    {"tasks.cancelled", kCounts},
    {"tasks.completed", kCounts},
    {"tasks.failed", kCounts},
    {"tasks.finished", kCounts},
    {"tasks.late", kCounts},
    {"tasks.on_time", kCounts},
    {"tasks.open", kLevel},
    {"tasks.progress", kCounts},
    {"tasks.started", kCounts},
    {"tokens", kCounts},
    {"tokens.cache_read", kCounts},
    {"tokens.cache_write", kCounts},
    {"tokens.input", kCounts},
    {"tokens.output", kCounts},
    {"tokens.reasoning", kCounts},
    {"unconverted", kCounts},
    {"unpriced", kCounts},
}};

namespace {

constexpr std::array<std::string_view, static_cast<std::size_t>(Dimension::kCount)>
    kDimensionNames = {"agent",    "environment", "type",     "priority", "risk",        "status",
                       "category", "provider",    "model",    "unit",     "product",     "service",
                       "route",    "status_code", "severity", "code",     "fingerprint", "name",
                       "phase",    "state",       "version",  "audience"};

std::string_view TaskValue(const EventView& event, Dimension dimension) {
  switch (dimension) {
    case Dimension::kType:
      return event.task.type;
    case Dimension::kPriority:
      return Name(event.task.priority);
    case Dimension::kRisk:
      return Name(event.task.risk);
    case Dimension::kStatus:
      return Name(event.task.status);
    default:
      return {};
  }
}

std::string_view CostValue(const EventView& event, Dimension dimension) {
  switch (dimension) {
    case Dimension::kCategory:
      return Name(event.cost.category);
    case Dimension::kProvider:
      return event.cost.provider;
    case Dimension::kModel:
      return event.cost.model;
    case Dimension::kUnit:
      return event.cost.unit;
    default:
      return {};
  }
}

std::string_view PaymentValue(const EventView& event, Dimension dimension) {
  switch (dimension) {
    case Dimension::kType:
      return Name(event.payment.type);
    case Dimension::kProduct:
      return event.payment.product;
    case Dimension::kCategory:
      return event.payment.type == storage::PaymentType::kFee ? Name(storage::CostCategory::kFees)
                                                              : std::string_view();
    default:
      return {};
  }
}

std::string_view ErrorValue(const EventView& event, Dimension dimension, std::string* scratch) {
  const storage::ErrorView& error = event.error;
  switch (dimension) {
    case Dimension::kService:
      return error.service;
    case Dimension::kSeverity:
      return Name(error.severity);
    case Dimension::kCode:
      return error.code;
    case Dimension::kFingerprint:
      if (!error.fingerprint.empty()) return error.fingerprint;
      DeriveFingerprint(error.service, error.code, error.message, scratch);
      return *scratch;
    default:
      return {};
  }
}

std::string_view RequestValue(const EventView& event, Dimension dimension) {
  switch (dimension) {
    case Dimension::kService:
      return event.request.service;
    case Dimension::kRoute:
      return event.request.route;
    case Dimension::kStatusCode:
      return event.request.status_code;
    default:
      return {};
  }
}

std::string_view SampleValue(const EventView& event, Dimension dimension) {
  switch (dimension) {
    case Dimension::kName:
      return event.sample.name;
    case Dimension::kUnit:
      return event.sample.unit;
    case Dimension::kService:
      return event.sample.service;
    case Dimension::kType:
      return Name(event.sample.type);
    default:
      return {};
  }
}

std::string_view ActivityValue(const EventView& event, Dimension dimension) {
  switch (dimension) {
    case Dimension::kName:
      return event.activity.name;
    case Dimension::kPhase:
      return event.activity.phase;
    case Dimension::kState:
      return Name(event.activity.state);
    default:
      return {};
  }
}

std::string_view ChangeValue(const EventView& event, Dimension dimension) {
  switch (dimension) {
    case Dimension::kType:
      return Name(event.change.type);
    case Dimension::kService:
      return event.change.service;
    case Dimension::kVersion:
      return event.change.version;
    case Dimension::kState:
      return Name(event.change.state);
    case Dimension::kSeverity:
      return Name(event.change.severity);
    case Dimension::kAudience:
      return event.change.audience;
    default:
      return {};
  }
}

std::string_view FeedbackValue(const EventView& event, Dimension dimension) {
  switch (dimension) {
    case Dimension::kType:
      return Name(event.feedback.type);
    case Dimension::kProduct:
      return event.feedback.product;
    default:
      return {};
  }
}

std::string AlertValue(const std::string& rule, const storage::Labels& labels,
                       Dimension dimension) {
  if (dimension == Dimension::kName) return rule;
  const auto label = labels.find(Name(dimension));
  if (label == labels.end()) return {};
  std::string value = label->second;
  // As errors and changes name theirs.
  if (dimension == Dimension::kSeverity) std::ranges::transform(value, value.begin(), ::toupper);
  return value;
}

/// Server-made events are rare: they are decoded anew for each dimension.
std::string_view ServerValue(const EventView& event, Dimension dimension, std::string* scratch) {
  const Result<storage::ServerEvent> decoded = storage::DecodeServerEvent(event);
  if (!decoded.ok()) return {};
  scratch->clear();
  if (const auto* overdue = std::get_if<storage::TaskOverdue>(&decoded.value())) {
    if (dimension == Dimension::kAgent) *scratch = overdue->agent;
    if (dimension == Dimension::kType) *scratch = overdue->type;
  } else if (const auto* alert = std::get_if<storage::AlertTransition>(&decoded.value())) {
    *scratch = AlertValue(alert->rule, alert->labels, dimension);
  } else if (const auto* ack = std::get_if<storage::Acknowledged>(&decoded.value())) {
    *scratch = AlertValue(ack->rule, ack->labels, dimension);
  }
  if (scratch->empty() && dimension == Dimension::kEnvironment) return "production";
  return *scratch;
}

}  // namespace

MeasureName AtMostMeasure(std::string_view base, std::int64_t bound) {
  return {std::string(base), "<=" + std::to_string(bound)};
}

std::optional<MeasureTraits> FindMeasure(std::string_view base) {
  const auto found =
      std::ranges::lower_bound(kFixedMeasureTraits, base, {}, &FixedMeasureTraits::name);
  if (found != kFixedMeasureTraits.end() && found->name == base) return found->traits;
  constexpr std::string_view kActivity = "activity:", kSample = "sample:";
  if (base.starts_with(kActivity) && base.size() > kActivity.size()) return kCounts;
  if (base.starts_with(kSample) && base.size() > kSample.size()) {
    return MeasureTraits{MeasureType::kSum, MeasureUnit::kNano};
  }
  return std::nullopt;
}

const std::vector<std::string_view>& FixedMeasures() {
  static const std::vector<std::string_view> names = [] {
    std::vector<std::string_view> all;
    all.reserve(kFixedMeasureTraits.size());
    for (const FixedMeasureTraits& measure : kFixedMeasureTraits) all.push_back(measure.name);
    return all;
  }();
  return names;
}

std::string_view Name(Dimension dimension) {
  return dimension < Dimension::kCount ? kDimensionNames[static_cast<std::size_t>(dimension)]
                                       : std::string_view();
}

std::optional<Dimension> FindDimension(std::string_view name) {
  const auto found = std::ranges::find(kDimensionNames, name);
  if (found == kDimensionNames.end()) return std::nullopt;
  return static_cast<Dimension>(found - kDimensionNames.begin());
}

std::string_view DimensionValue(const EventView& event, Dimension dimension, std::string* scratch) {
  if (storage::IsServerMade(event.kind)) return ServerValue(event, dimension, scratch);
  if (dimension == Dimension::kAgent) return event.agent;
  if (dimension == Dimension::kEnvironment) {
    return event.environment.empty() ? std::string_view("production") : event.environment;
  }
  switch (event.kind) {
    case EventKind::kTask:
      return TaskValue(event, dimension);
    case EventKind::kCost:
      return CostValue(event, dimension);
    case EventKind::kPayment:
      return PaymentValue(event, dimension);
    case EventKind::kError:
      return ErrorValue(event, dimension, scratch);
    case EventKind::kRequest:
      return RequestValue(event, dimension);
    case EventKind::kSample:
      return SampleValue(event, dimension);
    case EventKind::kActivity:
      return ActivityValue(event, dimension);
    case EventKind::kChange:
      return ChangeValue(event, dimension);
    case EventKind::kFeedback:
      return FeedbackValue(event, dimension);
    default:
      return {};
  }
}

}  // namespace barograph::rules
