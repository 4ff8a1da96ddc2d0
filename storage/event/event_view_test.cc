// Method: events are written as protobuf text where protobuf can say them, and byte by byte where
// it cannot; the view or the refusal is all that is looked at. event_view_fuzz.cc compares the
// readings of random bytes with protobuf's.
#include "storage/event/event_view.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <deque>

#include "barograph/v1/event.pb.h"
#include "storage/base/bytes.h"

namespace barograph::storage {
namespace {

using ::testing::HasSubstr;

std::string Wire(const std::string& text) {
  v1::Event event;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &event)) << text;
  return event.SerializeAsString();
}

std::string VarintField(std::uint32_t number, std::uint64_t value) {
  std::string bytes;
  ByteWriter writer(&bytes);
  writer.Varint(number << 3);
  writer.Varint(value);
  return bytes;
}

std::string BytesField(std::uint32_t number, std::string_view value) {
  std::string bytes;
  ByteWriter writer(&bytes);
  writer.Varint(number << 3 | 2);
  writer.String(value);
  return bytes;
}

// An event that is good by itself.
std::string Good() { return Wire("id: 'x' request { ok: true }"); }

// Keeps the bytes, into which the view points, as long as the tests run.
void ExpectAccepted(std::string wire, EventView* view) {
  static std::deque<std::string> kept;
  kept.push_back(std::move(wire));
  const Status status = ReadEvent(kept.back(), EventSource::kOutside, view);
  ASSERT_TRUE(status.ok()) << status.error().message();
}

void ExpectRefused(std::string_view wire, std::string_view message) {
  EventView view;
  const Status status = ReadEvent(wire, EventSource::kOutside, &view);
  ASSERT_FALSE(status.ok()) << "accepted; expected: " << message;
  EXPECT_EQ(status.error().code(), ErrorCode::kInvalidArgument);
  EXPECT_THAT(status.error().message(), HasSubstr(message));
}

const auto accepts = [](const std::string& text) {
  SCOPED_TRACE(text);
  EventView view;
  ExpectAccepted(Wire(text), &view);
};
const auto refuses = [](const std::string& text, std::string_view message) {
  SCOPED_TRACE(text);
  ExpectRefused(Wire(text), message);
};
const auto refuses_bytes = [](std::string_view wire, std::string_view message) {
  SCOPED_TRACE(message);
  ExpectRefused(wire, message);
};

Time At(std::int64_t seconds, std::int64_t nanos = 0) {
  return Time(std::chrono::seconds(seconds) + Duration(nanos));
}

