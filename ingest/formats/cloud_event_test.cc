#include "ingest/formats/cloud_event.h"

#include <gmock/gmock.h>
#include <google/protobuf/descriptor.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "ingest/formats/limits.h"
#include "ingest/formats/record_decoder.h"
#include "storage/event/event_view.h"

// Cases follow cloudevents/spec v1.0.2: spec.md, bindings/kafka-protocol-binding.md and
// formats/json-format.md.
namespace barograph::ingest {
namespace {

using testing::HasSubstr;

using Headers = std::vector<std::pair<std::string, std::optional<std::string>>>;

constexpr std::string_view kTrace = "00-0af7651916cd43dd8448eb211c80319c-b9c7c989f97918e1-01";
constexpr std::string_view kTraceId = "0af7651916cd43dd8448eb211c80319c";

EventMapping Usage() {
  MappingSpec spec;
  spec.format = ImportFormat::kNdjson;
  spec.columns = {
      {"time", "at"}, {"cost.tokens.input", "usage.in"}, {"cost.tokens.output", "usage.out"}};
  spec.constants = {{"cost.category", "MODEL"}, {"cost.model", "gpt-4o"}};
  return EventMapping::Make(std::move(spec)).value();
}

CloudEventOptions Options() {
  CloudEventOptions options;
  options.types = {{"com.example.use", "activity", {}}, {"com.example.paid", "payment", {}},
                   {"com.example.event", "event", {}},  {"com.example.usage", "", Usage()},
                   {"com.example.*", "error", {}},      {"com.example.deep.*", "task", {}}};
  options.labels = {"subject", "team"};
  return options;
}

// The headers of a good event in binary mode with others in place of them or beside.
Headers Binary(const Headers& other = {}) {
  Headers headers{{"ce_specversion", "1.0"},
                  {"ce_id", "1"},
                  {"ce_source", "/s"},
                  {"ce_type", "com.example.use"}};
  for (const auto& header : other) {
    const auto same = std::find_if(headers.begin(), headers.end(),
                                   [&](const auto& known) { return known.first == header.first; });
    if (same == headers.end()) {
      headers.push_back(header);
    } else {
      *same = header;
    }
  }
  return headers;
}

const Headers kStructured{{"content-type", "application/cloudevents+json; charset=UTF-8"}};

// A good event in structured mode with more members; a member that comes again is a mistake.
std::string Json(std::string_view more, std::string_view type = "com.example.use") {
  return R"({"specversion": "1.0", "id": "1", "source": "/s", "type": ")" + std::string(type) +
         "\"" + (more.empty() ? "" : ", ") + std::string(more) + "}";
}

class OneEvent final : public EventSink {
 public:
  void Add(std::string_view wire) override {
    storage::EventView view;
    const Status read = storage::ReadEvent(wire, storage::EventSource::kOutside, &view);
    EXPECT_TRUE(read.ok()) << read.error().message();
    EXPECT_TRUE(event.ParseFromString(std::string(wire)));
  }
  void Reject(std::uint32_t /*index*/, std::string_view reason) override { FAIL() << reason; }
  v1::Event event;
};

Result<v1::Event> Read(const Headers& headers, std::optional<std::string> value,
                       std::optional<Time> timestamp = {}) {
  RecordDecoder decoder =
      RecordDecoder::Make(RecordFormat::kCloudEvents, {.text = {}, .cloud_events = Options()})
          .value();
  std::vector<RecordHeaderView> views;
  for (const auto& [name, header] : headers) {
    views.push_back({name, header ? std::string_view(*header) : "", !header});
  }
  OneEvent sink;
  const Result<RecordContent> content =
      decoder.Decode({.key = "k", .value = value, .headers = views, .timestamp = timestamp}, &sink);
  if (!content.ok()) return content.error();
  if (*content == RecordContent::kTombstone) return Error(ErrorCode::kNotFound, "tombstone");
  return sink.event;
}

std::string Outcome(const Headers& headers, const std::optional<std::string>& value) {
  const Result<v1::Event> event = Read(headers, value);
  return event.ok() ? event->ShortDebugString() : event.error().message();
}

struct Case {
  std::string what;
  Headers headers;
  std::optional<std::string> value;
  std::string outcome;
};

void Check(const std::vector<Case>& cases) {
  for (const Case& tried : cases) {
    EXPECT_THAT(Outcome(tried.headers, tried.value), HasSubstr(tried.outcome)) << tried.what;
  }
}

const std::string kUse = R"({"name": "view"})";
const std::string kUsed = R"(activity { name: "view" })";

TEST(CloudEventTest, BinaryModeHasAnOutcomeForEveryDoorCase) {
  const std::string big(kCloudEventAttributeBytesMax + 1, 'x');
  Headers many = Binary();
  while (many.size() <= kRecordHeadersMax) many.push_back({"x" + std::to_string(many.size()), ""});
  Check({
      {"good", Binary(), kUse, R"(id: "/s|1" activity { name: "view" })"},
      {"tombstone", Binary(), {}, "tombstone"},
      {"no headers", {}, kUse, "ce_specversion: is missing; a structured event needs the header c"},
      {"no headers, no bytes", {}, "", "ce_specversion: is missing"},
      {"old version", Binary({{"ce_specversion", "0.3"}}), kUse, "ce_specversion: '0.3' is not 1"},
      {"no id", Binary({{"ce_id", {}}}), kUse, "ce_id: is missing or empty"},
      {"empty id", Binary({{"ce_id", ""}}), kUse, "ce_id: is missing or empty"},
      {"no source", Binary({{"ce_source", {}}}), kUse, "ce_source: is missing or empty"},
      {"no type", Binary({{"ce_type", ""}}), kUse, "ce_type: is missing or empty"},
      {"a blank in source", Binary({{"ce_source", "a b"}}), kUse,
       "ce_source: 'a b' is no URI refe"},
      {"a bar in source", Binary({{"ce_source", "a|b"}}), kUse, "ce_source: 'a|b' is no URI"},
      {"broken escape", Binary({{"ce_source", "a%2"}}), kUse, "ce_source: 'a%2' is no URI"},
      {"escape", Binary({{"ce_source", "a%2f"}}), kUse, R"(id: "a%2f|1")"},
      {"upper case",
       {{"CE_SpecVersion", "1.0"},
        {"Ce_Id", "2"},
        {"CE_SOURCE", "/s"},
        {"ce_Type", "com.example.use"},
        {"Content-Type", "TEXT/JSON"}},
       kUse,
       R"(id: "/s|2" activity)"},
      {"twice", Binary({{"CE_ID", "1"}}), kUse, "ce_id: comes twice"},
      {"extension twice", Binary({{"ce_team", "a"}, {"ce_Team", "a"}}), kUse, "ce_team: comes tw"},
      {"content type twice", Binary({{"content-type", "a/b"}, {"Content-Type", "a/b"}}), kUse,
       "content-type: comes twice"},
      {"a name with a mark", Binary({{"ce_my-team", "a"}}), kUse, "'ce_my-team' names no attribut"},
      {"no name", Binary({{"ce_", "a"}}), kUse, "headers: 'ce_' names no attribute"},
      {"data as a header", Binary({{"ce_data", "a"}}), kUse, "'ce_data' names no attribute"},
      {"invalid UTF-8", Binary({{"ce_team", "\xc3("}}), kUse, "ce_team: is not valid UTF-8"},
      {"invalid UTF-8 elsewhere", Binary({{"other", "\xff"}}), kUse, kUsed},
      {"control", Binary({{"ce_id", "a\nb"}}), kUse, "ce_id: 'a b' has a control character"},
      {"C1 control", Binary({{"ce_id", "a\xc2\x85"}}), kUse, "has a control character"},
      {"noncharacter", Binary({{"ce_id", "\xef\xbf\xbf"}}), kUse, "or a noncharacter"},
      {"beyond the plane", Binary({{"ce_id", "\xf0\x9f\x8c\xa9"}}), kUse, kUsed},
      {"long", Binary({{"ce_team", big}}), kUse, "ce_team: 4097 bytes; at most 4096"},
      {"many headers", many, kUse, "headers: 129; a CloudEvent has at most 128"},
      {"large headers", Binary({{"x", std::string(70'000, 'x')}}), kUse,
       "headers: 70057 bytes; a CloudEvent has at most 65536"},
      {"unknown type", Binary({{"ce_type", "org.example.use"}}), kUse,
       "ce_type: 'org.example.use' is mapped to no event; did you mean 'com.example.use'?"},
      {"bad time", Binary({{"ce_time", "yesterday"}}), kUse, "ce_time: 'yesterday' is no RFC 3339"},
      {"time without offset", Binary({{"ce_time", "2026-11-21T09:00:00"}}), kUse, "ce_time: '2026"},
      {"empty time", Binary({{"ce_time", ""}}), kUse, kUsed},
      {"no data", Binary(), "", "value: is absent; type 'com.example.use' needs data"},
      {"no JSON", Binary(), "{", "value: not valid JSON: "},
      {"deep", Binary(), std::string(100'000, '['), "value: not valid JSON: nested deeper than 32"},
      {"huge", Binary(), std::string(262'145, ' '), "value: 262145 bytes; format cloudevents has"},
      {"invalid UTF-8 in data", Binary(), "{\"name\": \"\xff\"}", "value: not valid JSON: "},
      {"a list", Binary(), "[]", "value: must be an object, not a list"},
      {"text", Binary(), "\"{}\"", "value: must be an object, not text"},
      {"a mistake", Binary(), R"({"nmae": 1})",
       "value: activity: unknown field 'nmae'; did you me"},
      {"+json", Binary({{"content-type", "application/vnd.x+json"}}), kUse, kUsed},
      {"charset", Binary({{"content-type", "a/json; q=1; charset=\"UTF-8\""}}), kUse, kUsed},
      {"other charset", Binary({{"content-type", "a/json;charset=utf-16"}}), kUse,
       "content-type: charset 'utf-16' is not read"},
      {"as an attribute", Binary({{"ce_datacontenttype", "text/xml"}}), kUse,
       "content-type: 'text/xml' cannot be read; application/json, text/json, +json"},
      {"avro", Binary({{"content-type", "application/avro"}}), kUse,
       "content-type: 'application/a"},
      {"null content type", Binary({{"content-type", {}}}), kUse, kUsed},
  });
}

TEST(CloudEventTest, StructuredModeHasAnOutcomeForEveryDoorCase) {
  const auto typed = [](std::string content_type) -> Headers {
    return {{"content-type", std::move(content_type)}};
  };
  const std::string good = Json("\"data\": " + kUse);
  Check({
      {"good", kStructured, good, R"(id: "/s|1" activity { name: "view" })"},
      {"tombstone", kStructured, {}, "tombstone"},
      {"any case", typed("Application/CloudEvents+JSON"), good, kUsed},
      {"bare", typed("application/cloudevents"), good, kUsed},
      {"headers do not count",
       {{"content-type", "application/cloudevents+json"}, {"ce_id", "9"}},
       good,
       R"(id: "/s|1")"},
      {"batch", typed("application/cloudevents-batch+json"), "[" + good + "]",
       "content-type: 'application/cloudevents-batch+json' is a batch, which the Kafka binding of"},
      {"avro", typed("application/cloudevents+avro"), good,
       "'application/cloudevents+avro' is a f"},
      {"empty", kStructured, "", "value: not valid JSON: "},
      {"cut", kStructured, good.substr(0, 30), "value: not valid JSON: "},
      {"a list", kStructured, "[]", "value: must be an object, not a list"},
      {"deep", kStructured, std::string(100'000, '['), "value: not valid JSON: nested deeper than"},
      {"huge", kStructured, std::string(262'145, ' '), "value: 262145 bytes; format cloudevents"},
      {"twice", kStructured, Json(R"("id": "2")"),
       "value: not valid JSON: key 'id' is given twice"},
      {"missing", kStructured, "{}", "specversion: is missing; it must be 1.0"},
      {"number as id", kStructured, R"({"specversion": "1.0", "id": 1})",
       "id: must be text, not a"},
      {"object", kStructured, Json(R"("team": {})"), "team: must be text, a number or true or f"},
      {"upper case", kStructured, Json(R"("traceParent": "x")"),
       "value: 'traceParent' names no at"},
      {"null", kStructured, Json(R"("time": null, "team": null, "data": )" + kUse), kUsed},
      {"bad time", kStructured, Json(R"("time": "soon")"), "time: 'soon' is no RFC 3339 time"},
      {"no data", kStructured, Json(""), "data: is absent; type 'com.example.use' needs data"},
      {"null data", kStructured, Json(R"("data": null)"), "data: must be an object, not null"},
      {"text", kStructured, Json(R"("data": "{}")"), "data: must be an object, not text"},
      {"base64", kStructured, Json(R"("data_base64": "eyJuYW1lIjogInZpZXcifQ==")"), kUsed},
      {"null base64", kStructured, Json(R"("data_base64": null, "data": )" + kUse), kUsed},
      {"no base64", kStructured, Json(R"("data_base64": "e(J")"), "data_base64: is not base64"},
      {"number", kStructured, Json(R"("data_base64": 5)"), "data_base64: must be text, not a numb"},
      {"base64 of no JSON", kStructured, Json(R"("data_base64": "e30=e")"), "is not base64"},
      {"base64 of half", kStructured, Json(R"("data_base64": "ew==")"), "data_base64: not valid J"},
      {"both", kStructured, Json(R"("data": {}, "data_base64": "e30=")"),
       "data_base64: an event ha"},
      {"xml", kStructured, Json(R"("datacontenttype": "text/xml", "data": "<a/>")"),
       "datacontenttype: 'text/xml' cannot be read"},
      {"mistake", kStructured, Json(R"("data": {"nmae": 1})"), "data: activity: unknown field 'n"},
  });
}

TEST(CloudEventTest, TheTypeDecidesWhatDataIs) {
  const auto typed = [](std::string type) { return Binary({{"ce_type", std::move(type)}}); };
  const std::string event = R"({"id": "own", "sample": {"name": "n", "value": 1, "type": 1}})";
  Check({
      {"kind", typed("com.example.paid"),
       R"({"agent": "cfo", "taskId": "t", "type": "CHARGE", "amount": "1.50 USD"})",
       R"(agent: "cfo" task_id: "t" payment { type: CHARGE amount { currency_code: "USD" )"},
      {"kind inside kind", typed("com.example.paid"), R"({"payment": {}})",
       "value: payment: unknown field 'payment'"},
      {"event", typed("com.example.event"), event, R"(id: "own" sample { name: "n" value: 1)"},
      {"event's mistake", typed("com.example.event"), kUse, "value: unknown field 'name'"},
      {"mapping", typed("com.example.usage"),
       R"({"at": "2026-11-21T09:00:00Z", "usage": {"in": 5, "out": 7}, "else": 1})",
       R"(id: "/s|1" time { seconds: 1795251600 } cost { category: MODEL tokens {)"},
      {"mapping's mistake", typed("com.example.usage"), R"({"usage": {"in": "x"}})",
       "value: column 'usage.in': cost.tokens.input: 'x' is not a whole number"},
      {"a beginning", typed("com.example.crash"), R"({"code": "E1"})", R"(error { code: "E1" })"},
      {"the longer beginning", typed("com.example.deep.end"), R"({"status": "FAILED"})",
       "task { status: FAILED }"},
      {"exact before a beginning", typed("com.example.use"), kUse, kUsed},
      {"made by the server", typed("com.example.event"), R"({"resumed": {}})",
       "made by the server"},
  });
}

TEST(CloudEventTest, ProtobufIsAWholeEvent) {
  const std::string_view type = "application/protobuf";
  v1::Event event;
  event.mutable_activity()->set_name("view");
  const std::string wire = event.SerializeAsString();
  const Headers headers =
      Binary({{"ce_type", "com.example.event"}, {"content-type", std::string(type)}});
  const std::string base64 = "ggEGCgR2aWV3";
  ASSERT_EQ(wire, "\x82\x01\x06\x0a\x04view");
  Check({
      {"binary", headers, wire, R"(id: "/s|1" activity { name: "view" })"},
      {"structured", kStructured,
       Json(R"("datacontenttype": "application/protobuf", "data_base64": ")" + base64 + "\"",
            "com.example.event"),
       R"(id: "/s|1" activity { name: "view" })"},
      {"text", kStructured,
       Json(R"("datacontenttype": "application/protobuf", "data": "x")", "com.example.event"),
       "data: is text; bytes come in data_base64"},
      {"no data", headers, "", "value: is absent"},
      {"not protobuf", headers, "\xff", "value: wire: "},
      {"two readings", headers, wire + wire, "value: "},
      {"a kind", Binary({{"content-type", std::string(type)}}), wire,
       "content-type: application/protobuf is a whole event, but type 'com.example.use' is not m"},
  });
}

TEST(CloudEventTest, WhatDataLeavesEmptyTheAttributesFill) {
  const Time record_time = Time(std::chrono::milliseconds(1'795'251'600'250));
  const Headers headers = Binary({{"ce_type", "com.example.use"},
                                  {"ce_time", "2026-11-21T10:00:00.5+01:00"},
                                  {"ce_traceparent", std::string(kTrace)},
                                  {"ce_subject", "tile-7"},
                                  {"ce_team", "blue"},
                                  {"ce_other", "x"}});
  const v1::Event filled = Read(headers, kUse, record_time).value();
  EXPECT_EQ(filled.time().seconds(), 1'795'251'600);
  EXPECT_EQ(filled.time().nanos(), 500'000'000);
  EXPECT_EQ(filled.trace_id(), kTraceId);
  EXPECT_EQ(filled.labels().at("subject"), "tile-7");
  EXPECT_EQ(filled.labels().at("team"), "blue");
  EXPECT_EQ(filled.labels_size(), 2);

  const v1::Event own =
      Read(headers,
           R"({"name": "view", "id": "own", "time": "2026-11-20T00:00:00Z", "trace_id": "t",
               "labels": {"team": "red"}})")
          .value();
  EXPECT_EQ(own.id(), "own");
  EXPECT_EQ(own.time().seconds(), 1'795'132'800);
  EXPECT_EQ(own.trace_id(), "t");
  EXPECT_EQ(own.labels().at("team"), "red");

  const v1::Event untimed = Read(Binary(), kUse, record_time).value();
  EXPECT_EQ(untimed.time().nanos(), 250'000'000);
  EXPECT_FALSE(Read(Binary(), kUse)->has_time());

  const v1::Event long_subject =
      Read(Binary({{"ce_subject", std::string(kLabelBytesMax + 1, 'x')}}), kUse).value();
  EXPECT_EQ(long_subject.labels_size(), 0);
}

TEST(CloudEventTest, OnlyWellFormedTraceparentsAreTaken) {
  const auto trace = [](const std::string& name, std::string_view parent) {
    return Read(Binary({{name, std::string(parent)}}), kUse)->trace_id();
  };
  EXPECT_EQ(trace("ce_traceparent", kTrace), kTraceId);
  EXPECT_EQ(trace("traceparent", kTrace), kTraceId);
  EXPECT_EQ(trace("ce_traceparent", "01" + std::string(kTrace.substr(2)) + "-more"), kTraceId);
  EXPECT_EQ(trace("ce_traceparent", std::string(kTrace) + "-more"), "");
  EXPECT_EQ(trace("ce_traceparent", "ff" + std::string(kTrace.substr(2))), "");
  EXPECT_EQ(trace("ce_traceparent", kTrace.substr(0, 54)), "");
  EXPECT_EQ(trace("ce_traceparent", "00-" + std::string(32, '0') + "-b9c7c989f97918e1-01"), "");
  EXPECT_EQ(trace("ce_traceparent", "00-0AF7651916cd43dd8448eb211c80319c-b9c7c989f97918e1-01"), "");
  const std::string other = "00-1" + std::string(kTrace.substr(4));
  EXPECT_EQ(Read(Binary({{"traceparent", other}, {"ce_traceparent", std::string(kTrace)}}), kUse)
                ->trace_id(),
            kTraceId);
}

TEST(CloudEventTest, IdsOfDifferentEventsNeverMeet) {
  const auto id = [](std::string_view source, std::string_view event_id) {
    return Read(Binary({{"ce_source", std::string(source)}, {"ce_id", std::string(event_id)}}),
                kUse)
        ->id();
  };
  EXPECT_EQ(id("/s", "1"), "/s|1");
  EXPECT_NE(id("/s", "a|b"), id("/s/a", "b"));
  const std::string fits = id("/s", std::string(kIdBytesMax - 3, 'x'));
  EXPECT_EQ(fits.size(), kIdBytesMax);
  const std::string hash = id("/s", std::string(kIdBytesMax - 2, 'x'));
  EXPECT_EQ(hash.size(), 7 + 64U);
  EXPECT_TRUE(hash.starts_with("sha256:"));
  EXPECT_EQ(hash, id("/s", std::string(kIdBytesMax - 2, 'x')));
  EXPECT_NE(hash, id("/s", std::string(kIdBytesMax - 1, 'x')));
  EXPECT_NE(hash, id("/sx", std::string(kIdBytesMax - 3, 'x')));
}

TEST(CloudEventTest, MistakesInTheMappingNameTheEntry) {
  const auto refused = [](CloudEventOptions options) {
    const auto made = CloudEventReader::Make(std::move(options), FieldText());
    return made.ok() ? std::string("taken") : made.error().message();
  };
  const auto with = [&](CloudEventType type, std::vector<std::string> labels = {}) {
    CloudEventOptions options;
    options.types = {{"a", "task", {}}, {"b*", "task", {}}, std::move(type)};
    options.labels = std::move(labels);
    return refused(std::move(options));
  };
  EXPECT_EQ(with({"*", "event", {}}), "taken");
  EXPECT_THAT(refused({}), HasSubstr("types: 0 entries; 1 to 1000"));
  EXPECT_THAT(with({"c", "costs", {}}),
              HasSubstr("types[2].as: 'costs' is none of task, cost, payment, error, request, "
                        "sample, activity, change, feedback, event; did you mean 'cost'?"));
  EXPECT_THAT(with({"c", "resumed", {}}), HasSubstr("types[2].as: 'resumed' is none of"));
  EXPECT_THAT(with({"c", "", {}}), HasSubstr("types[2].as: '' is none of"));
  EXPECT_THAT(with({"c", "cost", Usage()}), HasSubstr("types[2].as: stands beside a mapping"));
  EXPECT_THAT(with({"", "cost", {}}), HasSubstr("types[2].type: is empty"));
  EXPECT_THAT(with({"c*d", "cost", {}}), HasSubstr("'c*d' has a * that is not at its end"));
  EXPECT_THAT(with({"a", "cost", {}}), HasSubstr("types[2].type: 'a' is given twice"));
  EXPECT_THAT(with({"b*", "cost", {}}), HasSubstr("types[2].type: 'b*' is given twice"));
  EXPECT_THAT(with({"c", "cost", {}}, {"Team"}), HasSubstr("labels: 'Team' names no attribute"));
  MappingSpec csv;
  csv.columns = {{"cost.amount", "x"}};
  EXPECT_THAT(with({"c", "", EventMapping::Make(std::move(csv)).value()}),
              HasSubstr("types[2].mapping: has format csv"));
}

// What makes the rule of fields beside a kind's fields unambiguous.
TEST(CloudEventTest, NoKindHasAFieldOfEveryEventsName) {
  const auto* event = v1::Event::descriptor();
  for (int i = 0; i < event->field_count(); ++i) {
    const auto* kind = event->field(i);
    if (kind->real_containing_oneof() == nullptr || IsServerMadeKind(*kind)) continue;
    for (int j = 0; j < event->field_count(); ++j) {
      const auto* beside = event->field(j);
      if (beside->real_containing_oneof() != nullptr) continue;
      EXPECT_EQ(FindField(*kind->message_type(), beside->name()), nullptr)
          << kind->name() << "." << beside->name();
    }
  }
}

}  // namespace
}  // namespace barograph::ingest
