// Makes a random stream of events, rules and evaluation points from a seed, runs the engine over
// it, and writes both down: what went in, for the reference model, and what the engine answered.
// The format is in README.md.
//
//   reference_replay_driver SEED SECONDS INPUT ANSWERS

#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "rules/engine/engine.h"
#include "storage/base/assert.h"
#include "storage/base/bytes.h"
#include "tests/reference/dice.h"
#include "tests/reference/random_events.h"
#include "tests/reference/random_rules.h"

namespace barograph::reference {
namespace {

using nlohmann::json;
using rules::Engine;
using rules::Projection;
using rules::RuleSet;
using rules::SloSpec;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::string_view kTenant = "default";
/// More instances than a seed ever has.
constexpr std::size_t kAllInstances = 1'000'000;
constexpr int kCallsPerSecondMax = 1'000;

std::int64_t Nanos(Time time) { return time.time_since_epoch().count(); }

std::string Decimal(double value) {
  std::array<char, 64> text{};
  return {
      text.data(),
      std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed).ptr};
}

json Where(const std::vector<Projection::Filter>& where) {
  json found = json::object();
  for (const Projection::Filter& filter : where) found[filter.dimension] = filter.any_of;
  return found;
}

json Describe(const rules::Indicator& indicator) {
  json found = {{"measure", indicator.measure}};
  if (indicator.at_most_nanos) found["at_most_nanos"] = *indicator.at_most_nanos;
  return found;
}

json Describe(const SloSpec& slo) {
  json burn = json::array();
  for (const rules::BurnRow& row : slo.burn) {
    burn.push_back(
        {{"long_ns", row.long_window.count()},
         {"short_ns", row.short_window.count()},
         {"budget", Decimal(row.budget)},
         {"severity", Name(row.severity)},
         {"condition", FormatDuration(row.long_window) + "/" + FormatDuration(row.short_window)}});
  }
  json found = {{"name", slo.common.name},
                {"by", slo.common.by},
                {"where", Where(slo.common.where)},
                {"labels", slo.common.labels},
                {"severity", Name(slo.common.severity)},
                {"for_ns", slo.common.for_duration.count()},
                {"keep_firing_for_ns", slo.common.keep_firing_for.count()},
                {"min_events", slo.common.min_events},
                {"good", Describe(slo.good)},
                {"total", Describe(slo.total)},
                {"objective_ppb", slo.objective_ppb},
                {"period_ns", slo.period.count()},
                {"burn", burn}};
  if (slo.freeze_below) found["freeze_below"] = Decimal(*slo.freeze_below);
  if (slo.slice) {
    found["slice"] = {{"measure", slo.slice->measure},
                      {"per_ns", slo.slice->per.count()},
                      {"bound", Decimal(slo.slice->bound)},
                      {"above", slo.slice->above},
                      {"slice_ns", slo.slice->slice.count()}};
  }
  return found;
}

json Describe(const rules::AbsenceSpec& absence) {
  return {{"name", absence.common.name},
          {"by", absence.common.by},
          {"where", Where(absence.common.where)},
          {"labels", absence.common.labels},
          {"severity", Name(absence.common.severity)},
          {"keep_firing_for_ns", absence.common.keep_firing_for.count()},
          {"measure", absence.measure},
          {"silence_ns", absence.silence.count()},
          {"expected", absence.expected},
          {"seen_within_ns", absence.seen_within.count()}};
}

json Describe(const rules::NoticeSpec& notice) {
  return {
      {"name", notice.common.name}, {"by", notice.common.by}, {"where", Where(notice.common.where)},
      {"each", notice.each},        {"limit", notice.limit},  {"per_ns", notice.per.count()}};
}

std::string_view Name(rules::ThresholdSpec::Versus versus) {
  constexpr std::array<std::string_view, 4> kNames = {"number", "baseline", "previous", "anomaly"};
  return kNames.at(static_cast<std::size_t>(versus));
}

std::string_view Name(rules::ThresholdSpec::Side side) {
  constexpr std::array<std::string_view, 3> kNames = {"above", "below", "both"};
  return kNames.at(static_cast<std::size_t>(side));
}

json Describe(const rules::ThresholdSpec& spec) {
  return {{"name", spec.common.name},
          {"by", spec.common.by},
          {"where", Where(spec.common.where)},
          {"labels", spec.common.labels},
          {"severity", Name(spec.common.severity)},
          {"for_ns", spec.common.for_duration.count()},
          {"keep_firing_for_ns", spec.common.keep_firing_for.count()},
          {"min_events", spec.common.min_events},
          {"form", rules::Name(spec.form)},
          {"measure", spec.measure},
          {"whole", spec.whole},
          {"per_ns", spec.per.count()},
          {"quantile", FormatDecimal(spec.quantile_ppb, 9)},
          {"over_ns", spec.over.count()},
          {"currency", spec.currency},
          {"versus", Name(spec.versus)},
          {"side", Name(spec.side)},
          {"bound", spec.bound.number},
          {"span_ns", spec.span.count()},
          {"slo", spec.slo},
          {"condition", rules::ConditionText(spec)}};
}

json Describe(const rules::DerivedSpec& derived) {
  constexpr std::array<std::string_view, 3> kTypes = {"plus", "minus", "ratio"};
  return {{"name", derived.name},
          {"type", kTypes.at(static_cast<std::size_t>(derived.type))},
          {"parts", derived.parts}};
}

template <typename Specs>
json DescribeAll(const Specs& specs) {
  json found = json::array();
  for (const auto& spec : specs) found.push_back(Describe(spec));
  return found;
}

json Describe(const storage::PricesApplied& prices) {
  json entries = json::array();
  for (const storage::ModelPrice& price : prices.prices) {
    json entry = {{"model", price.model}, {"provider", price.provider}};
    const auto add = [&entry](const char* name, const std::optional<std::int64_t>& rate) {
      if (rate) entry[name] = *rate;
    };
    add("input", price.input);
    add("output", price.output);
    add("cache_read", price.cache_read);
    add("cache_write", price.cache_write);
    add("reasoning", price.reasoning);
    entries.push_back(std::move(entry));
  }
  return {{"effective_from_ns", Nanos(prices.effective_from)},
          {"currency", prices.currency_code},
          {"prices", entries}};
}

json Describe(const storage::AlertTransition& transition) {
  const bool up = transition.to == storage::AlertState::kPending ||
                  transition.to == storage::AlertState::kFiring;
  return {{"rule", transition.rule},       {"labels", transition.labels},
          {"from", Name(transition.from)}, {"to", Name(transition.to)},
          {"at_ns", Nanos(transition.at)}, {"condition", up ? transition.condition : ""}};
}

json Describe(const std::vector<rules::LabelMatcher>& matchers) {
  constexpr const char* kOps[] = {"", "=", "!=", "=~", "!~"};
  json found = json::array();
  for (const rules::LabelMatcher& matcher : matchers) {
    found.push_back({{"name", matcher.name},
                     {"op", kOps[static_cast<std::size_t>(matcher.op)]},
                     {"value", matcher.value}});
  }
  return found;
}

json Describe(const rules::RouteSpec& route) {
  json children = json::array();
  for (const rules::RouteSpec& child : route.children) children.push_back(Describe(child));
  return {{"receiver", route.receiver},
          {"group_by", route.group_by},
          {"group_wait_ns", route.group_wait.count()},
          {"group_interval_ns", route.group_interval.count()},
          {"repeat_interval_ns", route.repeat_interval.count()},
          {"match", Describe(route.match)},
          {"continue", route.proceeds},
          {"children", children}};
}

json Describe(const rules::Notice& notice) {
  json members = json::array();
  for (const rules::NoticeMember& member : notice.members) {
    const bool resolved = member.state == storage::AlertState::kResolved;
    members.push_back({{"labels", member.labels},
                       {"state", Name(member.state)},
                       {"starts_at_ns", Nanos(member.starts_at)},
                       {"ends_at_ns", resolved ? Nanos(member.ends_at) : 0}});
  }
  return {{"receiver", notice.receiver},   {"reason", notice.reason},
          {"at_ns", Nanos(notice.at)},     {"group_labels", notice.group_labels},
          {"truncated", notice.truncated}, {"members", members}};
}

json Message(const rules::Notice& notice) {
  return {{"receiver", notice.receiver}, {"text", notice.members.front().summary}};
}

json ToJson(const v1::Event& event) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string text;
  const auto status = google::protobuf::util::MessageToJsonString(event, &text, options);
  BAROGRAPH_ASSERT(status.ok(), text);
  return json::parse(text);
}

