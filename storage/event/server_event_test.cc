#include "storage/event/server_event.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "storage/base/bytes.h"

namespace barograph::storage {
namespace {

Time At(std::int64_t nanos) { return Time(Duration(nanos)); }

constexpr std::int64_t kNow = 1'795'254'700'250'000'001;

EventView Viewed(const std::string& wire) {
  EventView view;
  const Status status = ReadEvent(wire, EventSource::kLog, &view);
  EXPECT_TRUE(status.ok()) << status.error().message();
  return view;
}

// Decodes what `event` is encoded to, checks that it encodes to the same bytes again, and gives it
// back.
template <typename T>
T RoundTrip(const T& event, EventKind kind) {
  const std::string wire = EncodeServerEvent(event, At(kNow));
  const EventView view = Viewed(wire);
  EXPECT_EQ(view.kind, kind);
  EXPECT_EQ(view.time, At(kNow));
  const Result<ServerEvent> decoded = DecodeServerEvent(view);
  EXPECT_TRUE(decoded.ok()) << decoded.error().message();
  EXPECT_EQ(EncodeServerEvent(*decoded, At(kNow)), wire);
  const T& back = std::get<T>(*decoded);
  EXPECT_EQ(back.origin.actor, event.origin.actor);
  EXPECT_EQ(back.origin.reason, event.origin.reason);
  return back;
}

const Origin kOrigin{.actor = "key-1", .reason = "reload"};

TEST(ServerEventTest, ConfigApplied) {
  const ConfigApplied event{.origin = kOrigin,
                            .hash = std::string("\x00\xFF", 2) + std::string(30, 'h'),
                            .rules_json = "{}"};
  const ConfigApplied back = RoundTrip(event, EventKind::kConfigApplied);
  EXPECT_EQ(back.hash, event.hash);
  EXPECT_EQ(back.rules_json, event.rules_json);
}

TEST(ServerEventTest, PricesAppliedTellsAnAbsentPriceFromAPriceOfZero) {
  const PricesApplied event{
      .origin = kOrigin,
      .effective_from = At(-1),
      .version = "shipped 2026-11-01",
      .currency_code = "USD",
      .prices = {{.model = "a", .provider = "p", .input = 2'500'000'000, .output = 0},
                 {.model = "b",
                  .cache_read = 1,
                  .cache_write = std::numeric_limits<std::int64_t>::max(),
                  .reasoning = -1}}};
  const PricesApplied back = RoundTrip(event, EventKind::kPricesApplied);
  EXPECT_EQ(back.effective_from, event.effective_from);
  EXPECT_EQ(back.version, event.version);
  EXPECT_EQ(back.currency_code, event.currency_code);
  EXPECT_EQ(back.prices, event.prices);
  EXPECT_EQ(back.prices[0].output, 0);
  EXPECT_EQ(back.prices[1].output, std::nullopt);
}

TEST(ServerEventTest, PeriodOpenedKeepsItsBounds) {
  const PeriodOpened event{.origin = kOrigin,
                           .calendar = "day@America/New_York",
                           .tzdata_version = "2024a",
                           .start = At(4 * 3600),
                           .end = At(28 * 3600)};
  const PeriodOpened back = RoundTrip(event, EventKind::kPeriodOpened);
  EXPECT_EQ(back.calendar, event.calendar);
  EXPECT_EQ(back.tzdata_version, event.tzdata_version);
  EXPECT_EQ(back.start, event.start);
  EXPECT_EQ(back.end, event.end);
}

TEST(ServerEventTest, ResumedKeepsTimesToTheNanosecondOverTheWholeRange) {
  const auto keeps = [](Time stopped, Time resumed) {
    const Resumed event{.origin = kOrigin, .stopped_at = stopped, .resumed_at = resumed};
    const Resumed back = RoundTrip(event, EventKind::kResumed);
    EXPECT_EQ(back.stopped_at, stopped);
    EXPECT_EQ(back.resumed_at, resumed);
  };
  keeps(At(0), At(1));
  keeps(At(-1), At(-1'000'000'000));
  keeps(Time::min(), Time::max());
}

TEST(ServerEventTest, TailDropped) {
  const TailDropped event{
      .origin = kOrigin, .last_sequence = Sequence{~std::uint64_t{0}}, .detail = "torn"};
  const TailDropped back = RoundTrip(event, EventKind::kTailDropped);
  EXPECT_EQ(back.last_sequence, event.last_sequence);
  EXPECT_EQ(back.detail, "torn");
}

TEST(ServerEventTest, ProducerExpired) {
  const ProducerExpired event{.origin = kOrigin, .producer_id = "p", .acked_sequence = 7};
  const ProducerExpired back = RoundTrip(event, EventKind::kProducerExpired);
  EXPECT_EQ(back.producer_id, "p");
  EXPECT_EQ(back.acked_sequence, 7U);
}

TEST(ServerEventTest, AlertTransition) {
  const AlertTransition event{.origin = kOrigin,
                              .rule = "task-success",
                              .labels = {{"agent", "CMO"}, {"team", ""}},
                              .from = AlertState::kPending,
                              .to = AlertState::kFiring,
                              .at = At(kNow),
                              .episode_id = "12-abc",
                              .severity = Severity::kWarning,
                              .value = 14.4,
                              .threshold = -0.0,
                              .summary = "sum",
                              .late = true,
                              .condition = "1h/5m"};
  const AlertTransition back = RoundTrip(event, EventKind::kAlertTransition);
  EXPECT_EQ(back.rule, event.rule);
  EXPECT_EQ(back.labels, event.labels);
  EXPECT_EQ(back.from, event.from);
  EXPECT_EQ(back.to, event.to);
  EXPECT_EQ(back.at, event.at);
  EXPECT_EQ(back.episode_id, event.episode_id);
  EXPECT_EQ(back.severity, event.severity);
  EXPECT_EQ(back.value, event.value);
  EXPECT_EQ(back.threshold, event.threshold);
  EXPECT_TRUE(std::signbit(back.threshold));
  EXPECT_EQ(back.summary, event.summary);
  EXPECT_TRUE(back.late);
  EXPECT_EQ(back.condition, event.condition);
}

TEST(ServerEventTest, NoticeDecidedKeepsTheBodyByteByByte) {
  const NoticeDecided event{.origin = kOrigin,
                            .id = "n-1",
                            .receiver = "ops",
                            .group_key = "{}",
                            .episode_ids = {"b", "a", "b"},
                            .body = std::string("{\0\xFF}", 4),
                            .content_type = "application/json",
                            .state = AlertState::kResolved,
                            .at = At(kNow),
                            .more = 9'968};
  const NoticeDecided back = RoundTrip(event, EventKind::kNoticeDecided);
  EXPECT_EQ(back.id, event.id);
  EXPECT_EQ(back.receiver, event.receiver);
  EXPECT_EQ(back.group_key, event.group_key);
  EXPECT_EQ(back.episode_ids, event.episode_ids);
  EXPECT_EQ(back.body, event.body);
  EXPECT_EQ(back.content_type, event.content_type);
  EXPECT_EQ(back.state, event.state);
  EXPECT_EQ(back.at, event.at);
  EXPECT_EQ(back.more, event.more);
}

TEST(ServerEventTest, Delivery) {
  const Delivery event{.origin = kOrigin,
                       .notice_id = "n-1",
                       .receiver = "ops",
                       .outcome = DeliveryOutcome::kDropped,
                       .attempts = 12,
                       .status_code = 503,
                       .detail = "busy"};
  const Delivery back = RoundTrip(event, EventKind::kDelivery);
  EXPECT_EQ(back.notice_id, event.notice_id);
  EXPECT_EQ(back.receiver, event.receiver);
  EXPECT_EQ(back.outcome, event.outcome);
  EXPECT_EQ(back.attempts, event.attempts);
  EXPECT_EQ(back.status_code, event.status_code);
  EXPECT_EQ(back.detail, event.detail);
}

TEST(ServerEventTest, GaugesReadKeepsEveryReading) {
  const GaugesRead event{kOrigin,
                         {{"disk.free", "", 4'900'000'000}, {"cost.open_tasks", "EUR", -1}}};
  EXPECT_EQ(RoundTrip(event, EventKind::kGaugesRead).readings, event.readings);
}

TEST(ServerEventTest, TaskOverdue) {
  const TaskOverdue event{
      .origin = kOrigin, .task_id = "t", .agent = "a", .type = "y", .deadline = At(kNow)};
  const TaskOverdue back = RoundTrip(event, EventKind::kTaskOverdue);
  EXPECT_EQ(back.task_id, "t");
  EXPECT_EQ(back.agent, "a");
  EXPECT_EQ(back.type, "y");
  EXPECT_EQ(back.deadline, At(kNow));
}

TEST(ServerEventTest, ImportEnded) {
  const ImportEnded event{.origin = kOrigin, .producer_id = "p", .events = 69'659};
  const ImportEnded back = RoundTrip(event, EventKind::kImportEnded);
  EXPECT_EQ(back.producer_id, "p");
  EXPECT_EQ(back.events, 69'659U);
}

TEST(ServerEventTest, QuarantinedKeepsTheRecordByteByByteAndTellsAbsentFromEmpty) {
  const Quarantined event{.origin = kOrigin,
                          .topic = "agent.events",
                          .partition = 5,
                          .offset = ~std::uint64_t{0},
                          .record_time = At(kNow),
                          .key = std::string("\0\xFF", 2),
                          .headers = {{"ce_type", "x"}, {"empty", ""}, {"none", std::nullopt}},
                          .value = std::string(1U << 20U, '\xFE'),
                          .value_bytes = 100'000'000,
                          .value_digest = std::string(32, '\x80'),
                          .reason = "value: not JSON",
                          .rejected_events = {0, 7, 10'000}};
  const Quarantined back = RoundTrip(event, EventKind::kQuarantined);
  EXPECT_EQ(back.topic, event.topic);
  EXPECT_EQ(back.partition, event.partition);
  EXPECT_EQ(back.offset, event.offset);
  EXPECT_EQ(back.record_time, event.record_time);
  EXPECT_EQ(back.key, event.key);
  EXPECT_EQ(back.headers, event.headers);
  EXPECT_EQ(back.value, event.value);
  EXPECT_EQ(back.value_bytes, event.value_bytes);
  EXPECT_EQ(back.value_digest, event.value_digest);
  EXPECT_EQ(back.reason, event.reason);
  EXPECT_EQ(back.rejected_events, event.rejected_events);
  EXPECT_EQ(RoundTrip(Quarantined{}, EventKind::kQuarantined).record_time, std::nullopt);
}

LeaseWish Wish() {
  LeaseWish wish;
  wish.key = "task-7";
  wish.agent = "CMO";
  wish.task_id = "t-7";
  wish.labels = {{"mode", ""}, {"team", "web"}};
  wish.environment = "staging";
  wish.category = CostCategory::kModel;
  wish.provider = "p";
  wish.model = "m";
  wish.amount = {kMoneyNanosMax, Currency::Parse("USD").value()};
  wish.ttl = std::chrono::seconds(600);
  return wish;
}

TEST(ServerEventTest, LeaseReservedKeepsAmountsBeyondSixtyFourBits) {
  LeaseReserved event{kOrigin, "lea_1", Wish(), At(kNow), At(kNow + 5), {}};
  event.budgets = {
      {"daily", {{"agent", "CMO"}}, At(1), At(2), Int128{kMoneyNanosMax} * 100, -1, 3}};
  const LeaseReserved back = RoundTrip(event, EventKind::kLeaseReserved);
  EXPECT_EQ(back.id, event.id);
  EXPECT_EQ(back.wish, event.wish);
  EXPECT_EQ(back.at, event.at);
  EXPECT_EQ(back.expires_at, event.expires_at);
  EXPECT_EQ(back.budgets, event.budgets);
}

TEST(ServerEventTest, LeaseSettledTellsNothingSaidFromNothingSpent) {
  LeaseSettled event{kOrigin, "lea_1", At(kNow), 0, 7, 8};
  LeaseSettled back = RoundTrip(event, EventKind::kLeaseSettled);
  EXPECT_EQ(back.actual_nanos, 0);
  EXPECT_EQ(back.written_nanos, 7);
  EXPECT_EQ(back.overrun_nanos, 8);
  event.actual_nanos.reset();
  back = RoundTrip(event, EventKind::kLeaseSettled);
  EXPECT_EQ(back.actual_nanos, std::nullopt);
}

TEST(ServerEventTest, OtherStepsOfLeasesAndGates) {
  EXPECT_EQ(RoundTrip(LeaseReleased{kOrigin, "lea_1", At(kNow)}, EventKind::kLeaseReleased).id,
            "lea_1");
  EXPECT_EQ(RoundTrip(LeaseExpired{kOrigin, "lea_1", At(kNow)}, EventKind::kLeaseExpired).at,
            At(kNow));
  EXPECT_EQ(
      RoundTrip(LeaseExtended{kOrigin, "lea_1", At(kNow), At(kNow + 9)}, EventKind::kLeaseExtended)
          .expires_at,
      At(kNow + 9));
  const LeaseDenied denied{kOrigin, Wish(), At(kNow), {{"daily", {}, At(1), At(2), 3, 4, 5}}};
  const LeaseDenied denied_back = RoundTrip(denied, EventKind::kLeaseDenied);
  EXPECT_EQ(denied_back.wish, denied.wish);
  EXPECT_EQ(denied_back.budgets, denied.budgets);
  const GateOverridden gate{kOrigin, "slo:task-success", "hotfix", "ana", At(kNow), At(kNow + 1)};
  const GateOverridden gate_back = RoundTrip(gate, EventKind::kGateOverridden);
  EXPECT_EQ(gate_back.gate, gate.gate);
  EXPECT_EQ(gate_back.note, gate.note);
  EXPECT_EQ(gate_back.author, gate.author);
  EXPECT_EQ(gate_back.expires_at, gate.expires_at);
}

TEST(ServerEventTest, WhatSettleWritesIsACostLikeAllOthers) {
  LeaseCost cost{"lea_1", Wish(), At(kNow - 5)};
  cost.wish.amount.nanos = 1'500'000'000;
  const std::string wire = EncodeServerEvent(cost, At(kNow));
  EventView view;
  const Status read = ReadEvent(wire, EventSource::kOutside, &view);
  ASSERT_TRUE(read.ok()) << read.error().message();
  EXPECT_EQ(view.kind, EventKind::kCost);
  EXPECT_EQ(view.time, At(kNow - 5));
  EXPECT_EQ(view.agent, "CMO");
  EXPECT_EQ(view.task_id, "t-7");
  EXPECT_EQ(view.environment, "staging");
  EXPECT_EQ(view.cost.amount.nanos, 1'500'000'000);
  EXPECT_EQ(view.cost.category, CostCategory::kModel);
  EXPECT_EQ(view.cost.lease_id, "lea_1");
  EXPECT_EQ(view.label_count, 2U);
}

TEST(ServerEventTest, QuarantineEnded) {
  const QuarantineEnded event{
      .origin = kOrigin, .sequence = Sequence{77}, .outcome = QuarantineOutcome::kDropped};
  const QuarantineEnded back = RoundTrip(event, EventKind::kQuarantineEnded);
  EXPECT_EQ(back.sequence, event.sequence);
  EXPECT_EQ(back.outcome, event.outcome);
}

TEST(ServerEventTest, NoticeResent) {
  const NoticeResent event{
      .origin = kOrigin, .notice_id = "ntc_1", .receiver = "ops", .sequence = Sequence{77}};
  const NoticeResent back = RoundTrip(event, EventKind::kNoticeResent);
  EXPECT_EQ(back.notice_id, "ntc_1");
  EXPECT_EQ(back.receiver, "ops");
  EXPECT_EQ(back.sequence, Sequence{77});
}

TEST(ServerEventTest, Exclusion) {
  const Exclusion event{.origin = kOrigin,
                        .id = "exc_1",
                        .slo = "task-success",
                        .from = Time(std::chrono::hours(5)),
                        .to = Time(std::chrono::hours(7)),
                        .note = "moved house",
                        .author = "ada",
                        .at = Time(std::chrono::hours(8)),
                        .withdrawn = true};
  const Exclusion back = RoundTrip(event, EventKind::kExclusion);
  EXPECT_EQ(back.id, event.id);
  EXPECT_EQ(back.slo, event.slo);
  EXPECT_EQ(back.from, event.from);
  EXPECT_EQ(back.to, event.to);
  EXPECT_EQ(back.note, event.note);
  EXPECT_EQ(back.author, event.author);
  EXPECT_EQ(back.at, event.at);
  EXPECT_TRUE(back.withdrawn);
}

TEST(ServerEventTest, ForecastIssued) {
  ForecastIssued event{
      .origin = kOrigin,
      .rule = "disk-will-fill",
      .labels = {{"service", "db"}, {"agent", ""}},
      .measure = "sample:disk_used",
      .currency_code = "",
      .at = Time(std::chrono::hours(9)),
      .history_end = Time(std::chrono::hours(8)),
      .step = std::chrono::hours(1),
      .history_steps = 72,
      .steps = {{95, 94, 96, 93, 97.5}, {96, 95, 97, 94, 98}},
      .model = "theta 60 %",
      .cannot_say = "",
      .question = "reaches 95 within 3d",
      .probability_ppb = 800'000'000,
      .times = {Time(std::chrono::hours(10)), Time(std::chrono::hours(12)), std::nullopt}};
  const ForecastIssued back = RoundTrip(event, EventKind::kForecastIssued);
  EXPECT_EQ(back.rule, event.rule);
  EXPECT_EQ(back.labels, event.labels);
  EXPECT_EQ(back.measure, event.measure);
  EXPECT_EQ(back.at, event.at);
  EXPECT_EQ(back.history_end, event.history_end);
  EXPECT_EQ(back.step, event.step);
  EXPECT_EQ(back.history_steps, 72U);
  EXPECT_EQ(back.steps, event.steps);
  EXPECT_EQ(back.model, event.model);
  EXPECT_EQ(back.question, event.question);
  EXPECT_EQ(back.probability_ppb, event.probability_ppb);
  EXPECT_EQ(back.times, event.times);
  event.steps.clear();
  event.cannot_say = "too short";
  EXPECT_EQ(RoundTrip(event, EventKind::kForecastIssued).cannot_say, "too short");
}

TEST(ServerEventTest, GapSkippedMayGoBack) {
  const GapSkipped event{.origin = kOrigin,
                         .topic = "t",
                         .partition = 3,
                         .from_offset = 1'000,
                         .to_offset = 0,
                         .problem = "the topic was made anew"};
  const GapSkipped back = RoundTrip(event, EventKind::kGapSkipped);
  EXPECT_EQ(back.topic, "t");
  EXPECT_EQ(back.partition, 3U);
  EXPECT_EQ(back.from_offset, 1'000U);
  EXPECT_EQ(back.to_offset, 0U);
  EXPECT_EQ(back.problem, event.problem);
}

TEST(ServerEventTest, Acknowledged) {
  const Acknowledged event{.origin = kOrigin,
                           .rule = "task-success",
                           .labels = {{"agent", "CMO"}},
                           .episode_id = "abc-12",
                           .note = "rolling back",
                           .author = "ada",
                           .at = At(kNow),
                           .fired_at = At(kNow - 1)};
  const Acknowledged back = RoundTrip(event, EventKind::kAcknowledged);
  EXPECT_EQ(back.rule, event.rule);
  EXPECT_EQ(back.labels, event.labels);
  EXPECT_EQ(back.episode_id, event.episode_id);
  EXPECT_EQ(back.note, event.note);
  EXPECT_EQ(back.author, event.author);
  EXPECT_EQ(back.at, event.at);
  EXPECT_EQ(back.fired_at, event.fired_at);
}

TEST(ServerEventTest, SilencedKeepsItsMatchersInOrder) {
  using Op = LabelMatcher::Op;
  const Silenced event{.origin = kOrigin,
                       .id = "sil_1",
                       .matchers = {{"rule", Op::kNotMatch, "a|b"}, {"agent", Op::kEqual, ""}},
                       .comment = "upgrade",
                       .author = "ada",
                       .starts_at = At(kNow),
                       .ends_at = At(kNow + 1),
                       .at = At(kNow - 1)};
  const Silenced back = RoundTrip(event, EventKind::kSilenced);
  EXPECT_EQ(back.id, event.id);
  EXPECT_EQ(back.matchers, event.matchers);
  EXPECT_EQ(back.comment, event.comment);
  EXPECT_EQ(back.author, event.author);
  EXPECT_EQ(back.starts_at, event.starts_at);
  EXPECT_EQ(back.ends_at, event.ends_at);
  EXPECT_EQ(back.at, event.at);
}

TEST(ServerEventTest, ASilenceBeginsAndEnds) {
  const SilenceBegan began{.origin = kOrigin, .id = "sil_1", .at = At(kNow)};
  EXPECT_EQ(RoundTrip(began, EventKind::kSilenceBegan).id, "sil_1");
  EXPECT_EQ(RoundTrip(began, EventKind::kSilenceBegan).at, At(kNow));
  const SilenceEnded ended{.origin = kOrigin, .id = "sil_1", .at = At(kNow)};
  EXPECT_EQ(RoundTrip(ended, EventKind::kSilenceEnded).id, "sil_1");
  EXPECT_EQ(RoundTrip(ended, EventKind::kSilenceEnded).at, At(kNow));
}

TEST(ServerEventTest, Escalated) {
  const Escalated event{.origin = kOrigin,
                        .escalation = "oncall",
                        .step = 2,
                        .receiver = "lead",
                        .group_receiver = "ops",
                        .group_key = "{}:{}",
                        .episode_ids = {"a-1", "b-2"},
                        .at = At(kNow)};
  const Escalated back = RoundTrip(event, EventKind::kEscalated);
  EXPECT_EQ(back.escalation, event.escalation);
  EXPECT_EQ(back.step, event.step);
  EXPECT_EQ(back.receiver, event.receiver);
  EXPECT_EQ(back.group_receiver, event.group_receiver);
  EXPECT_EQ(back.group_key, event.group_key);
  EXPECT_EQ(back.episode_ids, event.episode_ids);
  EXPECT_EQ(back.at, event.at);
}

TEST(ServerEventTest, FlapChanged) {
  const FlapChanged event{.origin = kOrigin,
                          .rule = "r",
                          .labels = {{"agent", "a"}},
                          .episode_id = "a-1",
                          .flapping = true,
                          .at = At(kNow),
                          .fires = 5};
  const FlapChanged back = RoundTrip(event, EventKind::kFlapChanged);
  EXPECT_EQ(back.rule, event.rule);
  EXPECT_EQ(back.labels, event.labels);
  EXPECT_EQ(back.episode_id, event.episode_id);
  EXPECT_TRUE(back.flapping);
  EXPECT_EQ(back.at, event.at);
  EXPECT_EQ(back.fires, 5U);
}

TEST(ServerEventTest, EqualValuesGiveEqualBytesHoweverManyLabelsThereAre) {
  AlertTransition event{.rule = "r"};
  for (int i = 0; i < 100; ++i) event.labels["label-" + std::to_string(i * 37 % 100)] = "v";
  const std::string wire = EncodeServerEvent(event, At(kNow));
  AlertTransition again{.rule = "r"};
  for (int i = 99; i >= 0; --i) again.labels["label-" + std::to_string(i)] = "v";
  EXPECT_EQ(EncodeServerEvent(again, At(kNow)), wire);
  // In order, so that no hash seed of another process or version shows in the bytes.
  EXPECT_LT(wire.find("label-10"), wire.find("label-11"));
  EXPECT_LT(wire.find("label-98"), wire.find("label-99"));
}

TEST(ServerEventTest, BytesThatAreNoTextAreStoredReadable) {
  const Delivery event{.detail = "502 \xFF from upstream"};
  const Result<ServerEvent> back = DecodeServerEvent(Viewed(EncodeServerEvent(event, At(kNow))));
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(std::get<Delivery>(*back).detail, "502 \xEF\xBF\xBD from upstream");
}

TEST(ServerEventTest, ServerEventsAreRefusedFromOutside) {
  EventView view;
  const std::string wire = EncodeServerEvent(Resumed{}, At(kNow));
  EXPECT_FALSE(ReadEvent(wire, EventSource::kOutside, &view).ok());
}

TEST(ServerEventTest, WhatThisVersionDoesNotKnowStopsAFold) {
  const auto stops = [](EventKind kind, std::string_view body, ErrorCode code) {
    EventView view;
    view.kind = kind;
    view.body = body;
    const Result<ServerEvent> event = DecodeServerEvent(view);
    ASSERT_FALSE(event.ok());
    EXPECT_EQ(event.error().code(), code) << event.error().message();
  };
  stops(static_cast<EventKind>(32), "", ErrorCode::kFailedPrecondition);
  stops(static_cast<EventKind>(99), "", ErrorCode::kFailedPrecondition);
  stops(EventKind::kTask, "", ErrorCode::kFailedPrecondition);
  stops(EventKind::kResumed, "\x0A\x05", ErrorCode::kCorruption);
  stops(EventKind::kAlertTransition, "\x20\x05", ErrorCode::kFailedPrecondition);  // from = 5
  stops(EventKind::kAlertTransition, "\x40\x05", ErrorCode::kFailedPrecondition);  // severity = 5
  stops(EventKind::kNoticeDecided, "\x40\x05", ErrorCode::kFailedPrecondition);
  stops(EventKind::kDelivery, "\x20\x05", ErrorCode::kFailedPrecondition);
  stops(EventKind::kQuarantineEnded, "\x18\x03", ErrorCode::kFailedPrecondition);   // outcome = 3
  stops(EventKind::kSilenced, "\x1A\x02\x10\x05", ErrorCode::kFailedPrecondition);  // op = 5
}

TEST(ServerEventTest, StatesAndOutcomesAreNamedInLowerCase) {
  EXPECT_EQ(Name(AlertState::kUnspecified), "");
  EXPECT_EQ(Name(AlertState::kInactive), "inactive");
  EXPECT_EQ(Name(AlertState::kPending), "pending");
  EXPECT_EQ(Name(AlertState::kFiring), "firing");
  EXPECT_EQ(Name(AlertState::kResolved), "resolved");
  EXPECT_EQ(Name(DeliveryOutcome::kUnspecified), "");
  EXPECT_EQ(Name(DeliveryOutcome::kDelivered), "delivered");
  EXPECT_EQ(Name(DeliveryOutcome::kSuperseded), "superseded");
  EXPECT_EQ(Name(DeliveryOutcome::kDead), "dead");
  EXPECT_EQ(Name(DeliveryOutcome::kDropped), "dropped");
  EXPECT_EQ(Name(QuarantineOutcome::kUnspecified), "");
  EXPECT_EQ(Name(QuarantineOutcome::kRetried), "retried");
  EXPECT_EQ(Name(QuarantineOutcome::kDropped), "dropped");
}

}  // namespace
}  // namespace barograph::storage
