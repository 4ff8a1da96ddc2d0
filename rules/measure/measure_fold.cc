#include "rules/measure/measure_fold.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <variant>

#include "rules/measure/counter_table.h"
#include "rules/measure/fixed_measure.h"
#include "rules/measure/price_table.h"
#include "rules/measure/row_changes.h"
#include "rules/measure/task_table.h"
#include "rules/measure/yield_buffer.h"
#include "storage/base/bytes.h"

namespace barograph::rules {
namespace {

using storage::EventKind;
using storage::EventView;
using storage::PaymentType;
using storage::SampleType;
using storage::TaskStatus;

constexpr double kNanosPerOne = 1e9;
/// The largest double below 2^63: what llround can still take.
constexpr double kScaledMax = 9223372036854774784.0;
const MeasureRowKey kUntrackedKey{MeasureTable::kUntracked, {0, 0}};

/// v x 1e9, rounded once, half away from zero. Values beyond the range were refused at the door.
std::int64_t ToNanos(double value) {
  const double scaled = value * kNanosPerOne;
  if (std::isnan(scaled)) return 0;
  return std::llround(std::clamp(scaled, -kScaledMax, kScaledMax));
}

}  // namespace

struct MeasureFold::State {
  explicit State(Interner interner)
      : changes([this](const MeasureRowKey& key) { return Encode(key); }),
        out(std::move(interner), &changes),
        tasks(&changes),
        counters(&changes) {}

  void FoldTask(const EventView& event, Time time);
  void FoldTaskEnd(const EventView& event, Time time);
  void FoldCost(const EventView& event, Time time);
  void FoldTokens(const storage::CostView& cost);
  void AddCost(const EventView& event, Currency currency, Int128 nanos);
  void FoldPayment(const EventView& event);
  void FoldRequest(const storage::RequestView& request);
  void FoldSample(const EventView& event, Time time);
  void FoldFeedback(const storage::FeedbackView& feedback);
  /// Money that counts as `unconverted` when its currency is one too many.
  void Amount(FixedMeasure measure, Currency currency, Int128 each) {
    unconverted |= !out.Money(measure, currency, each);
  }

  [[nodiscard]] MeasureRowChanges::Row Encode(const MeasureRowKey& key) const;
  [[nodiscard]] Status Load(const MeasureRowKey& key, std::string_view value);
  [[nodiscard]] std::vector<MeasureRowKey> Keys() const;

