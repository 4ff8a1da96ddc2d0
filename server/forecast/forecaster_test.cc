#include "server/forecast/forecaster.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/partition/partition_fixture.h"

// Method: a real partition below a clock moved by hand; the forecaster looks every few
// milliseconds.

namespace barograph::server {
namespace {

using namespace std::chrono_literals;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

rules::RuleSet Rules() {
  rules::RuleSet rules;
  rules::ThresholdSpec spec;
  spec.common.name = "spend-rises";
  spec.common.by = {"agent"};
  spec.form = rules::ThresholdSpec::Form::kForecast;
  spec.measure = "cost";
  spec.per = 24h;
  spec.bound = {rules::Bound::Unit::kMoney, "50"};
  spec.currency = "USD";
  spec.span = std::chrono::days(14);
  spec.probability_ppb = 800'000'000;
  rules.thresholds = {spec};
  return rules;
}

class ForecasterTest : public PartitionTest {
 protected:
  /// `days` days of one cost each, the last one ending now.
  void Spend(const std::string& agent, int days, std::uint64_t producer_first) {
    std::vector<v1::Event> events;
    for (int day = days; day > 0; --day) {
      v1::Event event;
      event.set_agent(agent);
      const Time at = kStart - std::chrono::days(day) + 1h;
      event.mutable_time()->set_seconds(at.time_since_epoch() / 1s);
      event.mutable_cost()->mutable_amount()->set_currency_code("USD");
      event.mutable_cost()->mutable_amount()->set_units(60 - day);
      events.push_back(event);
    }
    ingest::Batch batch = MakeBatchOf(events);
    batch.tenant = "default";
    batch.producer = agent;
    batch.first_sequence = producer_first;
    ASSERT_TRUE(AwaitAnswer<Result<ingest::BatchAnswer>>([&](auto done) {
                  ASSERT_TRUE(partition_->TrySubmit(batch, done));
                }).ok());
  }
  std::vector<storage::ForecastIssued> Issued() {
    return ServerEventsOf<storage::ForecastIssued>();
  }
};

TEST_F(ForecasterTest, EachInstanceIsForecastOnceAnHourAndTheAnswerIsAnEvent) {
  Open();
  ASSERT_TRUE(ApplyRules(Rules()).ok());
  Spend("CFO", 40, 1);
  Spend("CMO", 2, 1);
  Forecaster forecaster(*partition_, clock_, {.look_every = 10ms, .core_share = 1});
  ASSERT_TRUE(Eventually([&] { return forecaster.figures().issued == 2; }));
  std::this_thread::sleep_for(kWhile);
  const std::vector<storage::ForecastIssued> issued = Issued();
  ASSERT_THAT(issued, SizeIs(2)) << "not again within the hour";
  for (const storage::ForecastIssued& forecast : issued) {
    EXPECT_EQ(forecast.rule, "spend-rises");
    EXPECT_EQ(forecast.history_end, std::chrono::floor<std::chrono::hours>(kStart));
    if (forecast.labels.at("agent") == "CFO") {
      EXPECT_THAT(forecast.steps, SizeIs(14)) << forecast.cannot_say;
      EXPECT_EQ(forecast.currency_code, "USD");
    } else {
      EXPECT_THAT(forecast.cannot_say, Not(IsEmpty()));
    }
  }
  EXPECT_EQ(forecaster.figures().cannot_say, 1U);
  EXPECT_EQ(forecaster.figures().failed, 0U);
}

TEST_F(ForecasterTest, EndsThoughTheDiskHangs) {
  Open();
  ASSERT_TRUE(ApplyRules(Rules()).ok());
  gate_->Hold();
  Answers answers;
  Submit({.first = 1}, answers.Add(1));
  gate_->AwaitHeld();
  auto forecaster = std::make_unique<Forecaster>(
      *partition_, clock_, ForecasterOptions{.look_every = 1ms, .core_share = 1});
  std::this_thread::sleep_for(kWhile);  // now it waits for what the disk does not take
  auto ended = std::async(std::launch::async, [&] { forecaster.reset(); });
  const bool in_time = ended.wait_for(kSoon / 2) == std::future_status::ready;
  gate_->Release();
  EXPECT_TRUE(in_time);
  EXPECT_TRUE(answers.Await(1));
}

TEST_F(ForecasterTest, WithoutRulesThatAskNothingIsIssued) {
  Open();
  Spend("CFO", 40, 1);
  {
    Forecaster forecaster(*partition_, clock_, {.look_every = 1ms, .core_share = 1});
    std::this_thread::sleep_for(kWhile);
    EXPECT_EQ(forecaster.figures().due, 0U);
  }
  EXPECT_THAT(Issued(), IsEmpty());
}

}  // namespace
}  // namespace barograph::server
