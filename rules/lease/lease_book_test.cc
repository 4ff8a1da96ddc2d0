#include "rules/lease/lease_book.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "rules/lease/gate_book.h"

namespace barograph::rules {
namespace {

using std::chrono::hours;
using std::chrono::seconds;
using storage::LeaseCost;
using storage::LeaseDenied;
using storage::LeaseExpired;
using storage::LeaseReleased;
using storage::LeaseReserved;
using storage::LeaseSettled;
using storage::LeaseWish;

constexpr Time kStart = Time(std::chrono::days(20'000));
constexpr std::int64_t kUsd = 1'000'000'000;
const storage::Origin kOrigin{"key-1", "command"};

Currency Usd() { return Currency::Parse("USD").value(); }

class LeaseBookTest : public testing::Test {
 protected:
  std::string Grant(std::int64_t dollars, const std::string& key = "", seconds ttl = seconds(60)) {
    LeaseWish wish;
    wish.key = key;
    wish.agent = "CMO";
    wish.amount = {dollars * kUsd, Usd()};
    wish.ttl = ttl;
    EXPECT_TRUE(book.CheckRoom(wish, now).ok());
    LeaseReserved reserved = book.Reserve(kOrigin, wish, ++head, now);
    reserved.budgets = {{"daily", {}, kStart, kStart + hours(24), 100 * kUsd, 0, 0}};
    book.Apply(reserved, {"daily", "monthly"});
    return reserved.id;
  }
  void Fold(const LeaseBook::Decided& events) {
    for (const storage::ServerEvent& event : events) {
      if (const auto* cost = std::get_if<LeaseCost>(&event)) {
        counted += book.CountCost(cost->lease_id, Usd(), cost->wish.amount.nanos);
      } else if (const auto* settled = std::get_if<LeaseSettled>(&event)) {
        book.Apply(*settled);
      } else if (const auto* released = std::get_if<LeaseReleased>(&event)) {
        book.Apply(*released);
      } else if (const auto* extended = std::get_if<storage::LeaseExtended>(&event)) {
        book.Apply(*extended);
      }
    }
  }
  void Settle(const std::string& id, std::int64_t dollars) {
    const auto decided = book.Settle(id, Money{dollars * kUsd, Usd()}, kOrigin, now);
    ASSERT_TRUE(decided.ok()) << decided.error().ToString();
    Fold(*decided);
  }
  void Cost(const std::string& id, std::int64_t dollars) {
    counted += book.CountCost(id, Usd(), Int128{dollars} * kUsd);
  }
  void Expire() {
    for (const LeaseExpired& event : book.Due(now, 100)) book.Apply(event);
  }
  [[nodiscard]] Int128 Held() const { return book.HeldOf("daily"); }

  LeaseBook book;
  Sequence head;
  Time now = kStart + hours(1);
  Int128 counted = 0;  ///< what all Costs added to `cost`
};

TEST_F(LeaseBookTest, ALeaseHoldsItsAmountInEveryAccountOfItsPath) {
  Grant(10);
  Grant(5);
  EXPECT_EQ(book.HeldOf("daily"), 15 * kUsd);
  EXPECT_EQ(book.HeldOf("monthly"), 15 * kUsd);
  EXPECT_EQ(book.HeldOf("other"), 0);
}

TEST_F(LeaseBookTest, ACostThatNamesALeaseTakesFromWhatItHolds) {
  const std::string id = Grant(10);
  Cost(id, 4);
  EXPECT_EQ(Held(), 6 * kUsd);
  Cost(id, 9);
  EXPECT_EQ(Held(), 0);
  EXPECT_EQ(counted, 13 * kUsd) << "what is spent above the grant counts in full";
  EXPECT_EQ(book.Find(id)->overrun(), 3 * kUsd);
}

TEST_F(LeaseBookTest, SettleWritesWhatNoCostHasNamed) {
  const std::string id = Grant(10);
  Cost(id, 4);
  Settle(id, 7);
  EXPECT_EQ(counted, 7 * kUsd);
  EXPECT_EQ(Held(), 0);
  EXPECT_EQ(book.Find(id)->state, LeaseState::kSettled);
}

TEST_F(LeaseBookTest, ACostThatComesAfterSettleCountsOnlyBeyondIt) {
  const std::string id = Grant(10);
  Settle(id, 7);
  Cost(id, 5);
  EXPECT_EQ(counted, 7 * kUsd) << "5 of the 7 are these";
  Cost(id, 5);
  EXPECT_EQ(counted, 10 * kUsd);
}

TEST_F(LeaseBookTest, AnActualAboveTheGrantIsAnOverrunInFull) {
  const std::string id = Grant(10);
  const auto decided = book.Settle(id, Money{14 * kUsd, Usd()}, kOrigin, now);
  ASSERT_TRUE(decided.ok());
  ASSERT_EQ(decided->size(), 2U);
  EXPECT_EQ(std::get<LeaseCost>((*decided)[0]).wish.amount.nanos, 14 * kUsd);
  EXPECT_EQ(std::get<LeaseSettled>((*decided)[1]).overrun_nanos, 4 * kUsd);
}

TEST_F(LeaseBookTest, WhatIsSettledInTheNextPeriodCountsInThatOfTheGrant) {
  const std::string id = Grant(10, "", hours(30));
  now = kStart + hours(25);
  const auto decided = book.Settle(id, Money{3 * kUsd, Usd()}, kOrigin, now);
  ASSERT_TRUE(decided.ok());
  EXPECT_EQ(std::get<LeaseCost>((*decided)[0]).time, kStart + hours(24) - Duration(1));
}

TEST_F(LeaseBookTest, AnExpiredLeaseCountsAsSpentUntilItIsSettledOrReleased) {
  const std::string id = Grant(10);
  Grant(10, "", seconds(120));
  now += seconds(60);
  Expire();
  EXPECT_EQ(book.Find(id)->state, LeaseState::kExpired);
  EXPECT_EQ(Held(), 20 * kUsd);
  EXPECT_FALSE(book.Extend(id, seconds(60), kOrigin, now).ok());
  Fold(*book.Release(id, kOrigin, now));
  EXPECT_EQ(Held(), 10 * kUsd);
}

TEST_F(LeaseBookTest, AnExtendedLeaseExpiresLater) {
  const std::string id = Grant(10);
  now += seconds(59);
  Fold(*book.Extend(id, seconds(60), kOrigin, now));
  EXPECT_THAT(*book.Extend(id, seconds(5), kOrigin, now), testing::IsEmpty()) << "never shortens";
  now += seconds(59);
  EXPECT_THAT(book.Due(now, 100), testing::IsEmpty());
  now += seconds(1);
  EXPECT_EQ(book.Due(now, 100).size(), 1U);
}

TEST_F(LeaseBookTest, DoingAThingTwiceIsHarmless) {
  const std::string id = Grant(10);
  Settle(id, 7);
  Settle(id, 7);
  EXPECT_EQ(counted, 7 * kUsd);
  EXPECT_EQ(book.Settle(id, Money{8 * kUsd, Usd()}, kOrigin, now).error().code(),
            ErrorCode::kFailedPrecondition);
  EXPECT_EQ(book.Release(id, kOrigin, now).error().code(), ErrorCode::kFailedPrecondition);
  const std::string other = Grant(1);
  Fold(*book.Release(other, kOrigin, now));
  EXPECT_THAT(*book.Release(other, kOrigin, now), testing::IsEmpty());
  EXPECT_EQ(book.Release("lea_unknown", kOrigin, now).error().code(), ErrorCode::kNotFound);
}

TEST_F(LeaseBookTest, AKeyFindsItsLeaseAndNoOtherWish) {
  const std::string id = Grant(10, "task-7");
  ASSERT_NE(book.FindKey("task-7"), nullptr);
  LeaseWish wish = book.FindKey("task-7")->said.wish;
  EXPECT_EQ(book.FindKey("task-7")->said.id, id);
  EXPECT_TRUE(book.CheckRoom(wish, now).ok());
  wish.amount.nanos += 1;
  EXPECT_EQ(book.CheckRoom(wish, now).error().code(), ErrorCode::kAlreadyExists);
}

TEST_F(LeaseBookTest, BeyondTheDenialsOfASecondNothingIsDecided) {
  const LeaseWish wish{.agent = "CMO", .amount = {kUsd, Usd()}, .ttl = seconds(60)};
  for (std::uint64_t i = 0; i < kDenialsPerSecondMax; ++i) {
    ASSERT_TRUE(book.CheckRoom(wish, now).ok());
    book.Apply(LeaseDenied{kOrigin, wish, now, {}});
  }
  EXPECT_EQ(book.CheckRoom(wish, now).error().code(), ErrorCode::kResourceExhausted);
  EXPECT_TRUE(book.CheckRoom(wish, now).error().retryable());
  EXPECT_TRUE(book.CheckRoom(wish, now + seconds(1)).ok());
}

TEST_F(LeaseBookTest, AnExpiredLeaseIsForgottenAWeekAfterItsLastPeriod) {
  const std::string id = Grant(10);
  now += seconds(60);
  Expire();
  now = kStart + hours(24) + kLeaseForgottenAfter - seconds(1);
  Grant(1);
  EXPECT_NE(book.Find(id), nullptr);
  now += seconds(1);
  Grant(1);
  EXPECT_EQ(book.Find(id), nullptr);
  EXPECT_EQ(Held(), 2 * kUsd);
}

TEST_F(LeaseBookTest, EndedLeasesAreRememberedUpToALimit) {
  const std::string first = Grant(1, "first");
  Fold(*book.Release(first, kOrigin, now));
  now += seconds(1);
  for (std::size_t i = 0; i < kLeasesEndedMax; ++i) Fold(*book.Release(Grant(1), kOrigin, now));
  EXPECT_EQ(book.Find(first), nullptr);
  EXPECT_EQ(book.FindKey("first"), nullptr);
  EXPECT_EQ(book.leases().size(), kLeasesEndedMax);
  EXPECT_EQ(book.held_count(), 0U);
}

TEST_F(LeaseBookTest, RowsGiveBackTheSameBook) {
  const std::string open = Grant(10, "a");
  const std::string expired = Grant(20, "b", seconds(5));
  const std::string settled = Grant(30, "c");
  Cost(open, 3);
  Settle(settled, 31);
  Cost(settled, 2);
  now += seconds(5);
  Expire();
  book.Apply(LeaseDenied{kOrigin, {.agent = "CMO", .amount = {kUsd, Usd()}}, now, {}});

  std::map<std::string, std::string> rows;
  book.BeginCheckpoint();
  std::size_t budget = 100;
  ASSERT_TRUE(book.ContinueCheckpoint(
      &budget, [&](auto key, auto value) { rows[std::string(key)] = value; }));
  LeaseBook back;
  for (const auto& [key, value] : rows) ASSERT_TRUE(back.LoadRow(key, value).ok()) << key;
  back.Reindex([](const Lease&) { return std::vector<std::string>{"daily", "monthly"}; });
  const auto canonical = [](const LeaseBook& of) {
    std::string all;
    of.Canonical([&](std::string_view piece) { all.append(piece).push_back('|'); });
    return all;
  };
  EXPECT_EQ(canonical(back), canonical(book));
  EXPECT_EQ(back.HeldOf("daily"), Held());
  EXPECT_EQ(back.HeldOf("daily"), 27 * kUsd);
  EXPECT_EQ(back.FindKey("b")->said.id, expired);
  EXPECT_EQ(back.totals().denied, 1U);
  EXPECT_FALSE(LeaseBook().LoadRow(open, rows[settled]).ok());
  EXPECT_FALSE(LeaseBook().LoadRow(open, rows[open].substr(1)).ok());
}

TEST(GateBookTest, AnOverrideHoldsUntilItsEndAndSurvivesItsRow) {
  GateBook book;
  const Time now = kStart;
  storage::GateOverridden wish{kOrigin, "slo:task-success", "hotfix", "ana", {}, {}};
  EXPECT_EQ(book.Decide(wish, kGateOverrideMax + seconds(1), now).error().code(),
            ErrorCode::kInvalidArgument);
  book.Apply(book.Decide(wish, hours(1), now).value());
  EXPECT_EQ(book.InForce("slo:other", now), nullptr);
  GateBook back;
  ASSERT_TRUE(back.Load(book.Encode()).ok());
  ASSERT_NE(back.InForce("slo:task-success", now + hours(1) - seconds(1)), nullptr);
  EXPECT_EQ(back.InForce("slo:task-success", now)->note, "hotfix");
  EXPECT_EQ(back.InForce("slo:task-success", now + hours(1)), nullptr);
  wish.note.clear();
  EXPECT_EQ(book.Decide(wish, hours(1), now).error().code(), ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace barograph::rules
