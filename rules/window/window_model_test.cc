#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>
#include <random>
#include <set>
#include <sstream>

#include "rules/window/bucket_levels.h"
#include "rules/window/sketch.h"
#include "rules/window/window_store.h"
#include "rules/window/window_test_events.h"

namespace barograph::rules {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr Time kStart{seconds(1'700'000'123)};
constexpr Duration kSlice = minutes(2);
constexpr Int128 kSliceBound = 40;

const MeasureName kCount{"tasks.completed", ""};
const MeasureName kCost{"cost", "USD"};
const MeasureName kDuration{"task.duration", ""};
const MeasureName kQueue{"sample:queue", ""};  // a gauge, and of some events a sum
const MeasureName kSubjects{"subjects", ""};

Time FloorTo(Time time, Duration width) {
  return Time(FloorDivide(time.time_since_epoch().count(), width.count()) * width);
}

/// What the window formula says, from a list of all events: nothing is ever summed up ahead.
class ListModel {
 public:
  struct CellName {
    Projection projection;
    std::vector<std::string> values;
    auto operator<=>(const CellName&) const = default;
  };

  std::vector<Projection> projections = {{{}, {}}, {{"agent"}, {}}, {{"type"}, {}}};

  /// Cells that an event reaches.
  [[nodiscard]] std::vector<CellName> CellsOf(const TestEvent& event) const {
    std::vector<CellName> cells;
    for (const Projection& projection : projections) {
      const auto value_of = [&](const std::string& name) {
        return name == "agent" ? event.agent : name == "type" ? event.type : "";
      };
      const bool passes = std::all_of(
          projection.where.begin(), projection.where.end(), [&](const Projection::Filter& filter) {
            return std::find(filter.any_of.begin(), filter.any_of.end(),
                             value_of(filter.dimension)) != filter.any_of.end();
          });
      CellName cell{projection, {}};
      for (const std::string& name : projection.by) cell.values.push_back(value_of(name));
      const bool is_built_in = projection.where.empty() && projection.by.size() == 1;
      if (passes && !(is_built_in && cell.values[0].empty())) cells.push_back(std::move(cell));
    }
    return cells;
  }

  void Fold(const TestEvent& event) {
    for (const CellName& cell : CellsOf(event)) {
      const bool is_new = born_.try_emplace(cell, std::max(log_time_, event.time)).second;
      entries_[cell].push_back(event);
      if (slices_on && cell.projection == SliceProjection() && !is_new)
        Reconsider(cell, event.time);
    }
  }

  void Advance(Time log_time) {
    log_time_ = std::max(log_time_, log_time);
    if (!slices_on) return;
    const Time end = FloorTo(log_time_, kSlice);
    for (Time start = judged_until_; start + kSlice <= end; start += kSlice) {
      for (const auto& [cell, born] : born_) {
        if (cell.projection != SliceProjection() || start + kSlice <= std::max(born, sliced_at_) ||
            IsExcluded(start))
          continue;
        verdicts_[{cell, start}] = SliceSum(cell, start) > kSliceBound;
      }
    }
    judged_until_ = std::max(judged_until_, end);
  }
  void Exclude(Time from, Time to) { excluded_.emplace_back(from, to); }
  void StartSlices() {
    slices_on = true;
    sliced_at_ = log_time_;
    judged_until_ = FloorTo(log_time_, kSlice);
  }
  void Drop(const Projection& projection) {
    std::erase(projections, projection);
    std::erase_if(entries_, [&](const auto& each) { return each.first.projection == projection; });
    std::erase_if(born_, [&](const auto& each) { return each.first.projection == projection; });
  }

  [[nodiscard]] Int128 Sum(const CellName& cell, const MeasureName& measure, Time after,
                           Time end) const {
    Int128 sum = 0;
    ForEach(cell, measure, MeasureType::kSum,
            [&](const TestEvent& event, const TestEvent::Value& value) {
              if (event.time >= after && event.time < end) sum += value.value;
            });
    return sum;
  }
  void ForEach(const CellName& cell, const MeasureName& measure, MeasureType type,
               const std::function<void(const TestEvent&, const TestEvent::Value&)>& visit) const {
    const auto events = entries_.find(cell);
    if (events == entries_.end()) return;
    for (const TestEvent& event : events->second) {
      for (const TestEvent::Value& value : event.values) {
        if (value.type == type && value.measure == measure) visit(event, value);
      }
    }
  }
  /// Slices of a cell whose verdict time lies in [from, to): all and good ones.
  [[nodiscard]] std::pair<Int128, Int128> Slices(const CellName& cell, Time from, Time to) const {
    std::pair<Int128, Int128> counts{0, 0};
    for (const auto& [key, good] : verdicts_) {
      const Time verdict = key.second + kSlice - Duration(1);
      if (key.first != cell || verdict < from || verdict >= to) continue;
      ++counts.first;
      counts.second += good ? 1 : 0;
    }
    return counts;
  }
  [[nodiscard]] std::vector<CellName> cells() const {
    std::vector<CellName> cells;
    for (const auto& [cell, born] : born_) cells.push_back(cell);
    return cells;
  }
  [[nodiscard]] Time log_time() const { return log_time_; }
  [[nodiscard]] static const Projection& SliceProjection() {
    static const Projection kAgent{{"agent"}, {}};
    return kAgent;
  }
  bool slices_on = false;

 private:
  [[nodiscard]] Int128 SliceSum(const CellName& cell, Time start) const {
    return Sum(cell, kCount, start, start + kSlice);
  }
  [[nodiscard]] bool IsExcluded(Time start) const {
    return std::any_of(excluded_.begin(), excluded_.end(), [&](const auto& range) {
      return range.first < start + kSlice && start < range.second;
    });
  }
  /// A late event may turn a verdict while the 1 min level, 8 chunks of 64 up to the newest one,
  /// holds the slice.
  void Reconsider(const CellName& cell, Time time) {
    const Time start = FloorTo(time, kSlice);
    const auto verdict = verdicts_.find({cell, start});
    if (verdict == verdicts_.end()) return;
    Time newest{};
    ForEach(cell, kCount, MeasureType::kSum,
            [&](const TestEvent& event, const auto&) { newest = std::max(newest, event.time); });
    const Bucket oldest = (BucketOf(newest, minutes(1)) / 64 - 7) * 64;
    if (BucketOf(start, minutes(1)) >= oldest)
      verdict->second = SliceSum(cell, start) > kSliceBound;
  }

  std::map<CellName, std::vector<TestEvent>> entries_;
  std::map<CellName, Time> born_;
  std::map<std::pair<CellName, Time>, bool> verdicts_;
  std::vector<std::pair<Time, Time>> excluded_;
  Time log_time_{}, judged_until_{}, sliced_at_{};
};

/// One random stream of events, checkpoints, restarts and plans; says what first differs.
class RandomStream {
 public:
  explicit RandomStream(std::uint64_t seed) : random_(seed), store_(NewStore()) {}

  std::optional<std::string> Run(int steps) {
    AdvanceTo(kStart);
    for (int step = 0; step < steps; ++step) {
      Step();
      if (failure_) return "step " + std::to_string(step) + ": " + *failure_;
    }
    CheckAll();
    return failure_;
  }

 private:
  std::uint64_t Draw(std::uint64_t bound) { return random_() % bound; }
  void Fail(const std::string& message) {
    if (!failure_) failure_ = message;
  }
  std::unique_ptr<WindowStore> NewStore() {
    auto store = std::make_unique<WindowStore>();
    table_.Attach(store.get());
    return store;
  }
  /// Does something to the store, and remembers it for the tail after a checkpoint.
  void Do(const std::function<void(WindowStore*)>& action) {
    action(store_.get());
    if (writing_) tail_.push_back(action);
    if (has_complete_) complete_tail_.push_back(action);
  }
  void AdvanceTo(Time log_time) {
    Do([log_time](WindowStore* store) { store->Advance(log_time); });
    model_.Advance(log_time);
  }

  void Step() {
    const std::uint64_t draw = Draw(1'000);
    if (draw < 30) return BeginOrContinue();
    if (draw < 40) return Reload();
    if (draw < 50) return Reconfigure();
    if (draw < 55) return Exclude();
    if (draw < 75) return CheckAll();
    if (draw < 400) AdvanceTo(model_.log_time() + NextGap());
    FoldOne();
    if (writing_ && Draw(3) == 0) BeginOrContinue();
  }
  Duration NextGap() {
    const std::uint64_t draw = Draw(1'000);
    if (draw < 700) return seconds(Draw(20));
    if (draw < 950) return seconds(Draw(600));
    if (draw < 995) return minutes(Draw(200));
    return model_.slices_on ? Duration(minutes(300)) : Duration(hours(Draw(24 * 12)));
  }
  Time EventTime() {
    const std::uint64_t draw = Draw(1'000);
    const Time now = model_.log_time();
    if (draw < 600) return now - seconds(Draw(5));
    if (draw < 700) return now + seconds(Draw(300));
    if (draw < 800) return now - seconds(Draw(3'700));
    if (draw < 900) return now - minutes(Draw(60 * 9));
    if (draw < 970) return now - hours(Draw(80));
    return now - hours(Draw(24 * 60));
  }
  void FoldOne() {
    static constexpr const char* kTypes[] = {"", "dev", "ops"};
    TestEvent event;
    event.time = EventTime();
    event.agent = Draw(20) == 0 ? "" : "agent-" + std::to_string(Draw(4));
    event.type = kTypes[Draw(3)];
    event.values.push_back({kCount, MeasureType::kSum, static_cast<Int128>(Draw(30)), 1});
    if (Draw(2) == 0)
      event.values.push_back({kCost, MeasureType::kSum,
                              (static_cast<Int128>(Draw(2'000)) - 500) << (Draw(40) == 0 ? 60 : 20),
                              1});
    if (Draw(3) == 0) {
      event.values.push_back({kDuration, MeasureType::kDistribution,
                              static_cast<Int128>(Draw(5'000'000)) - 1'000'000,
                              static_cast<std::uint32_t>(Draw(4) + 1)});
    }
    if (Draw(3) == 0) {
      const bool is_sum = Draw(4) == 0;
      event.values.push_back({kQueue, is_sum ? MeasureType::kSum : MeasureType::kGauge,
                              static_cast<Int128>(Draw(1'000)) - 500,
                              is_sum ? 1U : static_cast<std::uint32_t>(Draw(3) + 1)});
    }
    if (Draw(3) == 0)
      event.values.push_back({kSubjects, MeasureType::kDistinct,
                              static_cast<Int128>((Draw(40) + 1) * 0x9E37'79B9'7F4A'7C15ULL >> 1),
                              1});
    Do([event](WindowStore* store) { FoldInto(store, event); });
    model_.Fold(event);
  }
  void Exclude() {
    const Time from = model_.log_time() + seconds(1);
    const Time to = from + minutes(Draw(30) + 1);
    Do([from, to](WindowStore* store) { store->Exclude(from, to); });
    model_.Exclude(from, to);
    AdvanceTo(to);
  }

  void Reconfigure() {
    static const std::vector<Projection> kRules = {{{"agent"}, {{"type", {"dev"}}}},
                                                   {{"agent", "type"}, {}},
                                                   {{}, {{"agent", {"agent-1", "agent-2"}}}},
                                                   {{"team"}, {{"type", {"dev", "ops"}}}}};
    const Projection& toggled = kRules[Draw(kRules.size())];
    auto& now = model_.projections;
    if (std::find(now.begin(), now.end(), toggled) != now.end()) {
      model_.Drop(toggled);
    } else {
      now.push_back(toggled);
    }
    if (!model_.slices_on && Draw(2) == 0) model_.StartSlices();
    WindowPlan plan;
    for (const Projection& rule : kRules) {
      if (std::find(now.begin(), now.end(), rule) != now.end()) plan.projections.push_back(rule);
    }
    if (model_.slices_on)
      plan.slices.push_back({"s", ListModel::SliceProjection(), kCount, kSlice, kSliceBound, true});
    Do([plan](WindowStore* store) { store->Configure(plan, Sequence{7}); });
  }

  void BeginOrContinue() {
    if (!writing_) {
      store_->BeginCheckpoint();
      at_begin_ = CanonicalOf(*store_);
      writing_ = true;
      tail_.clear();
      return;
    }
    if (!table_.Continue(store_.get(), Draw(60) + 1)) return;
    writing_ = false;
    has_complete_ = true;
    complete_tail_ = std::move(tail_);
    WindowStore loaded;
    table_.Attach(&loaded);
    if (const Status status = table_.Load(&loaded); !status.ok())
      return Fail(status.error().message());
    if (CanonicalOf(loaded) != at_begin_) Fail("the checkpoint is not the state at its beginning");
  }
  /// The process dies: last complete checkpoint and the tail after it.
  void Reload() {
    if (!has_complete_) return;
    auto loaded = NewStore();
    if (const Status status = table_.Load(loaded.get()); !status.ok())
      return Fail(status.error().message());
    for (const auto& action : complete_tail_) action(loaded.get());
    if (CanonicalOf(*loaded) != CanonicalOf(*store_))
      return Fail("checkpoint and tail are not the live state");
    store_ = std::move(loaded);
    if (writing_) table_.Forget();
    writing_ = false;
  }

  void CheckAll() {
    for (const ListModel::CellName& cell : model_.cells()) {
      Check(cell);
      if (failure_) return;
    }
  }
  void Check(const ListModel::CellName& name) {
    const std::vector<std::string_view> values(name.values.begin(), name.values.end());
    const auto cell = store_->FindCell(store_->FindOrBuiltIn(name.projection), values);
    if (!cell) return Fail("a cell is missing");
    const Time at = model_.log_time() + seconds(Draw(40));
    for (const MeasureName& measure : {kCount, kCost, kQueue}) {
      for (const Duration window :
           {Duration(seconds(10)), Duration(minutes(5)), Duration(hours(1)), Duration(minutes(61)),
            Duration(hours(6)), Duration(hours(24)), Duration(hours(72)), Duration(hours(24 * 7)),
            Duration(hours(24 * 35))}) {
        CheckSum(name, *cell, measure, at, window);
      }
      CheckHistory(name, *cell, measure);
    }
    for (const Duration window :
         {Duration(minutes(5)), Duration(hours(6)), Duration(hours(24 * 35))}) {
      CheckQuantile(name, *cell, at, window);
      CheckGauge(name, *cell, at, window);
      CheckDistinct(name, *cell, at, window);
    }
    if (model_.slices_on && name.projection == ListModel::SliceProjection())
      CheckSlices(name, *cell, at);
  }
  /// [after, end) of the window formula over buckets of `width`.
  static std::pair<Time, Time> Range(Time at, Duration window, Duration width) {
    const Time end = FloorTo(at, width) + width;
    return {end - window, end};
  }
  void CheckSum(const ListModel::CellName& name, CellId cell, const MeasureName& measure, Time at,
                Duration window) {
    const auto id = store_->FindMeasureId(measure);
    if (!id) return;
    const Duration width = window <= hours(1)    ? Duration(seconds(10))
                           : window <= hours(6)  ? Duration(minutes(1))
                           : window <= hours(72) ? Duration(minutes(10))
                                                 : Duration(hours(1));
    const auto [after, end] = Range(at, window, width);
    const Int128 expected = model_.Sum(name, measure, after, end);
    const Int128 got = store_->Sum(cell, *id, at, window);
    if (got != expected) {
      Fail("sum of " + measure.base + " over " + FormatDuration(window) + " at " + FormatTime(at) +
           ": " + FormatDecimal(got, 0) + ", expected " + FormatDecimal(expected, 0));
    }
  }
  void CheckHistory(const ListModel::CellName& name, CellId cell, const MeasureName& measure) {
    const auto id = store_->FindMeasureId(measure);
    if (!id) return;
    const Time from = FloorTo(kStart, hours(1)) - hours(Draw(24 * 70));
    const Time to = from + hours(Draw(24 * 150));
    if (store_->SumBetween(cell, *id, from, to) != model_.Sum(name, measure, from, to)) {
      Fail("history of " + measure.base + " from " + FormatTime(from) + " to " + FormatTime(to));
    }
  }
  void CheckQuantile(const ListModel::CellName& name, CellId cell, Time at, Duration window) {
    const auto id = store_->FindMeasureId(kDuration);
    if (!id) return;
    const auto [after, end] =
        Range(at, window, window <= hours(6) ? Duration(minutes(1)) : Duration(hours(1)));
    std::vector<std::int64_t> values;
    model_.ForEach(
        name, kDuration, MeasureType::kDistribution,
        [&, from = after, to = end](const TestEvent& event, const TestEvent::Value& value) {
          if (event.time < from || event.time >= to) return;
          values.insert(values.end(), value.count, static_cast<std::int64_t>(value.value));
        });
    std::sort(values.begin(), values.end());
    const double q = static_cast<double>(Draw(101)) / 100;
    const QuantileAnswer got = store_->Quantile(cell, *id, q, at, window);
    if (got.count != values.size())
      return Fail("count of a quantile over " + FormatDuration(window));
    if (values.empty()) return;
    const auto rank = std::max<std::size_t>(
        1, static_cast<std::size_t>(std::ceil(q * static_cast<double>(values.size()))));
    const std::int64_t exact = values[rank - 1];
    if (got.bucket != Sketch::IndexOf(exact) || std::abs(got.value - static_cast<double>(exact)) >
                                                    0.01 * std::abs(static_cast<double>(exact))) {
      Fail("quantile over " + FormatDuration(window));
    }
  }
  void CheckGauge(const ListModel::CellName& name, CellId cell, Time at, Duration window) {
    const auto id = store_->FindMeasureId(kQueue);
    if (!id) return;
    const auto [after, end] =
        Range(at, window, window <= hours(6) ? Duration(minutes(1)) : Duration(hours(1)));
    GaugeAnswer expected;
    Time last_time{};
    model_.ForEach(
        name, kQueue, MeasureType::kGauge,
        [&, from = after, to = end](const TestEvent& event, const TestEvent::Value& each) {
          if (event.time < from || event.time >= to) return;
          const auto value = static_cast<std::int64_t>(each.value);
          if (expected.count == 0 || event.time >= last_time) {
            expected.last = value;
            last_time = event.time;
          }
          expected.min = expected.count == 0 ? value : std::min(expected.min, value);
          expected.max = expected.count == 0 ? value : std::max(expected.max, value);
          expected.count += each.count;
          expected.sum += each.value * each.count;
        });
    const GaugeAnswer got = store_->Gauge(cell, *id, at, window);
    if (got.count != expected.count || got.last != expected.last || got.min != expected.min ||
        got.max != expected.max || got.sum != expected.sum) {
      Fail("gauge over " + FormatDuration(window));
    }
  }
  void CheckDistinct(const ListModel::CellName& name, CellId cell, Time at, Duration window) {
    const auto id = store_->FindMeasureId(kSubjects);
    if (!id) return;
    const Duration width = window <= hours(6) ? Duration(minutes(10)) : Duration(hours(1));
    const auto [after, end] = Range(at, std::max(window, width), width);
    std::set<Int128> seen;
    model_.ForEach(
        name, kSubjects, MeasureType::kDistinct,
        [&, from = after, to = end](const TestEvent& event, const TestEvent::Value& value) {
          if (event.time >= from && event.time < to) seen.insert(value.value);
        });
    if (store_->Distinct(cell, *id, at, window) != seen.size())
      Fail("distinct over " + FormatDuration(window));
  }
  void CheckSlices(const ListModel::CellName& name, CellId cell, Time at) {
    const auto total = store_->FindMeasureId({"slice.total:s", ""});
    const auto good = store_->FindMeasureId({"slice.good:s", ""});
    if (!total || !good) return Fail("slices have no measures");
    const auto [after, end] = Range(at, hours(24), minutes(10));
    const auto expected = model_.Slices(name, after, end);
    const std::pair<Int128, Int128> got{store_->Sum(cell, *total, at, hours(24)),
                                        store_->Sum(cell, *good, at, hours(24))};
    if (got != expected) {
      Fail("slices: " + FormatDecimal(got.second, 0) + " of " + FormatDecimal(got.first, 0) +
           " good, expected " + FormatDecimal(expected.second, 0) + " of " +
           FormatDecimal(expected.first, 0));
    }
  }

  std::mt19937_64 random_;
  CheckpointTable table_;
  std::unique_ptr<WindowStore> store_;
  ListModel model_;
  std::optional<std::string> failure_;
  bool writing_ = false, has_complete_ = false;
  std::string at_begin_;
  std::vector<std::function<void(WindowStore*)>> tail_, complete_tail_;
};

/// The shortest prefix of a failing stream that still fails; steps do not depend on how many
/// follow.
int Shrink(std::uint64_t seed, int steps) {
  int passes = 0;
  while (steps - passes > 1) {
    const int middle = passes + (steps - passes) / 2;
    (RandomStream(seed).Run(middle) ? steps : passes) = middle;
  }
  return steps;
}

TEST(WindowModelTest, EveryAnswerEqualsAListOfEvents) {
  constexpr int kSteps = 700;
  const char* const only = std::getenv("BAROGRAPH_SEED");
  const std::uint64_t first = only != nullptr ? std::strtoull(only, nullptr, 10) : 1;
  const std::uint64_t last = only != nullptr ? first : 60;
  for (std::uint64_t seed = first; seed <= last; ++seed) {
    if (!RandomStream(seed).Run(kSteps)) continue;
    const int steps = Shrink(seed, kSteps);
    FAIL() << "BAROGRAPH_SEED=" << seed << " fails after " << steps
           << " steps: " << RandomStream(seed).Run(steps).value_or("only when run longer");
  }
}

}  // namespace
}  // namespace barograph::rules
