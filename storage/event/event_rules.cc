#include "storage/event/event_rules.h"

#include <cmath>
#include <cstdio>
#include <string>

#include "storage/base/limits.h"

namespace barograph::storage {
namespace {

constexpr Int128 kQuantityMax = 9'200'000'000;
constexpr double kScoreMax = 9.2e9;

[[gnu::cold]] Error Invalid(std::string message) {
  return {ErrorCode::kInvalidArgument, std::move(message)};
}

[[gnu::cold]] Error Missing(std::string_view path, std::string_view why) {
  return Invalid(std::string(path) + ": missing; " + std::string(why));
}

std::string Shown(double value) {
  std::string text(32, '\0');
  text.resize(static_cast<std::size_t>(std::snprintf(text.data(), text.size(), "%.17g", value)));
  return text;
}

Status CheckTask(const TaskView& task) {
  if (task.status == TaskStatus::kUnspecified) {
    return Missing("task.status", "STARTED, PROGRESS, BLOCKED, COMPLETED, FAILED or CANCELLED");
  }
  // Written so that NaN, which compares false with everything, is refused too.
  if (task.has_quality && !(task.quality >= 0 && task.quality <= 1)) {
    return Invalid("task.quality: " + Shown(task.quality) + " is out of range; 0 to 1");
  }
  return {};
}

Status CheckTokens(const CostView& cost) {
  // Each count is at most kTokensMax, so the sum cannot overflow.
  const std::uint64_t cached = cost.cache_read + cost.cache_write;
  if (cached > cost.input) {
    return Invalid("cost.tokens.input: " + std::to_string(cost.input) +
                   " is less than its cached part, " + std::to_string(cached) +
                   "; input includes cache_read and cache_write");
  }
  if (cost.reasoning > cost.output) {
    return Invalid("cost.tokens.output: " + std::to_string(cost.output) +
                   " is less than its reasoning part, " + std::to_string(cost.reasoning) +
                   "; output includes reasoning");
  }
  return {};
}

Status CheckQuantity(const CostView& cost) {
  static constexpr std::string_view kRange = "; decimal text, 0 to 9200000000";
  const Result<Int128> rounded = ParseDecimal(cost.quantity, 0, true);
  if (!rounded.ok())
    return Invalid("cost.quantity: " + rounded.error().message() + std::string(kRange));
  if (cost.quantity.front() == '-' || *rounded > kQuantityMax) {
    return Invalid("cost.quantity: '" + std::string(cost.quantity) + "' is out of range" +
                   std::string(kRange));
  }
  if (cost.unit.empty()) return Missing("cost.unit", "a quantity needs one, as in 'hour'");
  return {};
}

Status CheckCost(const CostView& cost) {
  const bool has_quantity = !cost.quantity.empty();
  const int ways = int{cost.amount.present} + int{cost.has_tokens} + int{has_quantity};
  if (ways != 1) {
    return Invalid("cost: " + std::to_string(ways) +
                   " of amount, tokens and quantity are set; exactly one says what was spent");
  }
  if (cost.has_tokens) BAROGRAPH_TRY(CheckTokens(cost));
  if (has_quantity) BAROGRAPH_TRY(CheckQuantity(cost));
  if (cost.has_covers_from && cost.has_covers_to && cost.covers_from > cost.covers_to) {
    return Invalid("cost.covers_to: " + FormatTime(cost.covers_to) + " is before covers_from, " +
                   FormatTime(cost.covers_from));
  }
  return {};
}

Status CheckPayment(const PaymentView& payment) {
  if (payment.type == PaymentType::kUnspecified) {
    return Missing("payment.type", "CHARGE, REFUND, DISPUTE, DISPUTE_WON, FEE or PAYOUT");
  }
  if (!payment.amount.present) return Missing("payment.amount", "a payment has one");
  return {};
}

Status CheckSample(const SampleView& sample) {
  if (sample.name.empty()) return Missing("sample.name", "the measure is sample:<name>");
  if (sample.type == SampleType::kUnspecified) {
    return Missing("sample.type", "GAUGE, DELTA or CUMULATIVE");
  }
  if (!(std::abs(sample.value) <= kSampleValueMax)) {
    return Invalid("sample.value: " + Shown(sample.value) + " is out of range; -9.2e9 to 9.2e9");
  }
  return {};
}

Status CheckActivity(const ActivityView& activity) {
  if (activity.name.empty()) return Missing("activity.name", "the measure is activity:<name>");
  return {};
}

Status CheckFeedback(const FeedbackView& feedback) {
  if (feedback.has_score && !(std::abs(feedback.score) <= kScoreMax)) {
    return Invalid("feedback.score: " + Shown(feedback.score) +
                   " is out of range; -9.2e9 to 9.2e9");
  }
  if (!(feedback.scale >= 0 && feedback.scale <= kScoreMax)) {
    return Invalid("feedback.scale: " + Shown(feedback.scale) + " is out of range; 0 to 9.2e9");
  }
  return {};
}

}  // namespace

Status CheckKind(const EventView& event) {
  switch (event.kind) {
    case EventKind::kTask:
      return CheckTask(event.task);
    case EventKind::kCost:
      return CheckCost(event.cost);
    case EventKind::kPayment:
      return CheckPayment(event.payment);
    case EventKind::kSample:
      return CheckSample(event.sample);
    case EventKind::kActivity:
      return CheckActivity(event.activity);
    case EventKind::kFeedback:
      return CheckFeedback(event.feedback);
    default:
      return {};  // Errors, requests and changes say something with any of their fields.
  }
}

}  // namespace barograph::storage