  MeasureRowChanges changes;
  YieldBuffer out;
  PriceTables prices;
  TaskTable tasks;
  CounterTable counters;
  std::uint64_t untracked_tasks = 0, untracked_counters = 0;
  std::uint32_t untracked_mark = 0;
  bool unconverted = false;  ///< of the event being folded
  LeaseCount lease_count;
};

void MeasureFold::State::FoldTask(const EventView& event, Time time) {
  switch (event.task.status) {
    case TaskStatus::kStarted:
      out.Count(FixedMeasure::kTasksStarted);
      break;
    case TaskStatus::kProgress:
      out.Count(FixedMeasure::kTasksProgress);
      break;
    case TaskStatus::kBlocked:
      out.Count(FixedMeasure::kTasksBlocked);
      break;
    case TaskStatus::kCompleted:
    case TaskStatus::kFailed:
    case TaskStatus::kCancelled:
      FoldTaskEnd(event, time);
      return;
    case TaskStatus::kUnspecified:
      return;
  }
  if (!event.task_id.empty() && !tasks.Open(event, time)) {
    changes.Touch(kUntrackedKey, &untracked_mark);
    ++untracked_tasks;
  }
}

void MeasureFold::State::FoldTaskEnd(const EventView& event, Time time) {
  const storage::TaskView& task = event.task;
  const Punctuality punctuality = tasks.Finish(event, time);
  if (task.status == TaskStatus::kCancelled) {
    out.Count(FixedMeasure::kTasksCancelled);
    return;
  }
  const bool completed = task.status == TaskStatus::kCompleted;
  out.Count(completed ? FixedMeasure::kTasksCompleted : FixedMeasure::kTasksFailed);
  out.Count(FixedMeasure::kTasksFinished);
  out.Count(FixedMeasure::kOperations);
  if (punctuality == Punctuality::kOnTime) out.Count(FixedMeasure::kTasksOnTime);
  if (punctuality == Punctuality::kLate) out.Count(FixedMeasure::kTasksLate);
  if (completed && task.value.present)
    Amount(FixedMeasure::kTaskValue, task.value.currency, task.value.nanos);
  if (task.has_duration) out.Value(FixedMeasure::kTaskDuration, task.duration.count());
  if (task.has_quality) out.Value(FixedMeasure::kTaskQuality, ToNanos(task.quality));
}

void MeasureFold::State::FoldCost(const EventView& event, Time time) {
  const storage::CostView& cost = event.cost;
  if (cost.has_tokens) FoldTokens(cost);
  if (cost.amount.present) {
    AddCost(event, cost.amount.currency, cost.amount.nanos);
    return;
  }
  const std::optional<TokenPrice> price = cost.has_tokens ? prices.Price(cost, time) : std::nullopt;
  if (price.has_value()) {
    AddCost(event, price->currency, price->nanos);
  } else {
    out.Count(FixedMeasure::kUnpriced);
  }
}

void MeasureFold::State::FoldTokens(const storage::CostView& cost) {
  out.Sum(FixedMeasure::kTokens, static_cast<Int128>(cost.input) + cost.output);
  const auto part = [this](FixedMeasure measure, std::uint64_t tokens) {
    if (tokens != 0) out.Sum(measure, tokens);
  };
  part(FixedMeasure::kTokensInput, cost.input);
  part(FixedMeasure::kTokensOutput, cost.output);
  part(FixedMeasure::kTokensCacheRead, cost.cache_read);
  part(FixedMeasure::kTokensCacheWrite, cost.cache_write);
  part(FixedMeasure::kTokensReasoning, cost.reasoning);
}

void MeasureFold::State::AddCost(const EventView& event, Currency currency, Int128 nanos) {
  const Int128 total = nanos * static_cast<std::int64_t>(event.count);
  const bool leased = event.kind == EventKind::kCost && !event.cost.lease_id.empty() && lease_count;
  const Int128 counted = leased ? lease_count(event.cost.lease_id, currency, total) : total;
  if (counted == total) {
    Amount(FixedMeasure::kCost, currency, nanos);
    Amount(FixedMeasure::kCostAmount, currency, nanos);
  } else if (counted > 0) {
    unconverted |= !out.MoneySum(FixedMeasure::kCost, currency, counted);
  }
  if (!event.task_id.empty()) tasks.Spend(event.task_id, currency, counted);
}

void MeasureFold::State::FoldPayment(const EventView& event) {
  const storage::PaymentView& payment = event.payment;
  const Currency currency = payment.amount.currency;
  const Int128 nanos = payment.amount.nanos;
  out.Count(FixedMeasure::kPayments);
  Amount(FixedMeasure::kPaymentAmount, currency, nanos);
  switch (payment.type) {
    case PaymentType::kCharge:
      Amount(FixedMeasure::kRevenueGross, currency, nanos);
      Amount(FixedMeasure::kRevenueNet, currency, nanos);
      break;
    case PaymentType::kRefund:
      Amount(FixedMeasure::kRevenueRefunds, currency, nanos);
      Amount(FixedMeasure::kRevenueNet, currency, -nanos);
      break;
    case PaymentType::kDispute:
      Amount(FixedMeasure::kRevenueNet, currency, -nanos);
      break;
    case PaymentType::kDisputeWon:
      Amount(FixedMeasure::kRevenueNet, currency, nanos);
      break;
    case PaymentType::kFee:
      Amount(FixedMeasure::kFees, currency, nanos);
      AddCost(event, currency, nanos);
      break;
    case PaymentType::kPayout:
      Amount(FixedMeasure::kPayouts, currency, nanos);
      break;
    case PaymentType::kUnspecified:
      break;
  }
  out.Distinct(FixedMeasure::kCustomers, payment.customer);
}

void MeasureFold::State::FoldRequest(const storage::RequestView& request) {
  out.Count(FixedMeasure::kRequests);
  out.Count(request.ok ? FixedMeasure::kRequestsOk : FixedMeasure::kRequestsFailed);
  out.Count(FixedMeasure::kOperations);
  if (request.has_duration) out.Value(FixedMeasure::kRequestDuration, request.duration.count());
}

void MeasureFold::State::FoldSample(const EventView& event, Time time) {
  const std::int64_t nanos = ToNanos(event.sample.value);
  switch (event.sample.type) {
    case SampleType::kGauge:
      out.SampleGauge(event.sample.name, nanos);
      break;
    case SampleType::kDelta:
      out.SampleSum(event.sample.name,
                    static_cast<Int128>(nanos) * static_cast<std::int64_t>(event.count));
      break;
    case SampleType::kCumulative: {
      const std::optional<std::int64_t> growth = counters.Grow(event, nanos, time);
      if (!growth.has_value()) {
        changes.Touch(kUntrackedKey, &untracked_mark);
        ++untracked_counters;
      } else if (*growth != 0) {
        out.SampleSum(event.sample.name, *growth);
      }
      break;
    }
    case SampleType::kUnspecified:
      break;
  }
}

void MeasureFold::State::FoldFeedback(const storage::FeedbackView& feedback) {
  out.Count(FixedMeasure::kFeedback);
  if (feedback.has_score) out.Value(FixedMeasure::kFeedbackScore, ToNanos(feedback.score));
  out.Distinct(FixedMeasure::kCustomers, feedback.customer);
}

MeasureRowChanges::Row MeasureFold::State::Encode(const MeasureRowKey& key) const {
  switch (key.table) {
    case MeasureTable::kCounter:
      return counters.Encode(key.name);
    case MeasureTable::kCurrency:
    case MeasureTable::kName:
      return {out.Encode(key)};
    case MeasureTable::kDuration:
      return tasks.EncodeType(key.name);
    case MeasureTable::kPrices:
      return prices.Encode(key.name.low);
    case MeasureTable::kTask:
      return tasks.EncodeTask(key.name);
    case MeasureTable::kUntracked:
      break;
  }
  MeasureRowChanges::Row row;
  if (untracked_tasks == 0 && untracked_counters == 0) return row;
  row.mark = untracked_mark;
  ByteWriter writer(&row.value);
  writer.Varint(untracked_tasks);
  writer.Varint(untracked_counters);
  return row;
}

Status MeasureFold::State::Load(const MeasureRowKey& key, std::string_view value) {
  switch (key.table) {
    case MeasureTable::kCounter:
      return counters.Load(key.name, value);
    case MeasureTable::kCurrency:
    case MeasureTable::kName:
      return out.Load(key, value);
    case MeasureTable::kDuration:
      return tasks.LoadType(key.name, value);
    case MeasureTable::kPrices:
      return prices.Load(key.name.low, value);
    case MeasureTable::kTask:
      return tasks.LoadTask(key.name, value);
    case MeasureTable::kUntracked:
      break;
  }
  ByteReader reader(value);
  untracked_tasks = reader.Varint();
  untracked_counters = reader.Varint();
  if (!reader.ok() || !reader.done())
    return Error(ErrorCode::kCorruption, "checkpoint: untracked row");
  return {};
}

std::vector<MeasureRowKey> MeasureFold::State::Keys() const {
  std::vector<MeasureRowKey> keys;
  counters.ForEach([&](const NameHash& name) { keys.push_back({MeasureTable::kCounter, name}); });
  out.ForEachRow([&](const MeasureRowKey& key) { keys.push_back(key); });
  prices.ForEach([&](std::uint64_t number) {
    keys.push_back({MeasureTable::kPrices, {0, number}});
  });
  tasks.ForEachTask([&](const NameHash& name) { keys.push_back({MeasureTable::kTask, name}); });
  tasks.ForEachType([&](const NameHash& name) { keys.push_back({MeasureTable::kDuration, name}); });
  if (untracked_tasks != 0 || untracked_counters != 0) keys.push_back(kUntrackedKey);
  std::ranges::sort(keys);
  return keys;
}

MeasureFold::MeasureFold(Interner interner)
    : state_(std::make_unique<State>(std::move(interner))) {}
MeasureFold::~MeasureFold() = default;

void MeasureFold::SetAtMost(std::span<const std::pair<std::string, std::int64_t>> bounds) {
  state_->out.SetAtMost(bounds);
}

void MeasureFold::SetLeaseCount(LeaseCount count) { state_->lease_count = std::move(count); }

std::span<const Yield> MeasureFold::Fold(const EventView& event, Time time) {
  State& state = *state_;
  state.out.Begin(event.count);
  state.unconverted = false;
  switch (event.kind) {
    case EventKind::kTask:
      state.FoldTask(event, time);
      break;
    case EventKind::kCost:
      state.FoldCost(event, time);
      break;
    case EventKind::kPayment:
      state.FoldPayment(event);
      break;
    case EventKind::kError:
      state.out.Count(FixedMeasure::kErrors);
      break;
    case EventKind::kRequest:
      state.FoldRequest(event.request);
      break;
    case EventKind::kSample:
      state.FoldSample(event, time);
      break;
    case EventKind::kActivity:
      state.out.ActivityCount(event.activity.name);
      state.out.Distinct(FixedMeasure::kSubjects, event.activity.subject);
      break;
    case EventKind::kChange:
      state.out.Count(FixedMeasure::kChanges);
      break;
    case EventKind::kFeedback:
      state.FoldFeedback(event.feedback);
      break;
    default:
      return state.out.yields();
  }
  if (state.unconverted) state.out.Count(FixedMeasure::kUnconverted);
  state.out.Distinct(FixedMeasure::kAgents, event.agent);
  return state.out.yields();
}

std::span<const Yield> MeasureFold::Fold(const storage::ServerEvent& event) {
  State& state = *state_;
  state.out.Begin(1);
  if (const auto* prices = std::get_if<storage::PricesApplied>(&event)) {
    const PriceTables::NextTable next = state.prices.next();
    const auto key = [](std::uint64_t number) {
      return MeasureRowKey{MeasureTable::kPrices, {0, number}};
    };
    if (next.dropped != 0) state.changes.Touch(key(next.dropped), state.prices.mark(next.dropped));
    state.prices.Apply(*prices);
    state.changes.Add(key(next.made), state.prices.mark(next.made));
  } else if (const auto* overdue = std::get_if<storage::TaskOverdue>(&event)) {
    if (state.tasks.MarkLate(overdue->task_id)) state.out.Count(FixedMeasure::kTasksLate);
  } else if (const auto* gauges = std::get_if<storage::GaugesRead>(&event)) {
    for (const storage::GaugeReading& reading : gauges->readings) state.out.Gauge(reading);
  } else if (const auto* alert = std::get_if<storage::AlertTransition>(&event)) {
    const bool is_told = !alert->labels.contains("shadow");
    if (is_told && alert->to == storage::AlertState::kFiring)
      state.out.Count(FixedMeasure::kAlertsFired);
  } else if (const auto* ack = std::get_if<storage::Acknowledged>(&event)) {
    const Duration duration = std::max(ack->at - ack->fired_at, Duration{0});
    if (!ack->labels.contains("shadow"))
      state.out.Value(FixedMeasure::kAlertAckDuration, duration.count());
  }
  return state.out.yields();
}

std::vector<storage::TaskOverdue> MeasureFold::Overdue(Time now, std::size_t limit) const {
  return state_->tasks.Overdue(now, limit);
}

MeasureFold::OpenTasks MeasureFold::open_tasks(Time now) const {
  return {state_->tasks.size(), state_->tasks.AtRisk(now), state_->tasks.Spent()};
}

std::optional<MeasureFold::PriceAnswer> MeasureFold::PriceOf(const storage::CostView& cost,
                                                             Time time) const {
  const std::optional<TokenPrice> price = state_->prices.Price(cost, time);
  if (!price.has_value()) return std::nullopt;
  return PriceAnswer{price->nanos, price->currency, price->derived, price->version};
}

std::vector<storage::PricesApplied> MeasureFold::price_tables() const {
  return state_->prices.List();
}

MeasureFold::Sizes MeasureFold::sizes() const {
  return {state_->tasks.size(), state_->counters.size(), state_->prices.size(),
          state_->untracked_tasks, state_->untracked_counters};
}

void MeasureFold::BeginCheckpoint() { state_->changes.Begin(); }

bool MeasureFold::ContinueCheckpoint(std::size_t rows_max, const RowSink& sink) {
  return state_->changes.Continue(rows_max, sink);
}

Status MeasureFold::LoadRow(std::string_view key, std::string_view value) {
  const std::optional<MeasureRowKey> decoded = MeasureRowKey::Decode(key);
  if (!decoded.has_value())
    return Error(ErrorCode::kCorruption, "checkpoint: key of a measure row");
  return state_->Load(*decoded, value);
}

void MeasureFold::Canonical(const std::function<void(std::string_view)>& sink) const {
  for (const MeasureRowKey& key : state_->Keys()) {
    std::string row;
    ByteWriter writer(&row);
    writer.String(key.Encode());
    writer.String(state_->Encode(key).value);
    sink(row);
  }
}

}  // namespace barograph::rules
