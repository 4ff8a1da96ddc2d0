#include "ingest/formats/task_log.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "ingest/formats/event_json.h"
#include "storage/event/event_view.h"

// Method: whole objects as users write them lie in tests/golden/tasks as NAME.json, with the event
// that each becomes as NAME.event (protobuf text). BAROGRAPH_UPDATE_GOLDENS=1 writes the events
// anew, for review.
namespace barograph::ingest {
namespace {

std::string ReadFile(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

FieldText InNewYork() {
  const auto times = TimeText::Make("America/New_York");
  EXPECT_TRUE(times.ok());
  return {times.value(), ""};
}

TEST(TaskLogTest, ObjectsThatUsersWriteAreNeverRefused) {
  const std::filesystem::path folder =
      std::filesystem::path(BAROGRAPH_SOURCE_DIR) / "tests/golden/tasks";
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".json") continue;
    ++files;
    SCOPED_TRACE(entry.path());
    const Result<JsonValue> json = ParseJson(ReadFile(entry.path()));
    ASSERT_TRUE(json.ok()) << json.error().message();
    v1::Event event;
    const Status read = ReadTaskLog(json.value(), InNewYork(), &event);
    ASSERT_TRUE(read.ok()) << read.error().message();

    const std::string wire = EncodeEvent(event);
    storage::EventView view;
    const Status accepted = storage::ReadEvent(wire, storage::EventSource::kOutside, &view);
    EXPECT_TRUE(accepted.ok()) << accepted.error().message();

    google::protobuf::TextFormat::Printer printer;
    std::string text;
    ASSERT_TRUE(printer.PrintToString(event, &text));
    std::filesystem::path expected = entry.path();
    expected.replace_extension(".event");
    if (std::getenv("BAROGRAPH_UPDATE_GOLDENS") != nullptr) std::ofstream(expected) << text;
    v1::Event wanted;
    ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(ReadFile(expected), &wanted)) << text;
    EXPECT_EQ(EncodeEvent(wanted), wire) << text;
  }
  EXPECT_GE(files, 4);
}

TEST(TaskLogTest, ALineThatIsNoTaskEventIsRefusedWithTheReason) {
  const auto refuses = [](std::string_view text, std::string_view told) {
    const Result<JsonValue> json = ParseJson(text);
    ASSERT_TRUE(json.ok());
    v1::Event event;
    const Status status = ReadTaskLog(json.value(), InNewYork(), &event);
    ASSERT_FALSE(status.ok()) << text;
    EXPECT_THAT(status.error().message(), testing::HasSubstr(std::string(told)));
  };
  refuses(R"([1])", "must be an object, not a list");
  refuses(R"({"timestamp": "2026-01-01"})", "event: is missing");
  refuses(R"({"event": "task_complete", "timestamp": "2026-01-01"})",
          "did you mean 'task_completed'?");
  refuses(R"({"event": "task_started"})", "timestamp: is missing");
  refuses(R"({"event": "task_started", "timestamp": "yesterday"})",
          "timestamp: 'yesterday' is not a time");
}

TEST(TaskLogTest, EverythingUnknownIsKept) {
  std::string text = R"({"event": "task_started", "timestamp": "2026-01-01")";
  for (int i = 0; i < 40; ++i) text += ", \"k" + std::to_string(i) + "\": " + std::to_string(i);
  text += ", \"long\": \"" + std::string(40'000, 'x') + "\"}";
  const Result<JsonValue> json = ParseJson(text);
  ASSERT_TRUE(json.ok());
  v1::Event event;
  ASSERT_TRUE(ReadTaskLog(json.value(), InNewYork(), &event).ok());
  EXPECT_EQ(event.labels_size(), 32);
  ASSERT_EQ(event.task().evidence_size(), 9);
  EXPECT_EQ(event.task().evidence(0), "k32: 32");
  storage::EventView view;
  EXPECT_TRUE(storage::ReadEvent(EncodeEvent(event), storage::EventSource::kOutside, &view).ok());
}

}  // namespace
}  // namespace barograph::ingest
