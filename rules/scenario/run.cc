#include "rules/scenario/run.h"

#include <algorithm>
#include <map>
#include <utility>

#include "rules/engine/tenant.h"
#include "storage/base/bytes.h"

namespace barograph::rules {
namespace {

constexpr std::string_view kTenant = "default";
constexpr std::string_view kActor = "scenario";

/// One run under way.
class Run {
 public:
  Run(const RuleSet& rules, const Scenario& scenario, const ScenarioWorld& world)
      : rules_(rules),
        scenario_(scenario),
        world_(world),
        simulation_(
            std::make_unique<Engine>([this](const Notice& notice, const ReceiverSpec& receiver) {
              return Format(notice, receiver);
            }),
            scenario.start, world.periods,
            {.record = {}, .decided = [this](const storage::ServerEvent& event) { Keep(event); }}) {
  }

  Result<ScenarioRun> Go() {
    run_.start = scenario_.start;
    BAROGRAPH_TRY(Begin());
    while (arrival_ < scenario_.arrivals.size() || action_ < scenario_.actions.size() ||
           stop_ < scenario_.stops.size()) {
      BAROGRAPH_TRY(Next());
      BAROGRAPH_TRY(CheckSize());
    }
    // A day at a time, so that a rule that never rests is noticed before it filled the memory.
    const Time end = scenario_.start + scenario_.until;
    while (simulation_.now() < end) {
      BAROGRAPH_TRY(
          simulation_.AdvanceTo(std::min<Time>(end, simulation_.now() + std::chrono::days(1))));
      BAROGRAPH_TRY(CheckSize());
    }
    NameSilent();
    run_.evaluations = simulation_.evaluations();
    return std::move(run_);
  }

 private:
  Status Begin() {
    Engine& engine = simulation_.engine();
    const storage::Origin origin{"server", "start"};
    if (world_.prices) {
      storage::PricesApplied prices = *world_.prices;
      prices.origin = origin;
      BAROGRAPH_TRY(simulation_.Append(engine.ConfigurePrices(kTenant, prices)));
    }
    BAROGRAPH_TRY(simulation_.Append(engine.ApplyRules(rules_, origin)));
    simulation_.SetGauges({});
    return simulation_.OpenPeriods();
  }

  [[nodiscard]] Time At(Duration offset) const { return scenario_.start + offset; }

  /// What comes next: of equal moments a stop first, then events, then people, who have seen them.
  Status Next() {
    const Duration never = Duration::max();
    const Duration arrival =
        arrival_ < scenario_.arrivals.size() ? scenario_.arrivals[arrival_].at : never;
    const Duration action =
        action_ < scenario_.actions.size() ? scenario_.actions[action_].at : never;
    const Duration stop = stop_ < scenario_.stops.size() ? scenario_.stops[stop_].from : never;
    if (stop <= arrival && stop <= action) {
      BAROGRAPH_TRY(simulation_.AdvanceTo(At(stop)));
      return simulation_.StopUntil(At(scenario_.stops[stop_++].to));
    }
    if (arrival <= action) return TakeArrivals(arrival);
    BAROGRAPH_TRY(simulation_.AdvanceTo(At(action)));
    return Act(scenario_.actions[action_++]);
  }

  /// All that has arrived by then is one record; what came while the server was away comes after.
  Status TakeArrivals(Duration offset) {
    BAROGRAPH_TRY(simulation_.AdvanceTo(At(offset)));
    payload_.clear();
    std::uint64_t events = 0;
    for (; arrival_ < scenario_.arrivals.size() &&
           At(scenario_.arrivals[arrival_].at) <= simulation_.now();
         ++arrival_, ++events) {
      ByteWriter(&payload_).String(scenario_.events[scenario_.arrivals[arrival_].event]);
    }
    run_.events += events;
    return simulation_.Take(kTenant, payload_, events);
  }

  Status Act(const ScenarioAction& action) {
    const Engine& engine = simulation_.engine();
    const storage::Origin origin{std::string(kActor), "command"};
    const auto append = [&](const Result<std::vector<Engine::Decided>>& decided) -> Status {
      if (decided.ok()) return simulation_.Append(*decided);
      run_.refused.emplace_back(action.place, decided.error().message());
      return {};
    };
    if (const auto* ack = std::get_if<ScenarioAction::Acknowledge>(&action.what)) {
      AckWish wish;
      wish.origin = origin;
      wish.matchers = ack->matchers;
      wish.author = kActor;
      return append(engine.Acknowledge(kTenant, wish, simulation_.now()));
    }
    if (const auto* levels = std::get_if<ScenarioAction::Levels>(&action.what)) {
      for (const storage::GaugeReading& reading : levels->readings) {
        std::erase_if(levels_, [&](const auto& each) { return each.measure == reading.measure; });
        levels_.push_back(reading);
      }
      simulation_.SetGauges(levels_);
      return {};
    }
    const auto& silence = std::get<ScenarioAction::Silence>(action.what);
    storage::Silenced wish;
    wish.origin = origin;
    wish.matchers = silence.matchers;
    wish.comment = kActor;
    wish.author = kActor;
    wish.starts_at = simulation_.now();
    wish.ends_at = simulation_.now() + silence.length;
    return append(engine.AddSilence(kTenant, std::move(wish), simulation_.now()));
  }

  NoticeBody Format(const Notice& notice, const ReceiverSpec& receiver) {
    NoticeBody body = world_.format(notice, receiver);
    composed_[notice.id] = {notice.at,  notice.receiver, notice.reason,
                            body.bytes, notice.members,  notice.truncated};
    return body;
  }

  void Keep(const storage::ServerEvent& event) {
    if (const auto* step = std::get_if<storage::AlertTransition>(&event)) {
      if (step->from != step->to) run_.transitions.push_back(*step);
    } else if (const auto* decided = std::get_if<storage::NoticeDecided>(&event)) {
      if (auto composed = composed_.extract(decided->id); !composed.empty())
        run_.notices.push_back(std::move(composed.mapped()));
    }
  }

  Status CheckSize() {
    if (std::max(run_.transitions.size(), run_.notices.size()) <= kScenarioStepsMax) return {};
    return Error(ErrorCode::kResourceExhausted,
                 "more than " + std::to_string(kScenarioStepsMax) + " transitions or notices");
  }

  /// A rule whose projection has no cell: no event had its dimensions and passed its filters.
  void NameSilent() {
    const WindowStore* windows = simulation_.engine().windows(kTenant);
    for (const auto& rule : CompileRules(rules_)) {
      std::size_t cells = 0;
      if (windows != nullptr) {
        windows->ForEachCell(windows->FindOrBuiltIn(rule->projection), [&](CellId) { ++cells; });
      }
      if (cells == 0) run_.silent.push_back(rule->common.name);
    }
  }

  const RuleSet& rules_;
  const Scenario& scenario_;
  const ScenarioWorld& world_;
  ScenarioRun run_;
  std::map<std::string, ScenarioNotice> composed_;  ///< by id, until they are decided
  std::string payload_;
  std::size_t arrival_ = 0, action_ = 0, stop_ = 0;
  std::vector<storage::GaugeReading> levels_;  ///< of the server
  Simulation simulation_;
};

}  // namespace

Result<ScenarioRun> RunScenario(const RuleSet& rules, const Scenario& scenario,
                                const ScenarioWorld& world) {
  return Run(rules, scenario, world).Go();
}

}  // namespace barograph::rules