/// The engine and the two files.
class Replay {
 public:
  Replay(const std::string& input, const std::string& answers)
      : engine_([](const rules::Notice& notice, const rules::ReceiverSpec&) {
          const bool is_message = notice.reason == rules::kReasonEvent;
          const json body = is_message ? Message(notice) : Describe(notice);
          return rules::NoticeBody{body.dump(), "application/json"};
        }),
        input_(input),
        answers_(answers) {}

  void Configure(const RuleSet& rules, Time now) {
    for (const rules::SpecError& error : Validate(rules)) {
      std::fprintf(stderr, "%s: %s\n", error.path.c_str(), error.message.c_str());
      std::exit(EXIT_FAILURE);
    }
    json written = {
        {"slos", DescribeAll(rules.slos)},       {"thresholds", DescribeAll(rules.thresholds)},
        {"derived", DescribeAll(rules.derived)}, {"absences", DescribeAll(rules.absences)},
        {"notices", DescribeAll(rules.notices)}, {"routes", Describe(rules.route)}};
    written["receivers"] = json::array();
    for (const rules::ReceiverSpec& receiver : rules.receivers) {
      written["receivers"].push_back(
          {{"name", receiver.name}, {"send_resolved", receiver.send_resolved}});
    }
    written["inhibitions"] = json::array();
    for (const rules::InhibitionSpec& inhibition : rules.inhibitions) {
      written["inhibitions"].push_back({{"source", Describe(inhibition.source)},
                                        {"target", Describe(inhibition.target)},
                                        {"equal", inhibition.equal}});
    }
    Write({{"rules", written}, {"log_time_ns", Nanos(now)}});
    FoldDecided(engine_.ApplyRules(rules, {"test", "reload"}), now);
    rules_ = rules;
  }
  void ApplyPrices(const storage::PricesApplied& prices, Time now) {
    Write({{"prices", Describe(prices)}, {"log_time_ns", Nanos(now)}});
    FoldDecided(engine_.ApplyPrices(kTenant, prices), now);
  }
  void Resume(Time stopped_at, Time resumed_at) {
    Write({{"resumed",
            {{"stopped_at_ns", Nanos(stopped_at)}, {"resumed_at_ns", Nanos(resumed_at)}}}});
    FoldDecided(engine_.Resume(stopped_at, resumed_at), resumed_at);
  }
  void Arrive(const std::vector<v1::Event>& events, Time now, bool evaluate);
  void EvaluateSecond(Time second);
  void Silence(Dice* dice, Time now);
  void Expire(Dice* dice, Time now);
  void Acknowledge(Dice* dice, Time now);
  void Ask(json question);
  void AskBudgets(Time at);

