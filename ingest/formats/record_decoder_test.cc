#include "ingest/formats/record_decoder.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "barograph/v1/ingest.pb.h"
#include "ingest/formats/event_json.h"
#include "ingest/formats/fleet.h"
#include "ingest/formats/limits.h"
#include "storage/event/event_view.h"
#include "storage/event/utf8.h"

namespace barograph::ingest {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

class Recorder final : public EventSink {
 public:
  void Add(std::string_view wire) override {
    events.emplace_back(wire);
    ++offered;
  }
  void Reject(std::uint32_t index, std::string_view reason) override {
    EXPECT_EQ(index, offered) << "indexes count all events of the record";
    rejected.emplace_back(reason);
    ++offered;
  }

  std::vector<std::string> events, rejected;
  std::uint32_t offered = 0;
};

RecordDecoder Decoder(RecordFormat format, std::string_view zone = "UTC") {
  RecordOptions options;
  options.text.times = TimeText::Make(zone).value();
  return RecordDecoder::Make(format, std::move(options)).value();
}

// What a record becomes, as one text: "2 events, 1 rejected: line 2: ...", "error: ...".
std::string Outcome(RecordFormat format, std::optional<std::string_view> value) {
  RecordDecoder decoder = Decoder(format);
  Recorder sink;
  const Result<RecordContent> content =
      decoder.Decode({.key = "", .value = value, .headers = {}, .timestamp = {}}, &sink);
  if (!content.ok()) {
    EXPECT_EQ(sink.offered, 0U) << "after an error the sink has nothing";
    return "error: " + content.error().message();
  }
  EXPECT_EQ(*content == RecordContent::kEvents, sink.offered > 0);
  if (*content == RecordContent::kTombstone) return "tombstone";
  if (*content == RecordContent::kEmpty) return "empty";
  std::string text = std::to_string(sink.events.size()) + " events";
  if (!sink.rejected.empty()) text += ", " + std::to_string(sink.rejected.size()) + " rejected";
  for (const std::string& reason : sink.rejected) text += ": " + reason;
  return text;
}

std::string Repeated(std::string_view text, std::size_t times) {
  std::string all;
  for (std::size_t i = 0; i < times; ++i) all += text;
  return all;
}

std::string SomeEvent(std::string_view agent = "a") {
  v1::Event event;
  event.set_agent(std::string(agent));
  event.mutable_activity()->set_name("use");
  return event.SerializeAsString();
}

std::string SomeBatch(int events) {
  v1::PublishBatchRequest batch;
  batch.set_producer_id("p");
  batch.set_first_sequence(1);
  for (int i = 0; i < events; ++i) batch.add_events()->mutable_activity()->set_name("use");
  return batch.SerializeAsString();
}

TEST(RecordFormatTest, NamesAreReadBackAndMistakesNameTheNearest) {
  for (const RecordFormat format :
       {RecordFormat::kBatch, RecordFormat::kEvent, RecordFormat::kJson, RecordFormat::kNdjson,
        RecordFormat::kTaskLog, RecordFormat::kCloudEvents}) {
    EXPECT_EQ(ParseRecordFormat(Name(format)).value(), format);
  }
  EXPECT_EQ(ParseRecordFormat("cloudevent").error().message(),
            "'cloudevent' is none of batch, event, json, ndjson, task-log, cloudevents; "
            "did you mean 'cloudevents'?");
  EXPECT_FALSE(ParseRecordFormat("").ok());
}

TEST(RecordFormatTest, ATimestampThatNoEventMayHaveCountsAsAbsent) {
  EXPECT_EQ(FormatTime(RecordTimestamp(1'795'254'700'250).value()), "2026-11-21T09:51:40.25Z");
  for (const std::int64_t millis : {std::int64_t{-1}, std::int64_t{0}, INT64_MIN, INT64_MAX}) {
    EXPECT_EQ(RecordTimestamp(millis), std::nullopt) << millis;
  }
}

struct Case {
  std::string what;
  RecordFormat format;
  std::optional<std::string> value;
  std::string outcome;
};

void Check(const std::vector<Case>& cases) {
  for (const Case& tried : cases) {
    EXPECT_THAT(Outcome(tried.format, tried.value), HasSubstr(tried.outcome))
        << Name(tried.format) << ": " << tried.what;
  }
}

const std::string kGood = R"({"agent": "a", "activity": {"name": "use"}})";

TEST(RecordDecoderTest, FormatsOfProtobufHaveAnOutcomeForEveryDoorCase) {
  using F = RecordFormat;
  Check({
      {"tombstone", F::kBatch, {}, "tombstone"},
      {"tombstone", F::kEvent, {}, "tombstone"},
      {"empty", F::kBatch, "", "empty"},
      {"empty", F::kEvent, "", "empty"},
      {"a batch of none", F::kBatch, SomeBatch(0), "empty"},

      {"an event", F::kEvent, SomeEvent(), "1 events"},
      {"huge", F::kEvent, std::string(65'537, 'x'), "error: value: 65537 bytes; format event has"},

      {"a batch", F::kBatch, SomeBatch(3), "3 events"},
      {"as many as fit", F::kBatch, SomeBatch(10'000), "10000 events"},
      {"one more", F::kBatch, SomeBatch(10'001), "error: value: more than 10000 events"},
      {"huge", F::kBatch, std::string(100'000'000, 'x'), "error: value: 100000000 bytes; format "},
      {"cut", F::kBatch, SomeBatch(3).substr(0, 26), "PublishBatchRequest after events[1]"},
      {"text", F::kBatch, kGood, "error: value: cannot be read as a PublishBatchRequest"},
      {"an event", F::kBatch, SomeEvent(), "error: value: cannot be read as a PublishBatchRequest"},
      {"an event without head", F::kBatch, "\x5a\x02\x08\x01", "error: value: cannot be read as"},
      {"a varint for events", F::kBatch, "\x20\x01", "error: value: cannot be read as"},
      {"field 0", F::kBatch, std::string("\x02\x00", 2), "error: value: cannot be read as"},
      {"a group", F::kBatch, "\x53\x54", "error: value: cannot be read as"},
      {"an unknown field beside", F::kBatch, SomeBatch(1) + "\x5a\x01x", "1 events"},
  });
}

TEST(RecordDecoderTest, FormatsOfTextHaveAnOutcomeForEveryDoorCase) {
  using F = RecordFormat;
  const std::string task =
      R"({"event": "task_started", "timestamp": "2026-01-15T09:00:00", "task_id": "t"})";
  const std::string deep = R"({"labels": )" + std::string(100'000, '[');
  const std::string wide(kEventJsonBytesMax, ' ');
  Check({
      {"tombstone", F::kJson, {}, "tombstone"},
      {"tombstone", F::kNdjson, {}, "tombstone"},
      {"tombstone", F::kTaskLog, {}, "tombstone"},
      {"empty", F::kJson, "", "empty"},
      {"empty", F::kNdjson, "", "empty"},
      {"empty", F::kTaskLog, "", "empty"},
      {"blanks", F::kJson, " \r\n\t", "empty"},
      {"blank lines", F::kNdjson, "\n\r\n \n", "empty"},

      {"an event", F::kJson, kGood, "1 events"},
      {"a line end behind", F::kJson, kGood + "\r\n", "1 events"},
      {"a list", F::kJson, "[" + kGood + "]", "error: must be an object, not a list"},
      {"two", F::kJson, kGood + "\n" + kGood, "error: not valid JSON: "},
      {"cut", F::kJson, kGood.substr(0, 20), "error: not valid JSON: "},
      {"a field's mistake", F::kJson, R"({"cost": {"tokens": {"inputs": 1}}})",
       "error: cost.tokens: unknown field 'inputs'; did you mean 'input'?"},
      {"a key twice", F::kJson, R"({"agent": "a", "agent": "b"})", "key 'agent' is given twice"},
      {"invalid UTF-8", F::kJson, "{\"agent\": \"\xff\xfe\"}", "error: not valid JSON: "},
      {"deep", F::kJson, deep, "error: not valid JSON: nested deeper than 32 levels"},
      {"huge", F::kJson, wide + kGood,
       "error: value: 262187 bytes; format json has at most 262144"},

      {"lines", F::kNdjson, kGood + "\n" + kGood + "\r\n\n" + kGood, "3 events"},
      {"good and bad", F::kNdjson, kGood + "\n\n{\"agnet\": 1}\n" + kGood,
       "2 events, 1 rejected: line 3: unknown field 'agnet'; did you mean 'agent'?"},
      {"all bad", F::kNdjson, "1\n2", "0 events, 2 rejected: line 1: must be an object, not a n"},
      {"invalid UTF-8", F::kNdjson, "\xff\n" + kGood,
       "1 events, 1 rejected: line 1: not valid JSON"},
      {"deep", F::kNdjson, deep + "\n" + kGood,
       "1 events, 1 rejected: line 1: not valid JSON: nes"},
      {"a huge line", F::kNdjson, wide + kGood + "\n" + kGood,
       "1 events, 1 rejected: line 1: 262187 bytes of JSON; an event has at most 262144"},
      {"as many as fit", F::kNdjson, Repeated("{}\n", 10'000), "10000 events"},
      {"one more", F::kNdjson, Repeated("{}\n", 10'001), "error: value: more than 10000 lines"},
      {"huge", F::kNdjson, std::string(kRecordBytesMax + 1, '\n'), "error: value: 4194305 bytes; "},

      {"lines", F::kTaskLog, task + "\n" + task, "2 events"},
      {"good and bad", F::kTaskLog, "{}\n" + task, "1 events, 1 rejected: line 1: event: is miss"},
      {"no time", F::kTaskLog, R"({"event": "task_started"})", "line 1: timestamp: is missing"},
  });
}

TEST(RecordDecoderTest, EventsOfProtobufArePassedOnAsTheyLieInTheValue) {
  Fleet fleet({.agents = 10, .start = Time(Duration(1'790'000'000'000'000'000))});
  std::string value;
  fleet.Append(FleetFraming::kRequest, 100, &value);
  class Views final : public EventSink {
   public:
    explicit Views(std::string_view value) : value_(value) {}
    void Add(std::string_view wire) override {
      EXPECT_GE(wire.data(), value_.data());
      EXPECT_LE(wire.data() + wire.size(), value_.data() + value_.size());
      storage::EventView view;
      EXPECT_TRUE(storage::ReadEvent(wire, storage::EventSource::kOutside, &view).ok());
      ++events;
    }
    void Reject(std::uint32_t /*index*/, std::string_view reason) override { FAIL() << reason; }
    int events = 0;

   private:
    std::string_view value_;
  } sink(value);
  RecordDecoder decoder = Decoder(RecordFormat::kBatch);
  ASSERT_TRUE(
      decoder.Decode({.key = "", .value = value, .headers = {}, .timestamp = {}}, &sink).ok());
  EXPECT_EQ(sink.events, 100);
}

TEST(RecordDecoderTest, NothingOfOneRecordStaysForTheNext) {
  RecordDecoder decoder = Decoder(RecordFormat::kNdjson);
  const auto decode = [&](std::string_view value) {
    Recorder sink;
    EXPECT_TRUE(
        decoder.Decode({.key = "", .value = value, .headers = {}, .timestamp = {}}, &sink).ok());
    return sink.events;
  };
  const auto first = decode(R"({"agent": "a", "labels": {"x": "y"}, "activity": {"name": "use"}})");
  EXPECT_THAT(decode("{\"agent\": \"broken\", \"count\": -1}"), SizeIs(0));
  const auto second = decode(R"({"activity": {"name": "b"}})");
  v1::Event wanted;
  wanted.mutable_activity()->set_name("b");
  EXPECT_THAT(second, ElementsAre(EncodeEvent(wanted)));
  EXPECT_THAT(first, SizeIs(1));
}

// Parsers put what they met into their messages, as it is.
TEST(RecordDecoderTest, ReasonsAreShortCleanText) {
  const std::string begin = "{\"agent\": \"";
  for (const std::string& end : {std::string("\x1b[31m"), std::string("\xff"),
                                 std::string(100'000, 'x'), Repeated("\xe2\x82\xac", 1000)}) {
    const std::string reason = Outcome(RecordFormat::kJson, begin + end);
    EXPECT_THAT(reason, HasSubstr("error: not valid JSON: "));
    EXPECT_LE(reason.size(), kReasonBytesMax + std::string("error: ").size());
    EXPECT_EQ(reason.ends_with("..."), end.size() > 100);
    EXPECT_TRUE(storage::IsUtf8(reason)) << reason;
    for (const char c : reason) EXPECT_GE(static_cast<unsigned char>(c), 0x20);
  }
}

// The objects of tests/golden/tasks are task logs; as whole events they are refused, and the events
// that they stand for come through `json` as they are.
TEST(RecordDecoderTest, TheGoldenTasksComeThroughAsTaskLogAndAsJson) {
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(
           std::filesystem::path(BAROGRAPH_SOURCE_DIR) / "tests/golden/tasks")) {
    if (entry.path().extension() != ".json") continue;
    SCOPED_TRACE(entry.path());
    const auto read = [](const std::filesystem::path& path) {
      return (std::ostringstream() << std::ifstream(path).rdbuf()).str();
    };
    std::string log = read(entry.path());
    std::replace(log.begin(), log.end(), '\n', ' ');
    std::filesystem::path golden = entry.path();
    v1::Event wanted;
    ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(
        read(golden.replace_extension(".event")), &wanted));
    std::string json;
    ASSERT_TRUE(google::protobuf::util::MessageToJsonString(wanted, &json).ok());
    for (const auto& [format, value] :
         {std::pair(RecordFormat::kTaskLog, log), std::pair(RecordFormat::kJson, json)}) {
      RecordDecoder decoder = Decoder(format, "America/New_York");
      Recorder sink;
      ASSERT_TRUE(
          decoder.Decode({.key = "", .value = value, .headers = {}, .timestamp = {}}, &sink).ok());
      EXPECT_THAT(sink.rejected, SizeIs(0));
      EXPECT_THAT(sink.events, ElementsAre(EncodeEvent(wanted))) << value;
    }
    EXPECT_THAT(Outcome(RecordFormat::kJson, log), HasSubstr("error: unknown field 'event'"));
    ++files;
  }
  EXPECT_GE(files, 4);
}

TEST(RecordDecoderTest, CloudEventsNeedTypesAndNothingElseTakesThem) {
  EXPECT_THAT(RecordDecoder::Make(RecordFormat::kCloudEvents, {}).error().message(),
              HasSubstr("types: is missing"));
  RecordOptions options;
  options.cloud_events.emplace();
  EXPECT_THAT(RecordDecoder::Make(RecordFormat::kJson, std::move(options)).error().message(),
              HasSubstr("types: belong to format cloudevents, not to json"));
}

}  // namespace
}  // namespace barograph::ingest
