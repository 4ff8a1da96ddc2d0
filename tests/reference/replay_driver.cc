// Makes a random stream of events, rules and evaluation points from a seed, runs the engine over
// it, and writes both down: what went in, for the reference model, and what the engine answered.
// The format is in README.md.
//
//   reference_replay_driver SEED SECONDS INPUT ANSWERS

#include <google/protobuf/util/json_util.h>

#include <algorithm>
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
#include "server/partition/calendar_zones.h"
#include "storage/base/assert.h"
#include "storage/base/bytes.h"
#include "tests/reference/describe.h"
#include "tests/reference/dice.h"
#include "tests/reference/random_budgets.h"
#include "tests/reference/random_events.h"
#include "tests/reference/random_questions.h"
#include "tests/reference/random_rules.h"

namespace barograph::reference {
namespace {

using nlohmann::json;
using rules::Engine;
using rules::Projection;
using rules::RuleSet;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::string_view kTenant = "default";
/// More instances than a seed ever has.
constexpr std::size_t kAllInstances = 1'000'000;
constexpr int kCallsPerSecondMax = 1'000;

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
    Write({{"rules", DescribeRules(rules)}, {"log_time_ns", Nanos(now)}});
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
  void OpenPeriods(Time second);
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

/// As the server does before it evaluates a second.
void Replay::OpenPeriods(Time second) {
  for (const Engine::MissingPeriod& missing : engine_.MissingPeriods(second)) {
    const auto period = server::PeriodOf(missing.calendar, missing.at);
    BAROGRAPH_ASSERT(period.has_value(), "the zone is known");
    FoldDecided(engine_.OpenPeriod(*period), second);
  }
}

void Replay::EvaluateSecond(Time second) {
  Write({{"evaluate_second", Nanos(second)}});
  OpenPeriods(second);
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
           {"matchers", DescribeMatchers(silenced.matchers)},
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
  Write({{"acknowledge", {{"matchers", DescribeMatchers(wish.matchers)}}},
         {"log_time_ns", Nanos(now)}});
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
  json spending = json::array();
  for (const rules::BudgetStatus& status : engine_.Budgets(kTenant, at, "", kAllInstances)) {
    json period;
    if (status.period) period = {Nanos(status.period->start), Nanos(status.period->end)};
    json exhausted_at;
    if (status.exhausted_at) exhausted_at = Nanos(*status.exhausted_at);
    spending.push_back({{"rule", status.rule},
                        {"labels", status.labels},
                        {"amount", FormatDecimal(status.amount, 0)},
                        {"period", period},
                        {"expected_ppb", status.expected_ppb},
                        {"exhausted_at_ns", exhausted_at},
                        {"filling", status.filling}});
  }
  Answer({{"budgets", budgets}, {"spending", spending}});
}

/// Days before the stream in which the server ran for some seconds now and then, so that periods
/// began and days were counted. Returns the second at which the stream begins.
Time LiveBefore(Dice* dice, RandomEvents* events, Time second, Time until, Replay* replay) {
  while (second < until) {
    const Time stopped = second;
    second = std::min(until, stopped + hours(1) + dice->Span(hours(14)));
    second = std::chrono::ceil<seconds>(second);
    replay->Resume(stopped, second);
    replay->Arrive(events->Arrive(second), second, true);
    for (std::int64_t left = 1 + dice->Below(3); left > 0; --left) {
      second += seconds(1);
      replay->EvaluateSecond(second);
    }
  }
  return second;
}

void Run(std::uint64_t seed, int length, Replay* replay) {
  Dice dice(seed);
  RandomEvents events(&dice, seed);
  RuleSet rules = RandomRules(&dice);
  Time second{seconds(1'700'000'000 + dice.Below(86'400))};
  if (dice.Percent(60)) second = ShortlyBeforeAPeriod(&dice, rules);
  const Time begin = second;
  AddRandomRouting(&dice, begin, &rules);
  AddOverlays(&dice, begin, &rules);
  const bool lived = dice.Percent(35);
  if (lived) second -= hours(24) * (1 + dice.Below(30));
  replay->Configure(rules, second);
  replay->ApplyPrices(RandomEvents::Prices(&dice, second - hours(24 * 5)), second);
  replay->Arrive(events.History(second, 60), second, false);
  replay->ApplyPrices(RandomEvents::Prices(&dice, second - hours(24)), second);
  if (lived) second = LiveBefore(&dice, &events, second, begin, replay);
  for (int i = 0; i < length; ++i) {
    Time now = second;
    for (std::int64_t records = dice.Below(3); records > 0; --records) {
      now += dice.Span(milliseconds(330));
      replay->Arrive(events.Arrive(now), now, dice.Percent(60));
    }
    if (dice.Below(60) == 0) events.ChangeLuck();
    if (dice.Below(250) == 0) {
      RuleSet edited = EditRules(&dice, RandomRules(&dice));
      if (dice.Percent(50)) {
        edited.budgets = rules.budgets;
        edited.goals = rules.goals;
        edited.expects = rules.expects;
      }
      AddOverlays(&dice, now, &edited);
      edited.route = rules.route;
      edited.receivers = rules.receivers;
      edited.inhibitions = rules.inhibitions;
      edited.mute_times = rules.mute_times;
      edited.escalations = rules.escalations;
      edited.flapping = rules.flapping;
      replay->Configure(edited, now);
      rules = std::move(edited);
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
    if (i % 60 != 59) continue;
    for (json& question : RandomQuestions(&dice, second)) replay->Ask(std::move(question));
    replay->AskBudgets(second);
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