TEST(EventHeadTest, EveryFieldOfTheHeadIsRead) {
  const std::string wire = Wire(R"pb(
    id: "01936b2e"
    time { seconds: 1795254700 nanos: 250000000 }
    agent: "CMO"
    task_id: "t-1"
    environment: "staging"
    trace_id: "4bf92f3577b34da6a3ce929d0e0e4736"
    count: 12
    request { ok: true })pb");
  EventView view;
  ExpectAccepted(wire, &view);
  EXPECT_EQ(view.wire, wire);
  EXPECT_EQ(view.id, "01936b2e");
  EXPECT_TRUE(view.has_time);
  EXPECT_EQ(view.time, At(1'795'254'700, 250'000'000));
  EXPECT_EQ(view.agent, "CMO");
  EXPECT_EQ(view.task_id, "t-1");
  EXPECT_EQ(view.environment, "staging");
  EXPECT_EQ(view.trace_id, "4bf92f3577b34da6a3ce929d0e0e4736");
  EXPECT_EQ(view.count, 12U);
  EXPECT_EQ(view.kind, EventKind::kRequest);
}

TEST(EventHeadTest, AViewThatIsReusedKeepsNothingOfTheEventBefore) {
  EventView view;
  ExpectAccepted(
      Wire("id: 'x' agent: 'a' task_id: 't' environment: 'e' trace_id: 'r' count: 3"
           " time { seconds: 1795254700 } labels { key: 'k' value: 'v' }"
           " task { status: FAILED type: 'y' quality: 0.5 value { currency_code: 'USD' } }"),
      &view);
  ExpectAccepted(Wire("task { status: COMPLETED }"), &view);
  EXPECT_EQ(view.id, "");
  EXPECT_EQ(view.agent, "");
  EXPECT_EQ(view.task_id, "");
  EXPECT_EQ(view.environment, "");
  EXPECT_EQ(view.trace_id, "");
  EXPECT_EQ(view.count, 1U);
  EXPECT_FALSE(view.has_time);
  EXPECT_EQ(view.label_count, 0);
  EXPECT_EQ(view.task.type, "");
  EXPECT_FALSE(view.task.has_quality);
  EXPECT_FALSE(view.task.value.present);
}

TEST(EventHeadTest, AnEmptyCountIsOne) {
  EventView view;
  ExpectAccepted(Good(), &view);
  EXPECT_EQ(view.count, 1U);
  ExpectAccepted(Good() + VarintField(8, 0), &view);
  EXPECT_EQ(view.count, 1U);
}

TEST(EventHeadTest, LimitsOfTheHeadAreKept) {
  const auto text = [](const char* field, std::size_t size) {
    return std::string(field) + ": '" + std::string(size, 'a') + "' request {}";
  };
  accepts(text("id", 128));
  refuses(text("id", 129), "id: 129 bytes; at most 128");
  for (const char* field : {"agent", "task_id", "environment", "trace_id"}) {
    accepts(text(field, 256));
    refuses(text(field, 257), std::string(field) + ": 257 bytes; at most 256");
  }
  accepts("count: 1000000000 request {}");
  refuses("count: 1000000001 request {}", "count: 1000000001 is out of range; 0 to 1000000000");
}

TEST(EventHeadTest, TimesThatAreUnitMistakesAreRefused) {
  accepts("time { seconds: 631152000 } request {}");
  accepts("time { seconds: 7258118400 nanos: 999999999 } request {}");
  refuses("time { seconds: 631151999 } request {}", "time: 631151999 s since 1970 is out of range");
  refuses("time { seconds: 7258118401 } request {}", "out of range; 1990 to 2200");
  refuses("time { seconds: 1795254700000 } request {}", "out of range; 1990 to 2200");
  refuses("time { seconds: 253402300799 } request {}", "out of range; 1990 to 2200");
  refuses("time {} request {}", "time: 0 s since 1970 is out of range");
  refuses("time { seconds: -9223372036854775808 } request {}", "out of range");
  refuses("time { seconds: 1795254700 nanos: 1000000000 } request {}", "time: 1000000000 ns");
  refuses("time { seconds: 1795254700 nanos: -1 } request {}", "time: -1 ns");
}

TEST(EventKindTest, AnEventHasExactlyOneKind) {
  refuses("id: 'x'", "kind: missing");
  refuses_bytes("", "kind: missing");
  refuses_bytes(Good() + Wire("error {}"), "error: a kind beside request");
  refuses_bytes(Good() + Wire("request {}"), "request: a kind beside request");
}

TEST(EventKindTest, KindsOfTheServerAreRefusedFromOutside) {
  refuses("config_applied {}", "config_applied: made by the server alone");
  refuses("import_ended {}", "import_ended: made by the server alone");
  refuses("quarantined {}", "quarantined: made by the server alone");
  refuses("gap_skipped {}", "gap_skipped: made by the server alone");
  refuses("quarantine_ended {}", "quarantine_ended: made by the server alone");
  refuses_bytes(Good() + Wire("resumed {}"), "resumed: made by the server alone");
  refuses_bytes(Good() + BytesField(32, ""), "field 32: made by the server alone");
  refuses_bytes(BytesField(99, ""), "field 99: made by the server alone");
}

TEST(LabelTest, LabelsAreSortedByName) {
  std::string wire = Good();
  for (const char* name : {"team", "a", "mode", "zone", "b"}) {
    wire += BytesField(5, BytesField(1, name) + BytesField(2, std::string("v-") + name));
  }
  EventView view;
  ExpectAccepted(wire, &view);
  ASSERT_EQ(view.label_count, 5);
  const std::string_view sorted[] = {"a", "b", "mode", "team", "zone"};
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(view.labels[i].name, sorted[i]);
    EXPECT_EQ(view.labels[i].value, "v-" + std::string(sorted[i]));
  }
}

TEST(LabelTest, LabelsThatCannotBeToldApartAreRefused) {
  const auto label = [](std::string_view entry) { return Good() + BytesField(5, entry); };
  const std::string mode = BytesField(5, BytesField(1, "mode"));
  EventView view;
  ExpectAccepted(label(BytesField(1, "mode")), &view);
  EXPECT_EQ(view.labels[0].value, "");
  ExpectAccepted(label(BytesField(2, "v") + BytesField(1, "k")), &view);
  EXPECT_EQ(view.labels[0].name, "k");
  refuses_bytes(Good() + mode + BytesField(5, BytesField(1, "x")) + mode,
                "labels: 'mode' is set twice");
  refuses_bytes(label(""), "labels: a label has no name");
  refuses_bytes(label(BytesField(2, "v")), "labels: a label has no name");
  refuses_bytes(label(BytesField(1, "a") + BytesField(1, "b")), "labels.key: set twice");
  refuses_bytes(label(BytesField(1, "a") + BytesField(2, "b") + BytesField(2, "b")),
                "labels.value: set twice");
  refuses_bytes(label(BytesField(1, std::string(257, 'a'))), "labels.key: 257 bytes; at most 256");
  refuses_bytes(label(BytesField(1, "a") + BytesField(2, std::string(257, 'a'))),
                "labels.value: 257 bytes");
  refuses_bytes(label(BytesField(1, "\xFF")), "labels.key: not valid UTF-8");
}

TEST(LabelTest, ThereAreAtMostThirtyTwoLabels) {
  std::string wire = Good();
  for (int i = 0; i < 32; ++i) wire += BytesField(5, BytesField(1, "label-" + std::to_string(i)));
  EventView view;
  ExpectAccepted(wire, &view);
  EXPECT_EQ(view.label_count, 32);
  refuses_bytes(wire + BytesField(5, BytesField(1, "one more")), "labels: too many; at most 32");
}

TEST(TaskTest, EveryFieldIsRead) {
  const std::string wire = Wire(R"pb(
    task {
      status: COMPLETED
      type: "development"
      priority: HIGH
      risk: LOW
      estimated_cost { currency_code: "USD" units: 1 nanos: 500000000 }
      actual_cost { currency_code: "EUR" units: 2 }
      value { currency_code: "JPY" nanos: 1 }
      estimated_cost_text: "150_anthropic_credits"
      business_value: "high"
      dependencies: "a"
      dependencies: "b"
      deadline { seconds: 1795254700 }
      estimated_duration { seconds: 60 }
      duration { seconds: 61 nanos: 5 }
      success_metrics: "m"
      success_metrics_achieved: "n"
      evidence: "e"
      parent_task_id: "p"
      attempt: 3
      quality: 0.75
      reason: "done"
    })pb");
  EventView view;
  ExpectAccepted(wire, &view);
  ASSERT_EQ(view.kind, EventKind::kTask);
  const TaskView& task = view.task;
  EXPECT_EQ(task.status, TaskStatus::kCompleted);
  EXPECT_EQ(task.type, "development");
  EXPECT_EQ(task.priority, Level::kHigh);
  EXPECT_EQ(task.risk, Level::kLow);
  EXPECT_TRUE(task.estimated_cost.present);
  EXPECT_EQ(task.estimated_cost.nanos, 1'500'000'000);
  EXPECT_EQ(task.estimated_cost.currency.code(), "USD");
  EXPECT_EQ(task.actual_cost.nanos, 2'000'000'000);
  EXPECT_EQ(task.actual_cost.currency.code(), "EUR");
  EXPECT_EQ(task.value.nanos, 1);
  EXPECT_EQ(task.estimated_cost_text, "150_anthropic_credits");
  EXPECT_EQ(task.business_value, "high");
  EXPECT_TRUE(task.has_deadline);
  EXPECT_EQ(task.deadline, At(1'795'254'700));
  EXPECT_EQ(task.estimated_duration, std::chrono::seconds(60));
  EXPECT_TRUE(task.has_duration);
  EXPECT_EQ(task.duration, Duration(61'000'000'005));
  EXPECT_EQ(task.parent_task_id, "p");
  EXPECT_EQ(task.attempt, 3U);
  EXPECT_TRUE(task.has_quality);
  EXPECT_EQ(task.quality, 0.75);
  EXPECT_EQ(task.reason, "done");
}

TEST(TaskTest, OnlyTheStatusIsRequired) {
  accepts("task { status: STARTED }");
  refuses("task { type: 'development' }", "task.status: missing");
  refuses_bytes(BytesField(10, VarintField(1, 7)), "task.status: 7 is out of range; 0 to 6");
  refuses_bytes(BytesField(10, VarintField(1, 257)), "task.status: 257 is out of range");
  refuses_bytes(BytesField(10, VarintField(1, ~std::uint64_t{0})),
                "task.status: 18446744073709551615");
}

TEST(TaskTest, QualityIsAShareFromZeroToOne) {
  accepts("task { status: COMPLETED quality: 0 }");
  accepts("task { status: COMPLETED quality: 1 }");
  refuses("task { status: COMPLETED quality: -0.1 }", "task.quality: -0.1");
  refuses("task { status: COMPLETED quality: 1.5 }", "task.quality: 1.5 is out of range; 0 to 1");
  refuses("task { status: COMPLETED quality: nan }", "task.quality: nan");
  refuses("task { status: COMPLETED quality: inf }", "task.quality: inf");
}

TEST(TaskTest, FreeTextsAreNeverRefusedForTheirContent) {
  accepts("task { status: STARTED estimated_cost_text: '150_anthropic_credits' }");
  accepts("task { status: STARTED business_value: 'sehr hoch \\360\\237\\214\\251' }");
  accepts("task { status: BLOCKED reason: '\\000\\001\\n; DROP TABLE' }");
  const std::string long_text(16 * 1024, 'a');
  accepts("task { status: BLOCKED reason: '" + long_text + "' }");
  refuses("task { status: BLOCKED reason: '" + long_text + "a' }",
          "task.reason: 16385 bytes; at most 16384");
}

TEST(TaskTest, ListsHaveAtMost256ItemsEach) {
  const std::string status = VarintField(1, 1);
  const std::pair<std::uint32_t, std::string> lists[] = {{10, "dependencies"},
                                                         {14, "success_metrics"},
                                                         {15, "success_metrics_achieved"},
                                                         {16, "evidence"}};
  std::string all = status;
  for (const auto& [number, name] : lists) {
    std::string items;
    for (int i = 0; i < 256; ++i) items += BytesField(number, "item");
    all += items;
    refuses_bytes(BytesField(10, status + items + BytesField(number, "")),
                  "task." + name + ": too many items; at most 256");
    refuses_bytes(BytesField(10, status + BytesField(number, "\xC3")),
                  "task." + name + ": not valid UTF-8");
  }
  EventView view;
  ExpectAccepted(BytesField(10, all), &view);
}

TEST(MoneyFieldTest, AmountsAreExactAndAtLeastZero) {
  const auto amount = [](std::string_view money) {
    return "payment { type: CHARGE amount { " + std::string(money) + " } }";
  };
  accepts(amount("currency_code: 'USD'"));
  accepts(amount("currency_code: 'USD' units: 9200000000"));
  accepts(amount("currency_code: 'USD' nanos: 999999999"));
  refuses(amount("currency_code: 'USD' units: -1"),
          "payment.amount: -1 USD is negative; amounts are >= 0");
  refuses(amount("currency_code: 'USD' nanos: -1"), "payment.amount: -0.000000001 USD is negative");
  refuses(amount("currency_code: 'USD' units: 9200000000 nanos: 1"),
          "payment.amount: 9200000000.000000001 USD is out of range; at most 9200000000 units");
  refuses(amount("currency_code: 'USD' units: 9223372036854775807"), "out of range");
  refuses(amount("currency_code: 'USD' units: -9223372036854775808"), "negative");
  refuses(amount("currency_code: 'USD' units: 1 nanos: -1"),
          "payment.amount: 1 units and -1 nanos differ in sign");
  refuses(amount("currency_code: 'USD' units: -1 nanos: 1"), "differ in sign");
  refuses(amount("currency_code: 'USD' nanos: 1000000000"),
          "payment.amount.nanos: 1000000000 is out of range");
  refuses(amount("currency_code: 'USD' nanos: -1000000000"),
          "payment.amount.nanos: -1000000000 is out of range");
  for (const char* code : {"", "usd", "US", "USDT", "U$D"}) {
    refuses(amount("units: 1 currency_code: '" + std::string(code) + "'"),
            "payment.amount.currency_code: '");
  }
}

TEST(MoneyFieldTest, NanosOutsideOf32BitsAreNotCutToThem) {
  const std::string money = BytesField(1, "USD") + VarintField(3, (std::uint64_t{1} << 32) + 5);
  refuses_bytes(BytesField(12, VarintField(1, 1) + BytesField(2, money)),
                "payment.amount.nanos: 4294967301");
}

TEST(DurationFieldTest, DurationsAreAtLeastZeroAndAtMostAHundredYears) {
  accepts("request { duration {} }");
  accepts("request { duration { seconds: 3155760000 } }");
  refuses("request { duration { seconds: -1 } }", "request.duration: -1 s is out of range");
  refuses("request { duration { nanos: -1 } }", "request.duration: -1 ns is out of range");
  refuses("request { duration { nanos: 1000000000 } }", "request.duration: 1000000000 ns");
  refuses("request { duration { seconds: 3155760001 } }", "request.duration: 3155760001 s");
  refuses("task { status: STARTED estimated_duration { seconds: -1 } }",
          "task.estimated_duration: -1 s");
}

TEST(CostTest, EveryFieldIsRead) {
  EventView view;
  const std::string wire = Wire(R"pb(
    cost {
      category: MODEL
      tokens { input: 100 output: 50 cache_read: 30 cache_write: 20 reasoning: 10 }
      provider: "openai"
      model: "gpt-4o"
      lease_id: "l-1"
      covers_from { seconds: 1795254700 }
      covers_to { seconds: 1795254701 }
    })pb");
  ExpectAccepted(wire, &view);
  ASSERT_EQ(view.kind, EventKind::kCost);
  const CostView& cost = view.cost;
  EXPECT_EQ(cost.category, CostCategory::kModel);
  EXPECT_TRUE(cost.has_tokens);
  EXPECT_EQ(cost.input, 100U);
  EXPECT_EQ(cost.output, 50U);
  EXPECT_EQ(cost.cache_read, 30U);
  EXPECT_EQ(cost.cache_write, 20U);
  EXPECT_EQ(cost.reasoning, 10U);
  EXPECT_EQ(cost.provider, "openai");
  EXPECT_EQ(cost.model, "gpt-4o");
  EXPECT_EQ(cost.lease_id, "l-1");
  EXPECT_TRUE(cost.has_covers_from && cost.has_covers_to);
  EXPECT_EQ(cost.covers_from, At(1'795'254'700));
  EXPECT_EQ(cost.covers_to, At(1'795'254'701));
  EXPECT_FALSE(cost.amount.present);

  const std::string hours = Wire("cost { quantity: '1.5' unit: 'hour' }");
  ExpectAccepted(hours, &view);
  EXPECT_EQ(view.cost.quantity, "1.5");
  EXPECT_EQ(view.cost.unit, "hour");
  EXPECT_FALSE(view.cost.has_tokens);
}

TEST(CostTest, ExactlyOneOfAmountTokensAndQuantitySaysWhatWasSpent) {
  const std::string usd = "amount { currency_code: 'USD' units: 1 } ";
  accepts("cost { " + usd + "}");
  accepts("cost { tokens {} }");
  accepts("cost { quantity: '1' unit: 'credit' }");
  refuses("cost {}", "cost: 0 of amount, tokens and quantity are set");
  refuses("cost { unit: 'hour' }", "cost: 0 of amount");
  refuses("cost { " + usd + "tokens { input: 1 } }", "cost: 2 of amount");
  refuses("cost { tokens {} quantity: '1' unit: 'hour' }", "cost: 2 of amount");
  refuses("cost { " + usd + "tokens {} quantity: '1' unit: 'hour' }", "cost: 3 of amount");
}

TEST(CostTest, TokensIncludeTheirParts) {
  accepts("cost { tokens { input: 5 cache_read: 3 cache_write: 2 output: 4 reasoning: 4 } }");
  refuses("cost { tokens { input: 4 cache_read: 3 cache_write: 2 } }",
          "cost.tokens.input: 4 is less than its cached part, 5");
  refuses("cost { tokens { output: 4 reasoning: 5 } }",
          "cost.tokens.output: 4 is less than its reasoning part, 5");
  accepts("cost { tokens { input: 1000000000000 } }");
  refuses("cost { tokens { input: 1000000000001 } }",
          "cost.tokens.input: 1000000000001 is out of range");
  refuses("cost { tokens { cache_read: 18446744073709551615 } }", "cost.tokens.cache_read: ");
}

TEST(CostTest, AQuantityIsADecimalNumberWithAUnit) {
  const auto quantity = [](const std::string& text) {
    return "cost { unit: 'h' quantity: '" + text + "' }";
  };
  accepts(quantity("0"));
  accepts(quantity("0.00000000000000000000001"));
  accepts(quantity("9200000000"));
  accepts(quantity("1.5e-3"));
  refuses(quantity("9200000001"), "cost.quantity: '9200000001' is out of range");
  refuses(quantity("-1"), "cost.quantity: '-1' is out of range");
  refuses(quantity("1,5"), "cost.quantity: '1,5' is no decimal number");
  refuses(quantity("lots"), "cost.quantity: 'lots' is no decimal number");
  refuses("cost { quantity: '1' }", "cost.unit: missing");
}

TEST(CostTest, ASpanDoesNotEndBeforeItBegins) {
  const auto span = [](const char* from, const char* to) {
    return "cost { tokens {} covers_from { seconds: " + std::string(from) +
           " } covers_to { seconds: " + to + " } }";
  };
  accepts(span("1795254700", "1795254700"));
  refuses(span("1795254701", "1795254700"),
          "cost.covers_to: 2026-11-21T09:51:40Z is before covers_from");
}

TEST(PaymentTest, EveryFieldIsReadAndTypeAndAmountAreRequired) {
  const std::string wire = Wire(R"pb(
    payment {
      type: DISPUTE_WON
      amount { currency_code: "USD" units: 19 nanos: 990000000 }
      customer: "c"
      product: "p"
      external_id: "x"
    })pb");
  EventView view;
  ExpectAccepted(wire, &view);
  EXPECT_EQ(view.payment.type, PaymentType::kDisputeWon);
  EXPECT_EQ(view.payment.amount.nanos, 19'990'000'000);
  EXPECT_EQ(view.payment.customer, "c");
  EXPECT_EQ(view.payment.product, "p");
  EXPECT_EQ(view.payment.external_id, "x");
  refuses("payment { amount { currency_code: 'USD' } }", "payment.type: missing");
  refuses("payment { type: CHARGE }", "payment.amount: missing");
  refuses_bytes(BytesField(12, VarintField(1, 7)), "payment.type: 7 is out of range");
}

TEST(ErrorTest, EveryFieldIsReadAndNoneIsRequired) {
  const std::string wire =
      Wire("error { severity: CRITICAL service: 's' code: 'c' message: 'm' fingerprint: 'f' }");
  EventView view;
  ExpectAccepted(wire, &view);
  EXPECT_EQ(view.error.severity, Severity::kCritical);
  EXPECT_EQ(view.error.service, "s");
  EXPECT_EQ(view.error.code, "c");
  EXPECT_EQ(view.error.message, "m");
  EXPECT_EQ(view.error.fingerprint, "f");
  accepts("error {}");
  refuses_bytes(BytesField(13, VarintField(1, 5)), "error.severity: 5 is out of range; 0 to 4");
}

TEST(RequestTest, EveryFieldIsReadAndNoneIsRequired) {
  const std::string wire = Wire(
      "request { service: 's' route: '/r' duration { nanos: 7 } ok: true status_code: '200' }");
  EventView view;
  ExpectAccepted(wire, &view);
  EXPECT_EQ(view.request.service, "s");
  EXPECT_EQ(view.request.route, "/r");
  EXPECT_TRUE(view.request.has_duration);
  EXPECT_EQ(view.request.duration, Duration(7));
  EXPECT_TRUE(view.request.ok);
  EXPECT_EQ(view.request.status_code, "200");
  ExpectAccepted(Wire("request {}"), &view);
  EXPECT_FALSE(view.request.ok);
  EXPECT_FALSE(view.request.has_duration);
  refuses_bytes(BytesField(14, VarintField(4, 2)), "request.ok: 2 is out of range; 0 to 1");
}

TEST(SampleTest, EveryFieldIsReadAndNameTypeAndAFiniteValueAreRequired) {
  const std::string wire =
      Wire("sample { name: 'disk' value: -1.5 unit: '%' service: 's' type: CUMULATIVE }");
  EventView view;
  ExpectAccepted(wire, &view);
  EXPECT_EQ(view.sample.name, "disk");
  EXPECT_EQ(view.sample.value, -1.5);
  EXPECT_EQ(view.sample.unit, "%");
  EXPECT_EQ(view.sample.service, "s");
  EXPECT_EQ(view.sample.type, SampleType::kCumulative);
  accepts("sample { name: 'a' type: GAUGE }");
  accepts("sample { name: 'a' type: GAUGE value: 9.2e9 }");
  refuses("sample { type: GAUGE }", "sample.name: missing");
  refuses("sample { name: 'a' }", "sample.type: missing");
  for (const char* value : {"nan", "inf", "-inf", "9.3e9", "-9.3e9"}) {
    refuses("sample { name: 'a' type: GAUGE value: " + std::string(value) + " }", "sample.value: ");
  }
}

TEST(ActivityTest, EveryFieldIsReadAndTheNameIsRequired) {
  const std::string wire =
      Wire("activity { name: 'signup' subject: 'u' session: 's' phase: 'p' state: ABANDONED }");
  EventView view;
  ExpectAccepted(wire, &view);
  EXPECT_EQ(view.activity.name, "signup");
  EXPECT_EQ(view.activity.subject, "u");
  EXPECT_EQ(view.activity.session, "s");
  EXPECT_EQ(view.activity.phase, "p");
  EXPECT_EQ(view.activity.state, ActivityState::kAbandoned);
  refuses("activity { state: DONE }", "activity.name: missing");
}

TEST(ChangeTest, EveryFieldIsReadAndNoneIsRequired) {
  const std::string wire = Wire(
      "change { type: CHECK service: 's' version: 'v' state: ENDED actor: 'a' note: 'n' severity: "
      "INFO"
      " external_id: 'x' audience: 'customers' }");
  EventView view;
  ExpectAccepted(wire, &view);
  EXPECT_EQ(view.change.type, ChangeType::kCheck);
  EXPECT_EQ(view.change.service, "s");
  EXPECT_EQ(view.change.version, "v");
  EXPECT_EQ(view.change.state, ChangeState::kEnded);
  EXPECT_EQ(view.change.actor, "a");
  EXPECT_EQ(view.change.note, "n");
  EXPECT_EQ(view.change.severity, Severity::kInfo);
  EXPECT_EQ(view.change.external_id, "x");
  EXPECT_EQ(view.change.audience, "customers");
  accepts("change {}");
}

TEST(FeedbackTest, EveryFieldIsReadAndScoresAreFinite) {
  const std::string wire =
      Wire("feedback { type: SURVEY score: 0 scale: 10 customer: 'c' product: 'p' text: 't' }");
  EventView view;
  ExpectAccepted(wire, &view);
  EXPECT_EQ(view.feedback.type, FeedbackType::kSurvey);
  EXPECT_TRUE(view.feedback.has_score);
  EXPECT_EQ(view.feedback.score, 0);
  EXPECT_EQ(view.feedback.scale, 10);
  EXPECT_EQ(view.feedback.customer, "c");
  EXPECT_EQ(view.feedback.product, "p");
  EXPECT_EQ(view.feedback.text, "t");
  ExpectAccepted(Wire("feedback {}"), &view);
  EXPECT_FALSE(view.feedback.has_score);
  refuses("feedback { score: nan }", "feedback.score: nan");
  refuses("feedback { score: inf }", "feedback.score: inf");
  refuses("feedback { scale: -1 }", "feedback.scale: -1");
  refuses("feedback { scale: nan }", "feedback.scale: nan");
}

TEST(StrictnessTest, WhatProtobufWouldMergeIsRefused) {
  refuses_bytes(Good() + BytesField(1, "x"), "id: set twice");
  refuses_bytes(Good() + VarintField(8, 1) + VarintField(8, 1), "count: set twice");
  const std::string time = BytesField(2, VarintField(1, 1'795'254'700));
  refuses_bytes(Good() + time + time, "time: set twice");
  refuses_bytes(Good() + BytesField(2, VarintField(1, 1) + VarintField(1, 1'795'254'700)),
                "time.seconds: set twice");
  const std::string usd = BytesField(1, "USD");
  refuses_bytes(BytesField(12, VarintField(1, 1) + BytesField(2, usd) + BytesField(2, usd)),
                "payment.amount: set twice");
  refuses_bytes(BytesField(12, VarintField(1, 1) + BytesField(2, usd + usd)),
                "payment.amount.currency_code: set twice");
  refuses_bytes(BytesField(11, BytesField(3, VarintField(1, 5) + VarintField(1, 5))),
                "cost.tokens.input: set twice");
}

TEST(StrictnessTest, FieldsInAnyOrderAreReadAlike) {
  EventView view;
  const std::string nanos_first = VarintField(2, 5) + VarintField(1, 1'795'254'700);
  ExpectAccepted(BytesField(2, nanos_first) + Good(), &view);
  EXPECT_EQ(view.time, At(1'795'254'700, 5));
}

TEST(StrictnessTest, WrongWireTypesOfKnownFieldsAreRefused) {
  refuses_bytes(Good() + VarintField(3, 1), "agent: field 3 has wire type 0; it is of type 2");
  refuses_bytes(Good() + BytesField(8, "x"), "count: field 8 has wire type 2; it is of type 0");
  refuses_bytes(Good() + std::string("\x45\0\0\0\0", 5), "count: field 8 has wire type 5");
  refuses_bytes(Good() + std::string("\x12", 1), "time: cut off");
  refuses_bytes(BytesField(14, BytesField(4, "x")), "request.ok: field 4 has wire type 2");
  refuses_bytes(VarintField(30, 1) + Good(), "field 30 has wire type 0");
}

TEST(StrictnessTest, BrokenBytesAreRefused) {
  const std::string good = Good();
  refuses_bytes(good + std::string("\x00", 1), "wire: field 0");
  refuses_bytes(good + std::string("\x02\x00", 2), "wire: field 0");
  refuses_bytes(good + "\x1B", "agent: field 3 has wire type 3");  // a group under a known number
  refuses_bytes(good + "\xA3\x06\xA4\x06", "wire: field 100 is a group");
  refuses_bytes(good + "\xA4\x06", "wire: field 100 is a group");
  refuses_bytes(good + "\xA6\x06", "wire: field 100 is cut off or of a wire type that is none");
  refuses_bytes(good + "\xA7\x06", "wire: field 100 is cut off or of a wire type that is none");
  refuses_bytes(good + "\x9A", "wire: broken tag");
  refuses_bytes(good + std::string("\x9A\x00", 2) + std::string("\x00", 1),
                "wire: broken tag");                                 // longer than needed
  refuses_bytes(good + "\xFF\xFF\xFF\xFF\x7F", "wire: broken tag");  // above 32 bits
  refuses_bytes(good + "\x1A", "agent: cut off");
  refuses_bytes(good +
                    "\x1A\x05"
                    "abc",
                "agent: cut off");
  refuses_bytes(good + std::string("\x1A\x80\x00", 3), "agent: cut off or of a broken length");
  refuses_bytes(good + "\x1A\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01", "agent: cut off");
  refuses_bytes(good + "\x40", "count: broken integer");
  refuses_bytes(good + "\x40\x80", "count: broken integer");
  refuses_bytes(good + "\x40" + std::string(10, '\x80') + "\x01", "count: broken integer");
  refuses_bytes(good + "\x40" + std::string(9, '\x80') + "\x02", "count: broken integer");
  refuses_bytes(BytesField(15, std::string("\x11\0\0\0\0", 5)), "sample.value: cut off");
}

TEST(StrictnessTest, IntegersLongerThanNeededAreReadAsProtobufReadsThem) {
  EventView view;
  ExpectAccepted(Good() + std::string("\x40\x85\x80\x00", 4), &view);
  EXPECT_EQ(view.count, 5U);
}

TEST(StrictnessTest, TextsMustBeUtf8) {
  accepts("agent: 'caf\\303\\251' request {}");
  refuses_bytes(Good() + BytesField(3, "\xC3"), "agent: not valid UTF-8");
  refuses_bytes(Good() + BytesField(3, "a long agent name \xED\xA0\x80"), "agent: not valid UTF-8");
  refuses_bytes(BytesField(13, BytesField(4, "\xFF")), "error.message: not valid UTF-8");
}

TEST(StrictnessTest, UnknownFieldsArePassedOverUpTo64AnEvent) {
  std::string request;
  for (int i = 0; i < 32; ++i) request += BytesField(200, "unread \xFF");
  std::string wire = BytesField(14, request);
  for (int i = 0; i < 29; ++i) wire += VarintField(200, 5);
  wire += std::string(
              "\xC1\x0C"
              "12345678",
              10) +
          std::string(
              "\xC5\x0C"
              "1234",
              6);
  wire += VarintField(536'870'911, 1);
  EventView view;
  ExpectAccepted(wire, &view);
  refuses_bytes(wire + VarintField(9, 1), "wire: too many unknown fields; at most 64 an event");
}

TEST(StrictnessTest, AnEventIsAtMost64KiB) {
  std::string wire = Good();
  const std::string filler(16'000, 'a');
  for (int i = 0; i < 4; ++i) wire += BytesField(100, filler);
  const std::string rest(65'536 - wire.size() - 4, 'a');
  wire += BytesField(100, rest);
  ASSERT_EQ(wire.size(), 65'536U);
  EventView view;
  ExpectAccepted(wire, &view);
  refuses_bytes(wire + VarintField(100, 1), "size: 65539 bytes; at most 65536");
}

TEST(LogSourceTest, ServerMadeKindsAndKindsOfLaterVersionsComeAsABody) {
  EventView view;
  const auto reads = [&view](const std::string& wire, int kind) {
    const Status status = ReadEvent(wire, EventSource::kLog, &view);
    ASSERT_TRUE(status.ok()) << status.error().message();
    EXPECT_EQ(static_cast<int>(view.kind), kind);
    EXPECT_TRUE(IsServerMade(view.kind));
    EXPECT_EQ(view.body, "body");
  };
  reads(BytesField(33, "body"), 33);
  reads(BytesField(99, "body"), 99);
  const std::string twice = BytesField(33, "body") + BytesField(34, "body");
  EXPECT_FALSE(ReadEvent(twice, EventSource::kLog, &view).ok());
}

TEST(LogSourceTest, WhatWasStoredReadsAsItDidFromOutside) {
  const std::string wire = Wire(
      "id: 'x' labels { key: 'b' value: '1' } labels { key: 'a' value: '2' } time { seconds: "
      "1795254700 }"
      " cost { category: FEES amount { currency_code: 'USD' units: 3 nanos: 5 } }");
  EventView view;
  ASSERT_TRUE(ReadEvent(wire, EventSource::kLog, &view).ok());
  EXPECT_EQ(view.id, "x");
  EXPECT_EQ(view.labels[0].name, "a");
  EXPECT_EQ(view.labels[1].name, "b");
  EXPECT_EQ(view.time, At(1'795'254'700));
  EXPECT_EQ(view.cost.category, CostCategory::kFees);
  EXPECT_EQ(view.cost.amount.nanos, 3'000'000'005);
}

TEST(LogSourceTest, StructureIsWalkedStrictlyAndEnumValuesOfLaterVersionsAreUnspecified) {
  EventView view;
  EXPECT_FALSE(ReadEvent("", EventSource::kLog, &view).ok());
  EXPECT_FALSE(ReadEvent(Good() + "\x1A\x05", EventSource::kLog, &view).ok());
  std::string labels = Good();
  for (int i = 0; i < 33; ++i) labels += BytesField(5, BytesField(1, "a"));
  EXPECT_FALSE(ReadEvent(labels, EventSource::kLog, &view).ok());
  const std::string later = BytesField(10, VarintField(1, 257));
  ASSERT_TRUE(ReadEvent(later, EventSource::kLog, &view).ok());
  EXPECT_EQ(view.task.status, TaskStatus::kUnspecified);
  const std::string wider = VarintField(8, 2'000'000'000) + BytesField(14, VarintField(4, 2));
  ASSERT_TRUE(ReadEvent(wider, EventSource::kLog, &view).ok());
  EXPECT_EQ(view.count, 2'000'000'000U);
  EXPECT_TRUE(view.request.ok);
}

TEST(PayloadTest, EventsComeInOrderAndBrokenFramingIsTold) {
  std::string payload;
  ByteWriter writer(&payload);
  const std::string events[] = {"first", "", std::string(300, 'x')};
  for (const std::string& event : events) writer.String(event);
  PayloadReader reader(payload);
  std::string_view event;
  for (const std::string& expected : events) {
    ASSERT_TRUE(reader.Next(&event));
    EXPECT_EQ(event, expected);
  }
  EXPECT_FALSE(reader.Next(&event));
  EXPECT_TRUE(reader.ok());

  PayloadReader cut(std::string_view(payload).substr(0, payload.size() - 1));
  EXPECT_TRUE(cut.Next(&event));
  EXPECT_TRUE(cut.Next(&event));
  EXPECT_FALSE(cut.Next(&event));
  EXPECT_FALSE(cut.ok());
  EXPECT_FALSE(cut.Next(&event));
}

// The names are those of the proto, so the proto says what they must be.
template <typename Enum>
void ExpectNames(const google::protobuf::EnumDescriptor* descriptor) {
  for (int i = 0; i < descriptor->value_count(); ++i) {
    const auto* value = descriptor->value(i);
    const std::string expected = value->number() == 0 ? "" : value->name();
    EXPECT_EQ(Name(static_cast<Enum>(value->number())), expected) << descriptor->full_name();
  }
  EXPECT_EQ(Name(static_cast<Enum>(200)), "");
}

TEST(NameTest, EnumsAreNamedAsInTheProto) {
  ExpectNames<TaskStatus>(v1::Task::Status_descriptor());
  ExpectNames<Level>(v1::Task::Level_descriptor());
  ExpectNames<CostCategory>(v1::Cost::Category_descriptor());
  ExpectNames<PaymentType>(v1::Payment::Type_descriptor());
  ExpectNames<Severity>(v1::Severity_descriptor());
  ExpectNames<SampleType>(v1::Sample::Type_descriptor());
  ExpectNames<ActivityState>(v1::Activity::State_descriptor());
  ExpectNames<ChangeType>(v1::Change::Type_descriptor());
  ExpectNames<ChangeState>(v1::Change::State_descriptor());
  ExpectNames<FeedbackType>(v1::Feedback::Type_descriptor());
}

TEST(NameTest, KindsAreNamedAsInTheProto) {
  const auto* kinds = v1::Event::descriptor()->FindOneofByName("kind");
  for (int i = 0; i < kinds->field_count(); ++i) {
    EXPECT_EQ(EventKindName(static_cast<EventKind>(kinds->field(i)->number())),
              kinds->field(i)->name());
  }
  EXPECT_EQ(EventKindName(EventKind::kNone), "");
  EXPECT_EQ(EventKindName(static_cast<EventKind>(99)), "");
}

}  // namespace
}  // namespace barograph::storage
