// Method: a fleet of 1,000 agents, each with an SLO instance of its own, sends into a real
// partition below a clock that is moved by hand, once undisturbed and once with a stop, a suspend,
// or a wall clock that is set. The log's transitions of both runs must be the same, agent by agent.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <map>
#include <set>

#include "server/partition/partition_fixture.h"

namespace barograph::server {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr int kAgents = 1'000;
constexpr int kKinds = 10;
constexpr Duration kSendEvery = 10s;
constexpr Duration kBefore = 6min, kAfter = 8min;
constexpr Duration kAlmost = 70s;  ///< so long before the disturbance some agents begin to fail

/// What an agent is like; the tenth part of the fleet is of each kind, the rest never fails.
enum Kind : std::uint8_t {
  kBroken,
  kBreaksShortlyBefore,
  kRepairedMeanwhile,
  kFailsOnceAfter,
  kFallsSilentShortlyBefore
};

rules::RuleSet OneRow() {
  rules::RuleSet rules;
  rules::SloSpec slo;
  slo.common.name = "task-success";
  slo.common.by = {"agent"};
  slo.common.for_duration = 2min;
  slo.common.min_events = 20;
  slo.good.measure = "tasks.completed";
  slo.total.measure = "tasks.finished";
  slo.objective_ppb = 990'000'000;
  slo.period = 24h * 30;
  slo.burn = {rules::DefaultBurnRows().front()};
  rules.slos.push_back(slo);
  rules::AbsenceSpec absence;
  absence.common.name = "agent-silent";
  absence.common.by = {"agent"};
  absence.measure = "tasks.finished";
  absence.silence = 2min;
  rules.absences.push_back(absence);
  rules.receivers.push_back({.name = "ops", .target = "http://127.0.0.1:9/hook"});
  rules.route.receiver = "ops";
  rules.route.group_by = {"agent"};
  rules.route.repeat_interval = 24h;  // so that a second notice is never a due repetition
  return rules;
}

/// One run: a partition in a folder of its own, the fleet, and the clock.
class FleetRun {
 public:
  explicit FleetRun(const std::string& name)
      : directory_(::testing::TempDir() + "stop_test_" + name + "_" + std::to_string(getpid())) {
    std::filesystem::remove_all(directory_);
    Open();
    EXPECT_TRUE(
        AwaitAnswer<Status>([&](auto done) { partition_->ApplyRules(OneRow(), {}, done); }).ok());
  }
  ~FleetRun() {
    partition_.reset();
    std::filesystem::remove_all(directory_);
  }

  void Open() {
    partition_.reset();
    auto opened = Partition::Open(
        SmallPartition(directory_), clock_,
        {.format = FormatReason, .on_outbox = {}, .on_failure = {}, .on_progress = {}});
    ASSERT_TRUE(opened.ok()) << opened.error().ToString();
    partition_ = std::move(opened).value();
  }
  void Stop() { partition_.reset(); }

  /// Seconds of traffic before the disturbance, or after it.
  void RunBefore(Duration length) { Run(length, /*after=*/false); }
  void RunAfter(Duration length) { Run(length, /*after=*/true); }

  /// A second without traffic, which the writer has seen when this returns.
  void Tick() {
    clock_.Advance(1s);
    const auto seen = AwaitAnswer<Result<Sequence>>([&](auto done) {
      partition_->Read([](const Partition::ReadView&) { return false; }, done);
    });
    ASSERT_TRUE(seen.ok()) << seen.error().ToString();
  }

  SimulatedClock& clock() { return clock_; }
  Partition& partition() { return *partition_; }

  /// "from>to" of every step, by agent.
  std::map<std::string, std::vector<std::string>> Steps() {
    std::map<std::string, std::vector<std::string>> steps;
    for (const storage::ServerEvent& event : ReadServerEvents(partition_->log())) {
      const auto* step = std::get_if<storage::AlertTransition>(&event);
      if (step == nullptr || step->from == step->to || step->rule == rules::kClockRule) continue;
      steps[step->labels.at("agent")].push_back(std::string(Name(step->from)) + ">" +
                                                std::string(Name(step->to)));
    }
    return steps;
  }
  std::vector<storage::Resumed> Stops() {
    std::vector<storage::Resumed> stops;
    for (const storage::ServerEvent& event : ReadServerEvents(partition_->log())) {
      const auto* stop = std::get_if<storage::Resumed>(&event);
      if (stop != nullptr && stop->resumed_at > stop->stopped_at) stops.push_back(*stop);
    }
    return stops;
  }
  /// Episodes that more than one notice told as firing.
  std::set<std::string> ToldTwice() {
    std::set<std::string> told, twice;
    for (const storage::ServerEvent& event : ReadServerEvents(partition_->log())) {
      const auto* notice = std::get_if<storage::NoticeDecided>(&event);
      if (notice == nullptr || notice->state != storage::AlertState::kFiring) continue;
      for (const std::string& episode : notice->episode_ids) {
        if (!told.insert(episode).second) twice.insert(episode);
      }
    }
    return twice;
  }

 private:
  void Run(Duration length, bool after) {
    for (Duration end = ran_ + length; ran_ < end; ran_ += 1s) {
      if (ran_ % kSendEvery == 0s) Send(after);
      Tick();
    }
  }

  bool Fails(int kind, bool after) const {
    if (kind == kBroken) return true;
    if (kind == kBreaksShortlyBefore) return ran_ >= kBefore - kAlmost;
    if (kind == kRepairedMeanwhile) return !after;
    return kind == kFailsOnceAfter && ran_ == kBefore + 3 * kSendEvery;
  }