  [[nodiscard]] const RuleSet& rules() const { return rules_; }

 private:
  void Write(const json& line) {
    input_ << line.dump() << '\n';
    ++line_;
  }
  void Answer(json answer) {
    answer["line"] = line_;
    answers_ << answer.dump() << '\n';
  }
  void Fold(const std::vector<std::string>& wires, Time now);
  json FoldDecided(const std::vector<Engine::Decided>& decided, Time now);
  /// These transitions, and all that was told since the last answer.
  void AnswerTold(const json& transitions) {
    Answer({{"transitions", transitions},
            {"notices", std::exchange(notices_, json::array())},
            {"messages", std::exchange(messages_, json::array())}});
  }

  Engine engine_;
  std::ofstream input_, answers_;
  std::size_t line_ = 0;
  Sequence next_{1};
  std::set<std::string> ids_;  ///< what admission does before the log: an id counts once
  RuleSet rules_;
  json notices_ = json::array(), messages_ = json::array();  ///< decided since the last answer
};

void Replay::Fold(const std::vector<std::string>& wires, Time now) {
  if (wires.empty()) return;
  std::string payload;
  ByteWriter writer(&payload);
  for (const std::string& wire : wires) writer.String(wire);
  const Status status = engine_.Fold({next_, now, kTenant}, payload);
  BAROGRAPH_ASSERT(status.ok(), status.error().message());
  next_ = next_.Plus(wires.size());
}

