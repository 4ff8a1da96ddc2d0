#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rules/engine/rule_harness.h"
#include "storage/base/digest.h"

// Leases and gates from the command to the state: a tree of budgets, Costs, periods and reloads.

namespace barograph::rules {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using storage::LeaseWish;

constexpr std::int64_t kUsd = 1'000'000'000;
constexpr std::int64_t kPercent = 10'000'000;

BudgetSpec Enforced(std::string name, std::int64_t dollars, std::vector<std::string> by) {
  BudgetSpec budget;
  budget.common.name = std::move(name);
  budget.common.by = std::move(by);
  budget.measure = "cost";
  budget.limit = {Int128{dollars} * kUsd, "USD"};
  budget.period = Calendar{};
  budget.enforce = true;
  return budget;
}

/// 100 USD a day for all, 50 for a team, 20 for an agent.
RuleSet TreeRules() {
  RuleSet rules = TaskRules(1'000'000'000);
  rules.labels = {"team"};
  rules.budgets = {Enforced("all", 100, {}), Enforced("team", 50, {"team"}),
                   Enforced("agent", 20, {"agent"})};
  return rules;
}

v1::Event Cost(const std::string& agent, int dollars, const std::string& lease = "") {
  v1::Event event;
  event.set_agent(agent);
  (*event.mutable_labels())["team"] = "web";
  event.mutable_cost()->mutable_amount()->set_currency_code("USD");
  event.mutable_cost()->mutable_amount()->set_units(dollars);
  event.mutable_cost()->set_lease_id(lease);
  return event;
}

storage::PeriodOpened DayOf(int day) {
  storage::PeriodOpened period;
  period.calendar = "day@UTC";
  period.start = RuleHarness::kStart + days(day);
  period.end = RuleHarness::kStart + days(day + 1);
  return period;
}

class LeaseRulesTest : public testing::Test {
 protected:
  LeaseRulesTest() : harness(TreeRules()) {
    harness.Append(DayOf(0));
    harness.Append(DayOf(1));
    harness.RunUntil(seconds(10));
  }
  static LeaseWish Wish(const std::string& agent, std::int64_t dollars) {
    LeaseWish wish;
    wish.agent = agent;
    wish.labels = {{"team", "web"}};
    wish.amount = {dollars * kUsd, Currency::Parse("USD").value()};
    wish.ttl = minutes(10);
    return wish;
  }
  LeaseAnswer Reserve(const LeaseWish& wish) {
    LeaseAnswer answer;
    harness.Do(
        harness.engine().Reserve("default", wish, {"me", "command"}, harness.Now(), &answer));
    return answer;
  }
  LeaseAnswer End(LeaseCommand::Kind kind, const std::string& id, std::int64_t dollars = 0) {
    LeaseCommand command{kind, id, {"me", "command"}, std::nullopt, seconds(600)};
    if (dollars > 0) command.actual = Money{dollars * kUsd, Currency::Parse("USD").value()};
    LeaseAnswer answer;
    harness.Do(harness.engine().EndLease("default", command, harness.Now(), &answer));
    return answer;
  }
  void Spend(const v1::Event& cost) {
    harness.At(harness.Now() - RuleHarness::kStart, cost);
    harness.RunUntil(harness.Now() - RuleHarness::kStart + seconds(1));
  }
  /// What is left of a budget for a wish, by name.
  std::map<std::string, Int128> Left(const LeaseWish& wish) {
    LeaseAnswer answer;
    static_cast<void>(
        harness.engine().Reserve("default", wish, {"me", "command"}, harness.Now(), &answer));
    std::map<std::string, Int128> left;
    for (const BudgetRoom& room : answer.path) {
      const Int128 wished = answer.denied ? 0 : wish.amount.nanos;
      left[room.budget.budget] = (room.remaining() + wished) / kUsd;
    }
    return left;
  }
  RuleHarness harness;
};

TEST_F(LeaseRulesTest, AGrantHoldsItsAmountInAllBudgetsOfItsPathAndInNoOther) {
  EXPECT_FALSE(Reserve(Wish("CMO", 15)).denied);
  using Rooms = std::map<std::string, Int128>;
  EXPECT_EQ(Left(Wish("CMO", 1)), (Rooms{{"agent", 5}, {"all", 85}, {"team", 35}}));
  EXPECT_EQ(Left(Wish("CTO", 1)), (Rooms{{"agent", 20}, {"all", 85}, {"team", 35}}));
}

TEST_F(LeaseRulesTest, OneBudgetThatCannotTakeItDeniesItInAll) {
  Reserve(Wish("CMO", 15));
  const LeaseAnswer denied = Reserve(Wish("CMO", 6));
  ASSERT_TRUE(denied.denied);
  ASSERT_EQ(denied.lacking.size(), 1U);
  EXPECT_EQ(denied.lacking[0].budget.budget, "agent");
  EXPECT_EQ(denied.lacking[0].remaining(), 5 * kUsd);
  EXPECT_EQ(denied.lacking[0].budget.end, RuleHarness::kStart + days(1));
  EXPECT_EQ(Left(Wish("CTO", 1)).at("all"), 85) << "nothing is held of a denied reservation";
  EXPECT_FALSE(Reserve(Wish("CMO", 5)).denied) << "to the last cent";
  EXPECT_EQ(harness.LiveDigest(), harness.ReplayedDigest());
}

TEST_F(LeaseRulesTest, TheBudgetThatLacksMostSpeaksFirst) {
  for (const char* agent : {"a", "b"}) Reserve(Wish(agent, 20));
  const LeaseAnswer denied = Reserve(Wish("c", 30));
  ASSERT_EQ(denied.lacking.size(), 2U);
  EXPECT_EQ(denied.lacking[0].budget.budget, "team");
  EXPECT_EQ(denied.lacking[1].budget.budget, "agent");
}

TEST_F(LeaseRulesTest, EveryCostCountsWithOrWithoutALeaseAndOnce) {
  const std::string lease = Reserve(Wish("CMO", 10)).lease.said.id;
  Spend(Cost("CMO", 4));
  EXPECT_EQ(Left(Wish("CMO", 1)).at("agent"), 6) << "4 spent without a lease, 10 held";
  Spend(Cost("CMO", 3, lease));
  EXPECT_EQ(Left(Wish("CMO", 1)).at("agent"), 6) << "3 of the 10 held are spent now";
  const LeaseAnswer settled = End(LeaseCommand::Kind::kSettle, lease, 5);
  EXPECT_EQ(settled.written.nanos, 2 * kUsd);
  EXPECT_EQ(settled.lease.spent, 5 * kUsd);
  EXPECT_EQ(Left(Wish("CMO", 1)).at("agent"), 11);
  Spend(Cost("CMO", 2, lease));
  EXPECT_EQ(Left(Wish("CMO", 1)).at("agent"), 11) << "the Cost that Settle wrote stood for it";
  EXPECT_EQ(harness.LiveDigest(), harness.ReplayedDigest());
}

TEST_F(LeaseRulesTest, TheTimeOfALeaseIsUpAtAWholeSecondAndItStillHolds) {
  const std::string lease = Reserve(Wish("CMO", 10)).lease.said.id;
  harness.RunUntil(seconds(609));
  EXPECT_EQ(harness.engine().leases("default")->Find(lease)->state, LeaseState::kOpen);
  harness.RunUntil(seconds(610));
  EXPECT_EQ(harness.engine().leases("default")->Find(lease)->state, LeaseState::kExpired);
  EXPECT_EQ(Left(Wish("CMO", 1)).at("agent"), 10);
  End(LeaseCommand::Kind::kRelease, lease);
  EXPECT_EQ(Left(Wish("CMO", 1)).at("agent"), 20);
  EXPECT_EQ(harness.LiveDigest(), harness.ReplayedDigest());
}

TEST_F(LeaseRulesTest, ALeaseCountsInThePeriodOfItsGrant) {
  harness.RunUntil(hours(24) - seconds(30));
  const std::string lease = Reserve(Wish("CMO", 10)).lease.said.id;
  harness.RunUntil(hours(24) + seconds(30));
  EXPECT_EQ(Left(Wish("CMO", 1)).at("agent"), 20) << "the new day is untouched";
  End(LeaseCommand::Kind::kSettle, lease, 8);
  EXPECT_EQ(Left(Wish("CMO", 1)).at("agent"), 20);
  const std::vector<BudgetStatus> before =
      harness.engine().Budgets("default", RuleHarness::kStart + hours(23), "agent", 10);
  ASSERT_EQ(before.size(), 1U);
  EXPECT_EQ(before[0].amount, 8 * kUsd);
}

TEST_F(LeaseRulesTest, TheSameKeyGetsTheSameLease) {
  LeaseWish wish = Wish("CMO", 10);
  wish.key = "task-7";
  const LeaseAnswer first = Reserve(wish);
  const LeaseAnswer second = Reserve(wish);
  EXPECT_FALSE(first.repeated);
  EXPECT_TRUE(second.repeated);
  EXPECT_EQ(second.lease.said.id, first.lease.said.id);
  EXPECT_EQ(Left(Wish("CMO", 1)).at("agent"), 10) << "held once";
}

TEST_F(LeaseRulesTest, AReloadKeepsWhatIsHeldAlsoForABudgetThatIsNew) {
  Reserve(Wish("CMO", 15));
  RuleSet rules = TreeRules();
  rules.budgets[2].limit.value = Int128{30} * kUsd;
  rules.budgets.push_back(Enforced("web", 40, {}));
  rules.budgets.back().common.where = {{"team", {"web"}}};
  harness.Apply(rules);
  harness.RunUntil(seconds(20));
  EXPECT_EQ(Left(Wish("CMO", 1)).at("agent"), 15);
  EXPECT_EQ(Left(Wish("CMO", 1)).at("web"), 25);
  EXPECT_EQ(harness.LiveDigest(), harness.ReplayedDigest());
}

TEST_F(LeaseRulesTest, ACheckpointHoldsLeasesAndOverrides) {
  const std::string lease = Reserve(Wish("CMO", 15)).lease.said.id;
  const GateQuestion question{false, "agent", {}, 50 * kPercent};
  harness.Do(harness.engine().OverrideGate("default", question,
                                           {{"me", "command"}, "", "hotfix", "ana", {}, {}},
                                           hours(1), harness.Now()));
  Spend(Cost("CMO", 4, lease));
  harness.BeginCheckpoint(1);
  harness.RunUntil(minutes(3));
  Reserve(Wish("CTO", 7));
  Spend(Cost("CMO", 1, lease));
  harness.RunUntil(minutes(5));
  const Digest before = harness.LiveDigest();
  harness.Restart();
  EXPECT_EQ(Hex(harness.LiveDigest()), Hex(before));
  EXPECT_EQ(Left(Wish("CMO", 1)).at("all"), 100 - 15 - 7);
  EXPECT_TRUE(harness.engine().CheckGate("default", question, harness.Now())->overridden);
  EXPECT_EQ(harness.LiveDigest(), harness.ReplayedDigest());
}

TEST_F(LeaseRulesTest, WhatNoEnforcedBudgetCountsIsRefusedAndNotGranted) {
  LeaseWish wish = Wish("CMO", 1);
  wish.amount.currency = Currency::Parse("EUR").value();
  LeaseAnswer answer;
  const auto reserve = [&](const LeaseWish& asked) {
    return harness.engine().Reserve("default", asked, {}, harness.Now(), &answer);
  };
  EXPECT_EQ(reserve(wish).error().code(), ErrorCode::kFailedPrecondition);
  wish = Wish("CMO", 0);
  EXPECT_EQ(reserve(wish).error().code(), ErrorCode::kInvalidArgument);
  wish = Wish("CMO", 1);
  wish.ttl = kLeaseTtlMax + seconds(1);
  EXPECT_THAT(reserve(wish).error().message(), testing::HasSubstr("ttl: "));
}

TEST_F(LeaseRulesTest, AGateSaysWhatIsLeftWhereLeastIs) {
  Spend(Cost("CMO", 4));
  Spend(Cost("CTO", 1));
  Reserve(Wish("CMO", 12));
  GateQuestion question{false, "agent", {}, 10 * kPercent};
  GateAnswer answer = harness.engine().CheckGate("default", question, harness.Now()).value();
  EXPECT_TRUE(answer.passed);
  EXPECT_EQ(answer.labels.at("agent"), "CMO");
  EXPECT_THAT(answer.actual, testing::HasSubstr("4.00 USD of 20.00 USD is left (20%)"));
  question.min_remaining_ppb = 20 * kPercent + 1;
  answer = harness.engine().CheckGate("default", question, harness.Now()).value();
  EXPECT_FALSE(answer.passed);
  EXPECT_THAT(answer.advice, testing::HasSubstr("--override"));
  question.by = {{"agent", "CTO"}};
  EXPECT_TRUE(harness.engine().CheckGate("default", question, harness.Now())->passed);
  question.by = {{"route", "x"}};
  EXPECT_EQ(harness.engine().CheckGate("default", question, harness.Now()).error().code(),
            ErrorCode::kInvalidArgument);
  question.rule = "nobody";
  EXPECT_EQ(harness.engine().CheckGate("default", question, harness.Now()).error().code(),
            ErrorCode::kNotFound);
}

TEST_F(LeaseRulesTest, AGateOfAnSloOpensAgainWhenSomebodyOverridesIt) {
  RuleSet rules = TaskRules(990'000'000);
  rules.budgets = TreeRules().budgets;
  harness.Apply(rules);
  harness.Tasks({.from = seconds(20), .to = seconds(30), .ok = false});
  harness.RunUntil(minutes(1));
  const GateQuestion question{true, "task-success", {}, 10 * kPercent};
  const auto check = [&] {
    return harness.engine().CheckGate("default", question, harness.Now()).value();
  };
  EXPECT_FALSE(check().passed);
  EXPECT_LT(check().remaining, 0);
  harness.Do(harness.engine().OverrideGate("default", question,
                                           {{"me", "command"}, "", "hotfix", "ana", {}, {}},
                                           minutes(10), harness.Now()));
  ASSERT_TRUE(check().passed);
  EXPECT_EQ(check().overridden->note, "hotfix");
  harness.RunUntil(minutes(11) + seconds(1));
  EXPECT_FALSE(check().passed);
}

}  // namespace
}  // namespace barograph::rules
