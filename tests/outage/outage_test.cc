// Receivers that are down for hours, answer 500, or hang: what the engine decides over half a day
// goes through the delivery schedule to receivers on a simulated clock, with a restart of the
// schedule every 97 minutes. Held is the promise of the outbox: of each alert every receiver hears
// the last transition at least once, never that it fires after it was told that it ended; an alert
// that nobody saw arrives as one resolved message with both times; and whoever is well hears
// everything within a second.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <queue>
#include <random>
#include <set>
#include <sstream>

#include "barograph/v1/event.pb.h"
#include "rules/engine/simulation.h"
#include "server/notify/delivery_schedule.h"
#include "storage/base/bytes.h"

namespace barograph::server {
namespace {

using rules::Notice;
using rules::NoticeMember;
using rules::ReceiverSpec;
using rules::RuleSet;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using storage::DeliveryOutcome;
using Outcome = TryResult::Outcome;

constexpr Time kStart = Time(std::chrono::days(20'000));
constexpr Duration kLength = hours(12), kDownFrom = hours(2), kDownTo = hours(8);
/// A pause lasts an hour and a fifth at most; after that everything was told.
constexpr Duration kQuiet = hours(2);
constexpr int kAgents = 60;

/// One line for each alert: episode, state, whether both times are there.
rules::NoticeBody FormatLines(const Notice& notice, const ReceiverSpec& /*receiver*/) {
  std::string lines;
  for (const NoticeMember& member : notice.members) {
    const bool both = member.starts_at != Time{} && member.ends_at != Time{};
    lines += member.episode_id + " " + std::string(Name(member.state)) + (both ? " both" : " one") +
             "\n";
  }
  return {lines, "text/plain"};
}

RuleSet AnyFailure(const std::vector<std::string>& receivers) {
  RuleSet rules;
  rules::SloSpec slo;
  slo.common.name = "task-success";
  slo.common.by = {"agent"};
  slo.good.measure = "tasks.completed";
  slo.total.measure = "tasks.finished";
  slo.objective_ppb = 1'000'000'000;
  slo.period = std::chrono::days(30);
  rules.slos.push_back(std::move(slo));
  rules.flapping.fires = 0;  // every step is told
  rules.route.receiver = receivers.front();
  rules.route.group_by = {"rule", "agent"};
  for (const std::string& name : receivers) {
    ReceiverSpec receiver;
    receiver.name = name;
    receiver.target = "http://127.0.0.1:9000/" + name;
    rules.receivers.push_back(receiver);
    rules::RouteSpec child = rules.route;
    child.children.clear();
    child.receiver = name;
    child.match = {{.name = "rule", .value = "task-success"}};
    child.proceeds = true;
    rules.route.children.push_back(std::move(child));
  }
  return rules;
}

/// One receiver: how it answers, and what it was told.
struct Receiver {
  enum class Manner : std::uint8_t { kWell, kDown, kFlaky, kHangs };
  Manner manner = Manner::kWell;
  std::map<std::string, std::vector<std::string>> told;  ///< by episode, in order
  std::map<std::string, std::string> bodies;             ///< by notice, of every try
  Duration slowest{0};                                   ///< from decision to delivery
  std::uint64_t tries = 0;
};

class OutageTest : public ::testing::Test {
 protected:
  OutageTest()
      : simulation_(std::make_unique<rules::Engine>(FormatLines), kStart, {},
                    {.record = {}, .decided = [this](const auto& event) { Take(event); }}) {
    receivers_["well"].manner = Receiver::Manner::kWell;
    receivers_["down"].manner = Receiver::Manner::kDown;
    receivers_["flaky"].manner = Receiver::Manner::kFlaky;
    receivers_["hangs"].manner = Receiver::Manner::kHangs;
    std::vector<std::string> names;
    for (const auto& [name, receiver] : receivers_) names.push_back(name);
    const auto applied =
        simulation_.Append(simulation_.engine().ApplyRules(AnyFailure(names), {"server", "start"}));
    EXPECT_TRUE(applied.ok());
    Restart();
  }

  void Take(const storage::ServerEvent& event) {
    if (const auto* step = std::get_if<storage::AlertTransition>(&event)) {
      if (step->from != step->to) last_[step->episode_id] = {std::string(Name(step->to)), step->at};
      if (step->to == storage::AlertState::kFiring) began_.emplace(step->episode_id, step->at);
    } else if (const auto* notice = std::get_if<storage::NoticeDecided>(&event)) {
      storage::OutboxRow row;
      row.tenant = "default";
      row.sequence = Sequence{++rows_};
      row.notice = *notice;
      pending_.emplace(row.sequence, row);
      fresh_.push_back(std::move(row));
    }
  }

  /// A new process: the schedule knows what the outbox holds, and no try is under way.
  void Restart() {
    schedule_ = std::make_unique<DeliverySchedule>(DeliveryPolicy{}, 7);
    under_way_.clear();
    fresh_.clear();
    for (const auto& [sequence, row] : pending_) End(schedule_->Add(row, simulation_.now()));
  }

  void End(const std::vector<DeliverySchedule::Ended>& ended) {
    for (const DeliverySchedule::Ended& one : ended) {
      ++outcomes_[one.delivery.outcome];
      pending_.erase(one.sequence);
      schedule_->Forget(one.sequence);
    }
  }

  void Finish(const storage::OutboxRow& row, Outcome outcome, Time now) {
    if (outcome == Outcome::kDelivered) {
      Receiver& receiver = receivers_.at(row.notice.receiver);
      receiver.slowest = std::max(receiver.slowest, now - row.notice.at);
      std::istringstream lines(row.notice.body);
      std::string episode, state, times;
      while (lines >> episode >> state >> times)
        receiver.told[episode].push_back(state + " " + times);
    }
    End(schedule_->Finish(row.sequence, {.outcome = outcome, .detail = "x"}, now));
  }

  /// What came of a try, and how long that took.
  std::pair<Outcome, Duration> Answer(const Receiver& receiver, Time now) {
    const bool outage = now >= kStart + kDownFrom && now < kStart + kDownTo;
    switch (receiver.manner) {
      case Receiver::Manner::kDown:
        return {outage ? Outcome::kRetry : Outcome::kDelivered, Duration{0}};
      case Receiver::Manner::kFlaky:
        return {dice_() % 10 < 3 ? Outcome::kRetry : Outcome::kDelivered, Duration{0}};
      case Receiver::Manner::kHangs:
        if (outage) return {Outcome::kRetry, seconds(30)};
        break;
      case Receiver::Manner::kWell:
        break;
    }
    return {Outcome::kDelivered, Duration{0}};
  }

  void Deliver() {
    const Time now = simulation_.now();
    for (storage::OutboxRow& row : std::exchange(fresh_, {})) End(schedule_->Add(row, now));
    while (!under_way_.empty() && under_way_.begin()->first <= now) {
      const auto [row, outcome] = under_way_.begin()->second;
      under_way_.erase(under_way_.begin());
      Finish(row, outcome, now);
    }
    for (const storage::OutboxRow& row : schedule_->TakeDue(now, 10'000)) {
      Receiver& receiver = receivers_.at(row.notice.receiver);
      ++receiver.tries;
      const auto [body, first] = receiver.bodies.emplace(row.notice.id, row.notice.body);
      EXPECT_EQ(body->second, row.notice.body) << "the same bytes under the same id";
      const auto [outcome, took] = Answer(receiver, now);
      if (took > Duration{0}) {
        under_way_.emplace(now + took, std::pair(row, outcome));
      } else {
        Finish(row, outcome, now);
      }
    }
  }

  void Fail(const std::string& agent) {
    v1::Event event;
    event.set_agent(agent);
    event.mutable_task()->set_status(v1::Task::FAILED);
    const auto since_epoch = std::chrono::floor<seconds>(simulation_.now().time_since_epoch());
    event.mutable_time()->set_seconds(since_epoch.count());
    std::string payload;
    ByteWriter(&payload).String(event.SerializeAsString());
    ASSERT_TRUE(simulation_.Take("default", payload, 1).ok());
  }

  void Run() {
    for (Time at = kStart + seconds(1); at <= kStart + kLength + kQuiet; at += seconds(1)) {
      ASSERT_TRUE(simulation_.AdvanceTo(at).ok());
      // About one failure a second in the beginning of each quarter of an hour.
      const Duration since = at - kStart;
      if (since < kLength && since % minutes(15) < minutes(1))
        Fail("agent-" + std::to_string(dice_() % kAgents));
      Deliver();
      if (since % minutes(97) == Duration{0}) {
        Restart();
        Deliver();
      }
    }
  }

  rules::Simulation simulation_;
  std::unique_ptr<DeliverySchedule> schedule_;
  std::map<std::string, Receiver> receivers_;
  std::map<std::string, std::pair<std::string, Time>> last_;  ///< state of each episode, since when
  std::map<std::string, Time> began_;
  std::map<Sequence, storage::OutboxRow> pending_;
  std::vector<storage::OutboxRow> fresh_;
  std::multimap<Time, std::pair<storage::OutboxRow, Outcome>> under_way_;
  std::map<DeliveryOutcome, std::uint64_t> outcomes_;
  std::uint64_t rows_ = 0;
  std::mt19937 dice_{17};
};

TEST_F(OutageTest, EveryReceiverHearsTheLastStateOfEveryAlertAndNobodyWaitsForAnother) {
  Run();
  ASSERT_GT(began_.size(), 500U) << "enough alerts to say something";
  EXPECT_TRUE(pending_.empty());
  EXPECT_EQ(outcomes_[DeliveryOutcome::kDead] + outcomes_[DeliveryOutcome::kDropped], 0U);
  EXPECT_GT(outcomes_[DeliveryOutcome::kSuperseded], 100U);
  for (const auto& [name, receiver] : receivers_) {
    for (const auto& [episode, began] : began_) {
      const auto told = receiver.told.find(episode);
      ASSERT_NE(told, receiver.told.end()) << name << " never heard of " << episode;
      EXPECT_EQ(told->second.back().substr(0, told->second.back().find(' ')), last_[episode].first)
          << name;
      bool ended = false;
      for (const std::string& state : told->second) {
        EXPECT_FALSE(ended && state.starts_with("firing"))
            << name << " " << episode << ": firing after its end";
        ended = ended || state.starts_with("resolved");
      }
    }
  }
  EXPECT_LE(receivers_["well"].slowest, seconds(1));
  EXPECT_GT(receivers_["down"].slowest, minutes(10)) << "it was down";
}

TEST_F(OutageTest, WhatBeganAndEndedInTheOutageArrivesAsOneResolvedMessageWithBothTimes) {
  Run();
  int seen = 0;
  for (const auto& [episode, began] : began_) {
    const auto& [state, ended] = last_[episode];
    if (state != "resolved" || began < kStart + kDownFrom || ended >= kStart + kDownTo - minutes(1))
      continue;
    for (const char* name : {"down", "hangs"}) {
      EXPECT_THAT(receivers_[name].told[episode], ::testing::ElementsAre("resolved both"))
          << name << " " << episode;
    }
    ++seen;
  }
  EXPECT_GT(seen, 200);
}

TEST_F(OutageTest, AReceiverThatIsDownIsNotHammered) {
  Run();
  // Pauses double up to an hour: a notice is tried about a dozen times in six hours, and a restart
  // begins anew.
  const double notices = static_cast<double>(receivers_["down"].bodies.size());
  EXPECT_LT(static_cast<double>(receivers_["down"].tries) / notices, 12);
}

}  // namespace
}  // namespace barograph::server