/// Folds what was decided, and tells its transitions.
json Replay::FoldDecided(const std::vector<Engine::Decided>& decided, Time now) {
  json transitions = json::array();
  for (const Engine::Decided& batch : decided) {
    std::vector<std::string> wires;
    for (const storage::ServerEvent& event : batch.events) {
      wires.push_back(storage::EncodeServerEvent(event, now));
      if (const auto* notice = std::get_if<storage::NoticeDecided>(&event)) {
        json told = json::parse(notice->body);
        // What lies wholly in the past is told in digests: README.md.
        if (notice->origin.reason == rules::kReasonEvent) {
          messages_.push_back(std::move(told));
        } else if (!told["group_labels"].contains("late")) {
          notices_.push_back(std::move(told));
        }
      }
      const auto* transition = std::get_if<storage::AlertTransition>(&event);
      // Breaches wholly in the past are digests, and equal states only note whether the condition
      // holds: README.md.
      if (transition == nullptr || transition->late || transition->from == transition->to) continue;
      transitions.push_back(Describe(*transition));
    }
    Fold(wires, now);
  }
  return transitions;
}

void Replay::Arrive(const std::vector<v1::Event>& events, Time now, bool evaluate) {
  json arrivals = json::array();
  std::vector<std::string> wires;
  for (const v1::Event& event : events) {
    arrivals.push_back(ToJson(event));
    if (ids_.insert(event.id()).second) wires.push_back(event.SerializeAsString());
  }
  Write(
      {{"record", {{"sequence", next_.value}, {"log_time_ns", Nanos(now)}, {"evaluate", evaluate}}},
       {"events", arrivals}});
  Fold(wires, now);
  if (!evaluate) return;
  Write({{"evaluate_changed", Nanos(now)}});
  json transitions = json::array();
  bool more = true;
  while (more) {
    const json some = FoldDecided(engine_.EvaluateChanged(now, &more), now);
    transitions.insert(transitions.end(), some.begin(), some.end());
  }
  AnswerTold(transitions);
}

void Replay::EvaluateSecond(Time second) {
  Write({{"evaluate_second", Nanos(second)}});
  json transitions = json::array();
  bool more = true;
  for (int calls = 0; more; ++calls) {
    BAROGRAPH_ASSERT(calls < kCallsPerSecondMax, "a second comes to its end");
    const json some = FoldDecided(engine_.EvaluateSecond(second, kAllInstances, &more), second);
    transitions.insert(transitions.end(), some.begin(), some.end());
  }
  AnswerTold(transitions);
}

/// Somebody silences some alerts, at once or a little later.
void Replay::Silence(Dice* dice, Time now) {
  storage::Silenced wish;
  wish.matchers = RandomMatchers(dice);
  wish.comment = "by chance";
  wish.starts_at = dice->Percent(70) ? now : now + dice->Span(seconds(40));
  wish.ends_at = wish.starts_at + seconds(1) + dice->Span(minutes(3));
  const auto decided = engine_.AddSilence(kTenant, wish, now);
  if (!decided.ok()) return;
  const auto& silenced = std::get<storage::Silenced>(decided->at(0).events.at(0));
  Write({{"silence",
          {{"id", silenced.id},
           {"matchers", Describe(silenced.matchers)},
           {"starts_at_ns", Nanos(silenced.starts_at)},
           {"ends_at_ns", Nanos(silenced.ends_at)},
           {"at_ns", Nanos(silenced.at)}}},
         {"log_time_ns", Nanos(now)}});
  FoldDecided(*decided, now);
}

void Replay::Expire(Dice* dice, Time now) {
  std::vector<std::string> ids;
  for (const rules::SilenceView& silence : engine_.Silences(kTenant)) {
    if (silence.state != rules::SilenceState::kEnded) ids.push_back(silence.said.id);
  }
  if (ids.empty()) return;
  const std::string id = dice->Of(ids);
  const auto decided = engine_.EndSilence(kTenant, id, {"test", "command"}, now);
  BAROGRAPH_ASSERT(decided.ok(), "it has not ended");
  Write({{"expire", {{"id", id}}}, {"log_time_ns", Nanos(now)}});
  FoldDecided(*decided, now);
}

