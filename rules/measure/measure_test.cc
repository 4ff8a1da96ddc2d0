// Method: names and dimensions against the contract's lists, event by event; no fold state is
// involved.
#include "rules/measure/measure.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "rules/measure/fingerprint.h"
#include "rules/measure/fixed_measure.h"
#include "rules/measure/measure_test_fold.h"
#include "storage/event/server_event.h"

namespace barograph::rules {
namespace {

using testing::IsEmpty;

TEST(MeasureTest, EveryFixedNameIsFoundAndSortedWithoutDoubles) {
  const std::vector<std::string_view>& names = FixedMeasures();
  EXPECT_EQ(names.size(), kFixedMeasures);
  EXPECT_TRUE(std::ranges::is_sorted(names));
  EXPECT_EQ(std::ranges::adjacent_find(names), names.end());
  for (const std::string_view name : names) EXPECT_TRUE(FindMeasure(name).has_value()) << name;
}

TEST(MeasureTest, FixedNumbersStandForTheirNames) {
  const auto check = [](FixedMeasure measure, std::string_view name) {
    EXPECT_EQ(kFixedMeasureTraits[static_cast<std::size_t>(measure)].name, name);
  };
  check(FixedMeasure::kAgents, "agents");
  check(FixedMeasure::kCostAmount, "cost.amount");
  check(FixedMeasure::kFees, "fees");
  check(FixedMeasure::kPayments, "payments");
  check(FixedMeasure::kRequestDuration, "request.duration");
  check(FixedMeasure::kRevenueNet, "revenue.net");
  check(FixedMeasure::kTaskValue, "task.value");
  check(FixedMeasure::kTasksOnTime, "tasks.on_time");
  check(FixedMeasure::kTokensReasoning, "tokens.reasoning");
  check(FixedMeasure::kUnpriced, "unpriced");
}

TEST(MeasureTest, TraitsFollowTheName) {
  const auto check = [](std::string_view base, std::optional<MeasureTraits> traits) {
    EXPECT_EQ(FindMeasure(base), traits) << base;
  };
  check("tasks.finished", MeasureTraits{MeasureType::kSum, MeasureUnit::kCount});
  check("cost", MeasureTraits{MeasureType::kSum, MeasureUnit::kMoney});
  check("cost.amount", MeasureTraits{MeasureType::kDistribution, MeasureUnit::kMoney});
  check("request.duration", MeasureTraits{MeasureType::kDistribution, MeasureUnit::kNano});
  check("customers", MeasureTraits{MeasureType::kDistinct, MeasureUnit::kCount});
  check("activity:signup", MeasureTraits{MeasureType::kSum, MeasureUnit::kCount});
  check("sample:queue", MeasureTraits{MeasureType::kSum, MeasureUnit::kNano});
  check("activity:", std::nullopt);
  check("sample:", std::nullopt);
  check("tasks.open", MeasureTraits{MeasureType::kGauge, MeasureUnit::kNano});
  check("cost.open_tasks", MeasureTraits{MeasureType::kGauge, MeasureUnit::kMoney});
  check("tasks.opened", std::nullopt);
  check("tasks", std::nullopt);
  check("", std::nullopt);
}

TEST(MeasureTest, AnExactCounterIsNamedByItsBound) {
  EXPECT_EQ(AtMostMeasure("request.duration", 300'000'000),
            (MeasureName{"request.duration", "<=300000000"}));
}

TEST(DimensionTest, NamesAndNumbersAreInverse) {
  for (int i = 0; i < static_cast<int>(Dimension::kCount); ++i) {
    const auto dimension = static_cast<Dimension>(i);
    EXPECT_EQ(FindDimension(Name(dimension)), dimension) << Name(dimension);
  }
  EXPECT_EQ(FindDimension("customer"), std::nullopt);
  EXPECT_EQ(FindDimension(""), std::nullopt);
}

TEST(DimensionTest, EachKindBringsItsOwn) {
  TextFold text;
  const auto check = [&](std::string_view event, Dimension dimension, std::string_view value) {
    std::string scratch;
    EXPECT_EQ(DimensionValue(text.Read(event), dimension, &scratch), value)
        << event << Name(dimension);
  };
  check("agent: 'a' environment: 'test' request { ok: true }", Dimension::kAgent, "a");
  check("environment: 'test' request { ok: true }", Dimension::kEnvironment, "test");
  check("request { ok: true }", Dimension::kEnvironment, "production");
  const std::string_view task = "task { status: FAILED type: 't' priority: HIGH risk: LOW }";
  check(task, Dimension::kType, "t");
  check(task, Dimension::kPriority, "HIGH");
  check(task, Dimension::kRisk, "LOW");
  check(task, Dimension::kStatus, "FAILED");
  check(task, Dimension::kService, "");
  const std::string_view cost =
      "cost { category: TOOL quantity: '1' unit: 'hour' provider: 'p' model: 'm' }";
  check(cost, Dimension::kCategory, "TOOL");
  check(cost, Dimension::kProvider, "p");
  check(cost, Dimension::kModel, "m");
  check(cost, Dimension::kUnit, "hour");
  const std::string_view fee =
      "payment { type: FEE amount { currency_code: 'USD' units: 1 } product: 'x' }";
  check(fee, Dimension::kType, "FEE");
  check(fee, Dimension::kCategory, "FEES");
  check(fee, Dimension::kProduct, "x");
  check("payment { type: CHARGE amount { currency_code: 'USD' units: 1 } }", Dimension::kCategory,
        "");
  const std::string_view error =
      "error { severity: WARNING service: 's' code: 'c' message: 'm' fingerprint: 'f' }";
  check(error, Dimension::kSeverity, "WARNING");
  check(error, Dimension::kService, "s");
  check(error, Dimension::kCode, "c");
  check(error, Dimension::kFingerprint, "f");
  const std::string_view request = "request { service: 's' route: '/r' status_code: '500' }";
  check(request, Dimension::kService, "s");
  check(request, Dimension::kRoute, "/r");
  check(request, Dimension::kStatusCode, "500");
  const std::string_view sample = "sample { name: 'n' unit: 'u' service: 's' type: GAUGE }";
  check(sample, Dimension::kName, "n");
  check(sample, Dimension::kUnit, "u");
  check(sample, Dimension::kService, "s");
  check(sample, Dimension::kType, "GAUGE");
  const std::string_view activity = "activity { name: 'n' phase: 'p' state: DONE }";
  check(activity, Dimension::kName, "n");
  check(activity, Dimension::kPhase, "p");
  check(activity, Dimension::kState, "DONE");
  const std::string_view change =
      "change { type: DEPLOY service: 's' version: 'v' state: FAILED severity: INFO audience: "
      "'all' }";
  check(change, Dimension::kType, "DEPLOY");
  check(change, Dimension::kService, "s");
  check(change, Dimension::kVersion, "v");
  check(change, Dimension::kState, "FAILED");
  check(change, Dimension::kSeverity, "INFO");
  check(change, Dimension::kAudience, "all");
  const std::string_view feedback = "feedback { type: PRAISE product: 'x' }";
  check(feedback, Dimension::kType, "PRAISE");
  check(feedback, Dimension::kProduct, "x");
}

TEST(DimensionTest, ServerMadeEventsCarryWhatTheySpeakOf) {
  const auto check = [](const storage::ServerEvent& event, Dimension dimension,
                        std::string_view value) {
    const std::string wire = storage::EncodeServerEvent(event, TextFold::kTime);
    storage::EventView view;
    ASSERT_TRUE(storage::ReadEvent(wire, storage::EventSource::kLog, &view).ok());
    std::string scratch;
    EXPECT_EQ(DimensionValue(view, dimension, &scratch), value) << Name(dimension);
  };
  const storage::TaskOverdue overdue{{}, "t1", "writer", "draft", TextFold::kTime};
  check(overdue, Dimension::kAgent, "writer");
  check(overdue, Dimension::kType, "draft");
  check(overdue, Dimension::kEnvironment, "production");
  storage::AlertTransition alert;
  alert.rule = "task-success";
  alert.labels = {{"agent", "writer"}, {"severity", "critical"}};
  check(alert, Dimension::kAgent, "writer");
  check(alert, Dimension::kName, "task-success");
  check(alert, Dimension::kSeverity, "CRITICAL");
  check(alert, Dimension::kType, "");
  storage::Acknowledged acknowledged;
  acknowledged.rule = "task-success";
  acknowledged.labels = alert.labels;
  check(acknowledged, Dimension::kAgent, "writer");
  check(acknowledged, Dimension::kName, "task-success");
  check(acknowledged, Dimension::kSeverity, "CRITICAL");
  check(acknowledged, Dimension::kType, "");
}

std::string FingerprintOf(std::string_view service, std::string_view code,
                          std::string_view message) {
  std::string out;
  DeriveFingerprint(service, code, message, &out);
  return out;
}

TEST(FingerprintTest, NumbersInTheMessageDoNotCount) {
  const auto same = [](std::string_view a, std::string_view b) {
    EXPECT_EQ(FingerprintOf("s", "c", a), FingerprintOf("s", "c", b)) << a << " | " << b;
  };
  same("timeout after 30s on shard 7", "timeout after 4500ms on shard 12");
  same("row 3fa85f64-5717-4562-b3fc-2c963f66afa6 is gone",
       "row 00000000-0000-4000-8000-000000000001 is gone");
  same("at 0x7ffe12", "at 0x1");
}

TEST(FingerprintTest, EverythingElseCounts) {
  const std::string one = FingerprintOf("s", "c", "timeout");
  EXPECT_EQ(one.size(), 16U);
  EXPECT_EQ(one.find_first_not_of("0123456789abcdef"), std::string::npos);
  EXPECT_NE(FingerprintOf("t", "c", "timeout"), one);
  EXPECT_NE(FingerprintOf("s", "d", "timeout"), one);
  EXPECT_NE(FingerprintOf("s", "c", "Timeout"), one);
  EXPECT_NE(FingerprintOf("s", "c", "timeout "), one);
  EXPECT_NE(FingerprintOf("sc", "", "timeout"), FingerprintOf("s", "c", "timeout"));
}

TEST(FingerprintTest, StaysWhatItWasInEarlierVersions) {
  EXPECT_EQ(FingerprintOf("billing", "E42", "timeout after 30s on shard 7"), "7a4ffb99e67ef50f");
}

}  // namespace
}  // namespace barograph::rules
