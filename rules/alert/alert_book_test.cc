#include "rules/alert/alert_book.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace barograph::rules {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using storage::AlertState;
using storage::AlertTransition;

constexpr Time kStart = Time(std::chrono::days(20'000));
constexpr AlertState kNone = AlertState::kInactive;
constexpr AlertState kPending = AlertState::kPending;
constexpr AlertState kFiring = AlertState::kFiring;
constexpr AlertState kResolved = AlertState::kResolved;

AlertTransition Step(AlertState from, AlertState to, Duration at, std::string condition = "1h/5m",
                     std::string agent = "a") {
  AlertTransition transition;
  transition.rule = "rule";
  transition.labels = {{"agent", std::move(agent)}, {"rule", "rule"}};
  transition.from = from;
  transition.to = to;
  transition.at = kStart + at;
  transition.episode_id = "episode";
  transition.condition = std::move(condition);
  return transition;
}

RuleCommon Rule() {
  RuleCommon rule;
  rule.for_duration = seconds(30);
  rule.keep_firing_for = seconds(60);
  return rule;
}

TEST(AlertLifeTest, StepsUpAtAnyPointAndDownOnWholeSecondsOnly) {
  AlertBook book;
  const auto step = [&](bool holds, Moment moment, Duration at) -> std::string {
    const Alert* alert = book.Find(AlertKey(Step(kNone, kNone, at).labels));
    const std::optional<AlertStep> next = NextStep(alert, holds, moment, kStart + at, Rule());
    if (!next) return "-";
    book.Apply(Step(next->from, next->to, at, next->calm && next->from == next->to ? "" : "1h/5m"));
    const std::string mark = next->from != next->to ? "" : next->calm ? " calm" : " holds";
    return std::string(Name(next->from)) + ">" + std::string(Name(next->to)) + mark;
  };
  constexpr Moment kAny = Moment::kAnyPoint;
  constexpr Moment kSecond = Moment::kWholeSecond;
  EXPECT_EQ(step(false, kSecond, seconds(0)), "-");
  EXPECT_EQ(step(true, kAny, seconds(1)), "inactive>pending");
  EXPECT_EQ(step(true, kAny, seconds(30)), "-");
  EXPECT_EQ(step(false, kAny, seconds(30)), "-");
  EXPECT_EQ(step(true, kAny, seconds(31)), "pending>firing");
  EXPECT_EQ(step(false, kAny, seconds(40)), "-");
  EXPECT_EQ(step(false, kSecond, seconds(40)), "firing>firing calm");
  EXPECT_EQ(step(false, kSecond, seconds(99)), "-");
  EXPECT_EQ(step(true, kAny, seconds(99)), "firing>firing holds");
  EXPECT_EQ(step(false, kSecond, seconds(101)), "firing>firing calm");
  EXPECT_EQ(step(false, kAny, seconds(170)), "-");
  EXPECT_EQ(step(false, kSecond, seconds(160)), "-");
  EXPECT_EQ(step(false, kSecond, seconds(161)), "firing>resolved");
  EXPECT_EQ(step(false, kSecond, seconds(162)), "-");
  EXPECT_EQ(step(true, kAny, seconds(163)), "inactive>pending");
  EXPECT_EQ(step(false, kSecond, seconds(164)), "pending>pending calm");
  EXPECT_EQ(step(false, kSecond, seconds(173)), "-");
  EXPECT_EQ(step(false, kSecond, seconds(174)), "pending>inactive");
}

TEST(AlertLifeTest, KeepFiringForBelowTenSecondsStillWaitsTenSeconds) {
  RuleCommon rule = Rule();
  rule.keep_firing_for = seconds(0);
  Alert alert;
  alert.state = kFiring;
  alert.calm_from = kStart;
  EXPECT_EQ(DueAt(alert, rule), kStart + seconds(10));
}

TEST(AlertBookTest, TimersDoNotCountAGap) {
  AlertBook book;
  book.Apply(Step(kNone, kPending, seconds(0)));
  book.Apply(Step(kNone, kFiring, seconds(0), "1h/5m", "b"));
  book.Apply(Step(kFiring, kFiring, seconds(20), "", "b"));
  book.SkipGap(minutes(10));
  const auto due = [&](std::string agent) {
    return DueAt(*book.Find(AlertKey(Step(kNone, kNone, seconds(0), "", std::move(agent)).labels)),
                 Rule());
  };
  EXPECT_EQ(due("a"), kStart + minutes(10) + seconds(30));
  EXPECT_EQ(due("b"), kStart + minutes(10) + seconds(80));
}

TEST(AlertBookTest, CheckpointHoldsTheStateOfItsBeginning) {
  AlertBook book;
  std::map<std::string, std::string> rows;
  const auto sink = [&](std::string_view key, std::string_view value) {
    rows[std::string(key)] = value;
  };
  const auto canonical = [](const AlertBook& each) {
    std::string bytes;
    each.Canonical([&](std::string_view piece) { bytes += piece; });
    return bytes;
  };
  for (int agent = 0; agent < 20; ++agent)
    book.Apply(Step(kNone, kFiring, seconds(agent), "1h/5m", std::to_string(agent)));
  const std::string at_begin = canonical(book);
  book.BeginCheckpoint();
  std::size_t budget = 5;
  EXPECT_FALSE(book.ContinueCheckpoint(&budget, sink));
  for (int agent = 0; agent < 30; ++agent)
    book.Apply(Step(kFiring, kResolved, seconds(99), "1h/5m", std::to_string(agent)));
  budget = 1'000;
  EXPECT_TRUE(book.ContinueCheckpoint(&budget, sink));
  AlertBook loaded;
  for (const auto& [key, value] : rows) {
    if (value.empty()) continue;
    ASSERT_TRUE(loaded.LoadRow(key, value).ok());
  }
  EXPECT_EQ(canonical(loaded), at_begin);
  book.BeginCheckpoint();
  budget = 1'000;
  EXPECT_TRUE(book.ContinueCheckpoint(&budget, sink));
  for (const auto& [key, value] : rows) ASSERT_TRUE(loaded.LoadRow(key, value).ok());
  EXPECT_EQ(canonical(loaded), canonical(book));
  EXPECT_FALSE(loaded.LoadRow("key", "\x01 broken").ok());
}

AlertTransition Step(const std::string& severity, AlertState from, AlertState to, Time at) {
  AlertTransition step;
  step.labels = {{"agent", "a"}, {"severity", severity}};
  step.from = from;
  step.to = to;
  step.at = at;
  step.episode_id = severity + "-1";
  step.severity = severity == "critical" ? Severity::kCritical : Severity::kWarning;
  return step;
}

storage::Acknowledged AckOf(const AlertTransition& step) {
  storage::Acknowledged acknowledged;
  acknowledged.labels = step.labels;
  acknowledged.episode_id = step.episode_id;
  acknowledged.author = "ada";
  return acknowledged;
}

TEST(AlertBookTest, AcknowledgementEndsWithTheLifeOfTheAlert) {
  AlertBook book;
  const AlertTransition fired = Step("warning", AlertState::kInactive, AlertState::kFiring, Time{});
  const std::string key = AlertKey(fired.labels);
  EXPECT_FALSE(book.Apply(AckOf(fired))) << "an alert that nobody knows";
  book.Apply(fired);
  EXPECT_TRUE(book.Apply(AckOf(fired)));
  EXPECT_EQ(book.Find(key)->acknowledged->author, "ada");
  book.Apply(Step("warning", AlertState::kFiring, AlertState::kResolved, Time{}));
  EXPECT_FALSE(book.Find(key)->acknowledged.has_value());
  EXPECT_FALSE(book.Apply(AckOf(fired))) << "it came too late";
}

TEST(AlertBookTest, MoreSevereAlertOfTheSameThingEndsTheAcknowledgementOfTheMilderOne) {
  AlertBook book;
  const AlertTransition fired = Step("warning", AlertState::kInactive, AlertState::kFiring, Time{});
  book.Apply(fired);
  book.Apply(AckOf(fired));
  const AlertBook::Applied applied =
      book.Apply(Step("critical", AlertState::kInactive, AlertState::kFiring, Time{}));
  EXPECT_EQ(applied.unacknowledged, std::vector<std::string>{AlertKey(fired.labels)});
  EXPECT_FALSE(book.Find(AlertKey(fired.labels))->acknowledged.has_value());
}

TEST(AlertBookTest, RowsBringAcknowledgementAndFlappingBack) {
  AlertBook book;
  const AlertTransition fired =
      Step("warning", AlertState::kInactive, AlertState::kFiring, Time(std::chrono::hours(1)));
  book.Apply(fired);
  book.Apply(AckOf(fired));
  storage::FlapChanged flap;
  flap.labels = fired.labels;
  flap.flapping = true;
  flap.at = fired.at;
  EXPECT_NE(book.Apply(flap), nullptr);
  book.BeginCheckpoint();
  AlertBook back;
  std::size_t budget = 10;
  EXPECT_TRUE(book.ContinueCheckpoint(&budget, [&](std::string_view key, std::string_view value) {
    EXPECT_TRUE(back.LoadRow(key, value).ok());
  }));
  const Alert& alert = *back.Find(AlertKey(fired.labels));
  EXPECT_EQ(alert.acknowledged->author, "ada");
  EXPECT_TRUE(alert.flapping);
  EXPECT_EQ(back.flapping(), book.flapping());
  EXPECT_EQ(alert.fires, std::vector<Time>{fired.at});
}

TEST(AlertBookTest, AnAlertFlapsThatFiredOftenEnoughWithinTheTime) {
  const FlapSpec spec{.fires = 3, .within = std::chrono::minutes(10)};
  Alert alert;
  const Time now = Time(std::chrono::hours(1));
  alert.fires = {now - std::chrono::minutes(10), now - std::chrono::minutes(9), now};
  EXPECT_FALSE(BeginsToFlap(alert, spec, now)) << "the first lies outside";
  alert.fires[0] += std::chrono::seconds(1);
  EXPECT_TRUE(BeginsToFlap(alert, spec, now));
  alert.flapping = true;
  EXPECT_FALSE(BeginsToFlap(alert, spec, now)) << "it does already";
  alert.flapping = false;
  EXPECT_FALSE(BeginsToFlap(alert, FlapSpec{.fires = 0}, now));
}

}  // namespace
}  // namespace barograph::rules