void Replay::Acknowledge(Dice* dice, Time now) {
  rules::AckWish wish;
  wish.matchers = RandomMatchers(dice);
  const auto decided = engine_.Acknowledge(kTenant, wish, now);
  if (!decided.ok() || decided->empty()) return;
  Write({{"acknowledge", {{"matchers", Describe(wish.matchers)}}}, {"log_time_ns", Nanos(now)}});
  FoldDecided(*decided, now);
}

void Replay::Ask(json question) {
  Write({{"query", question}});
  const rules::WindowStore& windows = *engine_.windows(kTenant);
  Projection projection;
  projection.by = question["by"].get<std::vector<std::string>>();
  for (const auto& [name, values] : question["where"].items())
    projection.where.push_back({name, values});
  const auto texts = question["values"].get<std::vector<std::string>>();
  const std::vector<std::string_view> values(texts.begin(), texts.end());
  const auto cell = windows.FindCell(windows.FindOrBuiltIn(projection), values);
  if (!cell) return Answer({{"missing", true}});
  const auto measure = windows.FindMeasureId({question["measure"], question["qualifier"]});
  const std::string kind = question["kind"];
  const auto time = [&](const char* name) {
    return Time(Duration(question[name].get<std::int64_t>()));
  };
  if (kind == "between") {
    const Int128 sum =
        measure ? windows.SumBetween(*cell, *measure, time("from_ns"), time("to_ns")) : 0;
    return Answer({{"sum", FormatDecimal(sum, 0)}});
  }
  const Time at = time("at_ns");
  const Duration window(question["window_ns"].get<std::int64_t>());
  if (kind == "sum") {
    return Answer(
        {{"sum", FormatDecimal(measure ? windows.Sum(*cell, *measure, at, window) : 0, 0)}});
  }
  if (kind == "distinct") {
    return Answer({{"distinct", measure ? windows.Distinct(*cell, *measure, at, window) : 0}});
  }
  if (kind == "gauge") {
    const rules::GaugeAnswer gauge =
        measure ? windows.Gauge(*cell, *measure, at, window) : rules::GaugeAnswer{};
    if (gauge.count == 0) return Answer({{"count", 0}});
    return Answer({{"count", gauge.count},
                   {"last", gauge.last},
                   {"min", gauge.min},
                   {"max", gauge.max},
                   {"sum", FormatDecimal(gauge.sum, 0)}});
  }
  const double q = std::strtod(question["q"].get<std::string>().c_str(), nullptr);
  const rules::QuantileAnswer answer =
      measure ? windows.Quantile(*cell, *measure, q, at, window) : rules::QuantileAnswer{};
  if (answer.count == 0) return Answer({{"count", 0}});
  Answer({{"count", answer.count}, {"bucket", answer.bucket}, {"value", answer.value}});
}

void Replay::AskBudgets(Time at) {
  Write({{"budgets", {{"at_ns", Nanos(at)}}}});
  json budgets = json::array();
  for (const rules::SloStatus& slo : engine_.Slos(kTenant, at, "", kAllInstances)) {
    budgets.push_back({{"rule", slo.rule},
                       {"labels", slo.labels},
                       {"good", FormatDecimal(slo.good, 0)},
                       {"total", FormatDecimal(slo.total, 0)},
                       {"remaining", slo.budget_remaining}});
  }
  Answer({{"budgets", budgets}});
}