  void Send(bool after) {
    std::vector<v1::Event> events;
    for (int agent = 0; agent < kAgents; ++agent) {
      const bool silent = agent % kKinds == kFallsSilentShortlyBefore && ran_ >= kBefore - kAlmost;
      if (silent) continue;
      v1::Event& event = events.emplace_back();
      event.set_agent("agent-" + std::to_string(agent));
      event.mutable_task()->set_status(Fails(agent % kKinds, after) ? v1::Task::FAILED
                                                                    : v1::Task::COMPLETED);
    }
    ingest::Batch batch = MakeBatchOf(events);
    batch.producer = "fleet";
    batch.first_sequence = sent_ + 1;
    sent_ += events.size();
    const auto answer = AwaitAnswer<Result<ingest::BatchAnswer>>(
        [&](auto done) { ASSERT_TRUE(partition_->TrySubmit(batch, done)); });
    ASSERT_TRUE(answer.ok()) << answer.error().ToString();
    ASSERT_EQ(answer->acked_sequence, sent_);
  }

  std::string directory_;
  SimulatedClock clock_{kStart};
  std::unique_ptr<Partition> partition_;
  Duration ran_{0};  ///< of traffic
  std::uint64_t sent_ = 0;
};

using Steps = std::map<std::string, std::vector<std::string>>;

/// "agent-7: <steps of a> | <steps of b>" of the first few that differ.
std::vector<std::string> Differences(Steps a, Steps b) {
  std::vector<std::string> different;
  for (const auto& [agent, steps] : a) b[agent];
  for (const auto& [agent, steps] : b) {
    if (a[agent] == steps || different.size() == 5) continue;
    std::string line = agent + ":";
    for (const std::string& step : a[agent]) line += " " + step;
    line += " |";
    for (const std::string& step : steps) line += " " + step;
    different.push_back(line);
  }
  return different;
}

/// The same traffic without any disturbance.
const Steps& UndisturbedSteps() {
  static const Steps steps = [] {
    FleetRun run("undisturbed");
    run.RunBefore(kBefore);
    run.RunAfter(kAfter);
    EXPECT_THAT(run.Stops(), IsEmpty());
    EXPECT_THAT(run.ToldTwice(), IsEmpty());
    return run.Steps();
  }();
  return steps;
}

TEST(StopTest, TheUndisturbedFleetHasAgentsInEveryState) {
  const std::vector<std::string> fires = {"inactive>pending", "pending>firing"};
  const std::vector<std::string> resolves = {"inactive>pending", "pending>firing",
                                             "firing>resolved"};
  const Steps& steps = UndisturbedSteps();
  EXPECT_EQ(steps.at("agent-0"), fires);
  EXPECT_EQ(steps.at("agent-1"), fires);
  EXPECT_EQ(steps.at("agent-2"), resolves);
  EXPECT_FALSE(steps.contains("agent-3")) << "one failure among many is no breach";
  EXPECT_THAT(steps.at("agent-4"), ElementsAre("inactive>firing")) << "it is silent";
  EXPECT_FALSE(steps.contains("agent-5"));
  EXPECT_THAT(steps, SizeIs(4 * kAgents / kKinds));
}

TEST(StopTest, EightHoursOfStopBringNoTransitionThatAContinuousRunWouldNotHaveMade) {
  FleetRun run("stop");
  run.RunBefore(kBefore);
  EXPECT_THAT(run.Steps()["agent-0"], ElementsAre("inactive>pending", "pending>firing"));
  EXPECT_THAT(run.Steps()["agent-1"], ElementsAre("inactive>pending"));
  run.Stop();
  run.clock().Advance(8h);
  run.Open();
  for (Duration quiet{0}; quiet < 1min; quiet += 1s) run.Tick();  // agents connect again
  run.RunAfter(kAfter);
  EXPECT_THAT(Differences(run.Steps(), UndisturbedSteps()), IsEmpty());
  EXPECT_THAT(run.Stops(), SizeIs(1));
  EXPECT_THAT(run.ToldTwice(), IsEmpty());
}

TEST(StopTest, ASuspendOfEightHoursIsAStop) {
  FleetRun run("suspend");
  run.RunBefore(kBefore);
  run.clock().Advance(8h);
  run.RunAfter(kAfter);
  EXPECT_THAT(Differences(run.Steps(), UndisturbedSteps()), IsEmpty());
  EXPECT_THAT(run.Stops(), SizeIs(1));
  EXPECT_THAT(run.ToldTwice(), IsEmpty());
}

TEST(StopTest, AWallClockThatIsSetByADayFiresNothingTwiceAndTicksGoOn) {
  FleetRun run("wall");
  const auto tick_on = [&run](Duration length, bool after) {
    const std::uint64_t ticks = run.partition().figures().evaluations;
    const Time from = run.partition().LogTimeNow();
    after ? run.RunAfter(length) : run.RunBefore(length);
    const Duration passed = run.partition().LogTimeNow() - from;
    EXPECT_NEAR(std::chrono::duration<double>(passed) / length, 1.0, 0.011);
    EXPECT_GE(run.partition().figures().evaluations - ticks, length * 98 / 100 / 1s);
  };
  tick_on(3min, false);
  run.clock().StepWall(24h);
  tick_on(2min, false);
  run.clock().StepWall(-48h);
  tick_on(kBefore - 5min, false);
  // A freeze: neither clock moves for the process; afterwards only the wall clock is set right.
  std::this_thread::sleep_for(100ms);
  run.clock().StepWall(8h);
  tick_on(kAfter, true);
  EXPECT_THAT(Differences(run.Steps(), UndisturbedSteps()), IsEmpty());
  EXPECT_THAT(run.Stops(), IsEmpty());
  EXPECT_THAT(run.ToldTwice(), IsEmpty());
}

}  // namespace
}  // namespace barograph::server
