#include "rules/notice/event_notices.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "barograph/v1/event.pb.h"

// Method: payments of customers into one rule of three messages an hour.
namespace barograph::rules {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

constexpr Time kStart = Time(std::chrono::days(20'000));

NoticeSpec Revenue() {
  NoticeSpec spec;
  spec.common.name = "revenue";
  spec.common.severity = Severity::kInfo;
  spec.common.where = {{"team", {"north", "south"}}, {"type", {"CHARGE"}}};
  spec.common.by = {"agent", "team"};
  spec.common.labels = {{"area", "sales"}};
  spec.each = "payments";
  spec.text = "Revenue: {{event.amount}} from {{event.customer}}";
  spec.limit = 3;
  return spec;
}

class EventNoticesTest : public ::testing::Test {
 protected:
  EventNoticesTest() {
    rules_.emplace_back(Revenue());
    notices_.Configure(rules_);
  }

  void Take(Duration at, const std::string& customer, const std::string& team = "north",
            v1::Payment::Type type = v1::Payment::CHARGE) {
    v1::Event event;
    event.set_agent("a");
    (*event.mutable_labels())["team"] = team;
    event.mutable_payment()->set_type(type);
    event.mutable_payment()->set_customer(customer);
    event.mutable_payment()->mutable_amount()->set_currency_code("USD");
    event.mutable_payment()->mutable_amount()->set_units(5);
    const std::string wire = event.SerializeAsString();
    storage::EventView view;
    ASSERT_TRUE(storage::ReadEvent(wire, storage::EventSource::kOutside, &view).ok());
    const Yield yields[] = {{windows_.Intern({"revenue.net", "USD"}), MeasureType::kSum, 1, 5},
                            {windows_.Intern({"payments", ""}), MeasureType::kSum, 1, 1}};
    notices_.Take({view, kStart + at, sequence_, kStart + at, yields}, windows_,
                  [this](const storage::Labels& labels) { return labels == held_; });
    sequence_ = sequence_.Plus(1);
  }
  std::vector<std::string> Waiting() {
    std::vector<std::string> texts;
    for (const EventMessage& each : notices_.waiting())
      texts.push_back(each.id + ": " + each.annotations.at("summary"));
    return texts;
  }
  std::vector<std::string> Summaries(Duration at) {
    std::vector<std::string> texts;
    for (const EventMessage& each : notices_.Summaries(kStart + at))
      texts.push_back(each.annotations.at("summary"));
    return texts;
  }
  void TellAll() {
    while (!notices_.waiting().empty())
      ASSERT_TRUE(notices_.End(std::string(notices_.waiting().front().id)));
  }

  WindowStore windows_;
  NoticeRules rules_;
  EventNotices notices_;
  storage::Labels held_;  ///< messages with just these labels are held back
  Sequence sequence_{7};
};

TEST_F(EventNoticesTest, EachEventThatMatchesIsOneMessage) {
  Take(0s, "acme");
  Take(1s, "bolt", "south");
  Take(2s, "core", "west");
  Take(3s, "dune", "north", v1::Payment::REFUND);
  EXPECT_THAT(Waiting(), ElementsAre("revenue-7: Revenue: 5.00 USD from acme",
                                     "revenue-8: Revenue: 5.00 USD from bolt"));
  EXPECT_THAT(
      notices_.waiting()[1].labels,
      ElementsAre(Pair("agent", "a"), Pair("alertname", "revenue"), Pair("area", "sales"),
                  Pair("rule", "revenue"), Pair("severity", "info"), Pair("team", "south")));
}

TEST_F(EventNoticesTest, WhatIsHeldBackIsNeitherToldNorCounted) {
  held_ = {{"agent", "a"},      {"alertname", "revenue"}, {"area", "sales"},
           {"rule", "revenue"}, {"severity", "info"},     {"team", "south"}};
  for (int i = 0; i < 10; ++i) Take(1s, "bolt", "south");
  Take(2s, "acme");
  EXPECT_THAT(Waiting(), ElementsAre("revenue-17: Revenue: 5.00 USD from acme"));
  TellAll();
  EXPECT_THAT(Summaries(2h), IsEmpty());
}

TEST_F(EventNoticesTest, MessageIsGoneOnceItWasDecided) {
  Take(0s, "acme");
  EXPECT_FALSE(notices_.End("revenue-6"));
  EXPECT_TRUE(notices_.End("revenue-7"));
  EXPECT_FALSE(notices_.End("revenue-7"));
  EXPECT_THAT(Waiting(), IsEmpty());
}

TEST_F(EventNoticesTest, WhatIsBeyondTheLimitIsToldWhenTheWindowIsOver) {
  for (int i = 0; i < 38; ++i) Take(i * 1min, "acme");
  EXPECT_THAT(Waiting(), SizeIs(3));
  TellAll();
  EXPECT_THAT(Summaries(1h - 1s), IsEmpty());
  EXPECT_THAT(Summaries(1h), ElementsAre(HasSubstr("and 35 more within 1h")));
  ASSERT_TRUE(notices_.End(std::string(notices_.Summaries(kStart + 1h).front().id)));
  EXPECT_THAT(Summaries(2h), IsEmpty());
  Take(2h, "bolt");
  EXPECT_THAT(Waiting(), SizeIs(1)) << "a new window has its own limit";
}

TEST_F(EventNoticesTest, SummaryIsOwedAlsoWhenTheNextWindowBeganFirst) {
  for (int i = 0; i < 5; ++i) Take(0s, "acme");
  Take(3h, "bolt");
  EXPECT_THAT(Summaries(3h), ElementsAre(HasSubstr("and 2 more")));
  EXPECT_THAT(Waiting(), SizeIs(4));
  ASSERT_TRUE(notices_.End(std::string(notices_.Summaries(kStart + 3h).front().id)));
  EXPECT_THAT(Summaries(3h + 1s), IsEmpty());
}

TEST_F(EventNoticesTest, RowHoldsTheWholeTable) {
  EXPECT_EQ(notices_.Encode(), "");
  for (int i = 0; i < 5; ++i) Take(0s, "acme");
  Take(3h, "bolt");
  EXPECT_TRUE(notices_.TakeChanged());
  EXPECT_FALSE(notices_.TakeChanged());
  const std::string row = notices_.Encode();
  EventNotices loaded;
  ASSERT_TRUE(loaded.Load(row).ok());
  loaded.Configure(rules_);
  EXPECT_EQ(loaded.Encode(), row);
  EXPECT_EQ(loaded.waiting(), notices_.waiting());
  EXPECT_FALSE(loaded.Load(row + "x").ok());
  EXPECT_FALSE(loaded.Load(row.substr(0, row.size() / 2)).ok());
}

TEST_F(EventNoticesTest, RuleThatIsGoneTakesItsMessagesAlong) {
  Take(0s, "acme");
  const NoticeRules none;
  notices_.Configure(none);
  EXPECT_EQ(notices_.Encode(), "");
  EXPECT_TRUE(notices_.TakeChanged());
}

TEST_F(EventNoticesTest, WaitingMessagesAreBounded) {
  NoticeSpec spec = Revenue();
  spec.limit = kNoticeLimitMax;
  NoticeSpec other = spec;
  other.common.name = "other";
  rules_.clear();
  rules_.emplace_back(spec);
  rules_.emplace_back(other);
  notices_.Configure(rules_);
  for (int i = 0; i < 800; ++i) Take(0s, "acme");
  EXPECT_THAT(notices_.waiting(), SizeIs(kMessagesWaitingMax));
  EXPECT_THAT(Summaries(1h), ElementsAre(HasSubstr("and 300 more"), HasSubstr("and 300 more")));
}

}  // namespace
}  // namespace barograph::rules