/// A few windows over series of the built-in projections and of the rules.
void AskSome(Dice* dice, Time now, Replay* replay) {
  const std::vector<Duration> sums = {seconds(10),   minutes(1),    minutes(5), hours(1),
                                      hours(2),      hours(6),      hours(24),  hours(72),
                                      hours(24 * 7), hours(24 * 30)};
  const std::vector<Duration> others = {minutes(10), hours(1), hours(6), hours(24), hours(24 * 35)};
  const std::vector<std::pair<json, json>> cells = {
      {json::array(), json::array()}, {{"agent"}, {"ada"}},   {{"service"}, {"tiles"}},
      {{"type"}, {"development"}},    {{"model"}, {"large"}}, {{"category"}, {"FEES"}}};
  const auto question = [&](const char* kind, const char* measure, const char* qualifier,
                            const std::vector<Duration>& windows) {
    const auto& [by, values] = dice->Of(cells);
    return json{{"by", by},
                {"where", json::object()},
                {"values", values},
                {"kind", kind},
                {"measure", measure},
                {"qualifier", qualifier},
                {"at_ns", Nanos(now)},
                {"window_ns", dice->Of(windows).count()}};
  };
  const std::vector<std::pair<const char*, const char*>> measures = {
      {"tasks.finished", ""}, {"tasks.late", ""},        {"tasks.on_time", ""},
      {"cost", "USD"},        {"cost", "EUR"},           {"unpriced", ""},
      {"tokens", ""},         {"tokens.cache_read", ""}, {"revenue.net", "USD"},
      {"fees", "EUR"},        {"requests.failed", ""},   {"operations", ""},
      {"errors", ""},         {"changes", ""},           {"alerts.fired", ""},
      {"sample:queue", ""},   {"sample:handled", ""},    {"activity:signup", ""},
      {"task.value", "USD"}};
  for (const auto& [measure, qualifier] : measures)
    replay->Ask(question("sum", measure, qualifier, sums));
  for (const auto& [measure, qualifier] :
       std::vector<std::pair<const char*, const char*>>{{"request.duration", ""},
                                                        {"task.duration", ""},
                                                        {"cost.amount", "USD"},
                                                        {"feedback.score", ""}}) {
    json quantile = question("quantile", measure, qualifier, others);
    quantile["q"] = dice->Of(std::vector<std::string>{"0", "0.5", "0.9", "0.95", "0.99", "1"});
    replay->Ask(std::move(quantile));
  }
  replay->Ask(question("gauge", "sample:queue", "gauge", others));
  for (const char* measure : {"agents", "customers", "subjects"})
    replay->Ask(question("distinct", measure, "", others));
  json between = question("between", "tasks.completed", "", sums);
  const Time hour = std::chrono::floor<hours>(now) + hours(1);
  between["to_ns"] = Nanos(hour - hours(dice->Below(24 * 3)));
  between["from_ns"] =
      between["to_ns"].get<std::int64_t>() - Duration(hours(1 + dice->Below(24 * 8))).count();
  replay->Ask(std::move(between));
  replay->AskBudgets(now);
}

void Run(std::uint64_t seed, int length, Replay* replay) {
  Dice dice(seed);
  RandomEvents events(&dice, seed);
  Time second{seconds(1'700'000'000 + dice.Below(86'400))};
  RuleSet rules = RandomRules(&dice);
  AddRandomRouting(&dice, &rules);
  replay->Configure(rules, second);
  replay->ApplyPrices(RandomEvents::Prices(&dice, second - hours(24 * 5)), second);
  replay->Arrive(events.History(second, 60), second, false);
  replay->ApplyPrices(RandomEvents::Prices(&dice, second - hours(24)), second);
  for (int i = 0; i < length; ++i) {
    Time now = second;
    for (std::int64_t records = dice.Below(3); records > 0; --records) {
      now += dice.Span(milliseconds(330));
      replay->Arrive(events.Arrive(now), now, dice.Percent(60));
    }
    if (dice.Below(60) == 0) events.ChangeLuck();
    if (dice.Below(250) == 0) {
      RuleSet edited = EditRules(&dice, RandomRules(&dice));
      edited.route = rules.route;
      edited.receivers = rules.receivers;
      edited.inhibitions = rules.inhibitions;
      edited.flapping = rules.flapping;
      replay->Configure(edited, now);
    }
    if (dice.Below(40) == 0) replay->Silence(&dice, now);
    if (dice.Below(90) == 0) replay->Expire(&dice, now);
    if (dice.Below(50) == 0) replay->Acknowledge(&dice, now);
    second += seconds(1);
    if (dice.Below(200) == 0) {
      const Time stopped = second;
      const Duration gap = dice.Percent(50) ? dice.Span(minutes(3)) : dice.Span(hours(8));
      replay->Resume(stopped, stopped + gap);
      second = std::chrono::ceil<seconds>(stopped + gap);
    }
    replay->EvaluateSecond(second);
    if (i % 60 == 59) AskSome(&dice, second, replay);
  }
}

}  // namespace
}  // namespace barograph::reference

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fputs("usage: reference_replay_driver SEED SECONDS INPUT ANSWERS\n", stderr);
    return 2;
  }
  barograph::reference::Replay replay(argv[3], argv[4]);
  barograph::reference::Run(std::strtoull(argv[1], nullptr, 10), std::atoi(argv[2]), &replay);
  return 0;
}
