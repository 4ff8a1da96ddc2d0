#include "rules/measure/event_text.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "rules/measure/measure.h"
#include "storage/base/clock.h"
#include "storage/base/money.h"

namespace barograph::rules {
namespace {

using storage::EventKind;
using storage::EventView;
using storage::MoneyView;

/// ISO 4217 currencies without a minor unit.
constexpr std::array<std::string_view, 16> kWholeCurrencies = {
    "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW",
    "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"};

std::string AmountText(const MoneyView& amount) {
  std::string text = FormatDecimal(amount.nanos, 9);
  const std::size_t point = text.find('.');
  const auto& whole = kWholeCurrencies;
  const bool has_minor =
      std::find(whole.begin(), whole.end(), amount.currency.code()) == whole.end();
  if (point == std::string::npos) return has_minor ? text + ".00" : text;
  if (text.size() - point == 2) text.push_back('0');
  return text;
}

MoneyView AmountOf(const EventView& event) {
  switch (event.kind) {
    case EventKind::kTask:
      return event.task.value;
    case EventKind::kCost:
      return event.cost.amount;
    case EventKind::kPayment:
      return event.payment.amount;
    default:
      return {};
  }
}

std::string MoneyText(const EventView& event, std::string_view name) {
  const MoneyView amount = AmountOf(event);
  if (!amount.present) return "";
  std::string currency(amount.currency.code());
  if (name == "amount.currency") return currency;
  return name == "amount" ? AmountText(amount) + " " + currency : AmountText(amount);
}

/// Shortest text that reads back as the same number.
std::string ShortText(double value) {
  std::array<char, 32> text{};
  return {text.data(), std::to_chars(text.data(), text.data() + text.size(), value).ptr};
}

std::string TaskText(const EventView& event, std::string_view name) {
  if (name == "reason") return std::string(event.task.reason);
  if (name == "duration" && event.task.has_duration) return FormatDuration(event.task.duration);
  return "";
}

std::string PaymentText(const EventView& event, std::string_view name) {
  if (name == "customer") return std::string(event.payment.customer);
  if (name == "external_id") return std::string(event.payment.external_id);
  return "";
}

std::string ChangeText(const EventView& event, std::string_view name) {
  if (name == "actor") return std::string(event.change.actor);
  if (name == "note") return std::string(event.change.note);
  if (name == "external_id") return std::string(event.change.external_id);
  return "";
}

std::string FeedbackText(const EventView& event, std::string_view name) {
  if (name == "customer") return std::string(event.feedback.customer);
  if (name == "text") return std::string(event.feedback.text);
  if (name == "score" && event.feedback.has_score) return ShortText(event.feedback.score);
  return "";
}

/// What only events of one kind have and is no dimension.
std::string TextOfKind(const EventView& event, std::string_view name) {
  switch (event.kind) {
    case EventKind::kTask:
      return TaskText(event, name);
    case EventKind::kCost:
      return name == "quantity" ? std::string(event.cost.quantity) : "";
    case EventKind::kPayment:
      return PaymentText(event, name);
    case EventKind::kError:
      return name == "message" ? std::string(event.error.message) : "";
    case EventKind::kRequest:
      return name == "duration" && event.request.has_duration
                 ? FormatDuration(event.request.duration)
                 : "";
    case EventKind::kSample:
      return name == "value" ? ShortText(event.sample.value) : "";
    case EventKind::kActivity:
      if (name == "subject") return std::string(event.activity.subject);
      return name == "session" ? std::string(event.activity.session) : "";
    case EventKind::kChange:
      return ChangeText(event, name);
    case EventKind::kFeedback:
      return FeedbackText(event, name);
    default:
      return "";
  }
}

std::string LabelText(const EventView& event, std::string_view name) {
  for (std::size_t i = 0; i < event.label_count; ++i) {
    if (event.labels[i].name == name) return std::string(event.labels[i].value);
  }
  return "";
}

}  // namespace

std::string EventText(const EventView& event, std::string_view name) {
  if (name.starts_with(kEventLabels)) return LabelText(event, name.substr(kEventLabels.size()));
  if (name == "id") return std::string(event.id);
  if (name == "task_id") return std::string(event.task_id);
  if (name == "trace_id") return std::string(event.trace_id);
  if (name == "kind") return std::string(EventKindName(event.kind));
  if (name == "time") return event.has_time ? FormatTime(event.time) : "";
  if (name.starts_with("amount")) return MoneyText(event, name);
  if (const auto dimension = FindDimension(name)) {
    std::string scratch;
    return std::string(DimensionValue(event, *dimension, &scratch));
  }
  return TextOfKind(event, name);
}

const std::vector<std::string_view>& EventTextNames() {
  static const std::vector<std::string_view> kNames = [] {
    std::vector<std::string_view> names = {"id",       "task_id",     "trace_id", "time",
                                           "kind",     "amount",      "customer", "amount.currency",
                                           "message",  "external_id", "reason",   "amount.value",
                                           "quantity", "duration",    "value",    "subject",
                                           "session",  "actor",       "note",     "text",
                                           "score"};
    for (int i = 0; i < static_cast<int>(Dimension::kCount); ++i)
      names.push_back(Name(static_cast<Dimension>(i)));
    std::sort(names.begin(), names.end());
    return names;
  }();
  return kNames;
}

}  // namespace barograph::rules
