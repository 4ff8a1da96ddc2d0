#include "ingest/formats/event_mapping.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "ingest/formats/import_source.h"

namespace barograph::ingest {
namespace {

using testing::HasSubstr;

MappingSpec Tokens() {
  MappingSpec spec;
  spec.source = "test";
  spec.time_format = "%Y-%m-%d %H:%M:%E*S";
  spec.columns = {{"time", "TIMESTAMP"}, {"cost.tokens.input", "In"}, {"labels.team", "Team"}};
  spec.constants = {{"cost.category", "model"}, {"cost.model", "gpt-4o"}};
  return spec;
}

struct Imported {
  std::string producer;
  std::vector<v1::Event> events;  // empty ones stand for records that were refused
  std::vector<std::string> refused;
};

Imported Import(std::string_view text, const MappingSpec& spec) {
  const std::filesystem::path path = std::filesystem::path(testing::TempDir()) / "import";
  std::ofstream(path, std::ios::binary) << text;
  Imported imported;
  Result<EventMapping> mapping = EventMapping::Make(spec);
  EXPECT_TRUE(mapping.ok()) << mapping.error().message();
  auto source = ImportSource::Open(path.string(), std::move(mapping).value());
  if (!source.ok()) {
    imported.refused.push_back(source.error().message());
    return imported;
  }
  imported.producer = source.value()->producer_id();
  ImportRecord record;
  while (true) {
    const Result<bool> more = source.value()->Next(&record);
    if (!more.ok()) imported.refused.push_back(more.error().message());
    if (!more.ok() || !more.value()) return imported;
    imported.events.emplace_back();
    if (record.event.ok()) {
      EXPECT_TRUE(imported.events.back().ParseFromString(record.event.value()));
    } else {
      imported.refused.push_back(std::to_string(record.line) + ": " +
                                 record.event.error().message());
    }
  }
}

TEST(ImportSourceTest, RecordsOfACsvFileBecomeEvents) {
  const Imported imported = Import(
      "TIMESTAMP,Team,In,Other\n2023-11-16 18:15:46.6805901,a,374,x\n2023-11-16 18:15:47,,9,\n",
      Tokens());
  ASSERT_EQ(imported.events.size(), 2U);
  EXPECT_THAT(imported.refused, testing::IsEmpty());
  const v1::Event& event = imported.events[0];
  EXPECT_EQ(event.time().seconds(), 1'700'158'546);
  EXPECT_EQ(event.time().nanos(), 680'590'100);
  EXPECT_EQ(event.cost().tokens().input(), 374U);
  EXPECT_EQ(event.cost().category(), v1::Cost::MODEL);
  EXPECT_EQ(event.cost().model(), "gpt-4o");
  EXPECT_EQ(event.labels().at("team"), "a");
  EXPECT_EQ(imported.events[1].labels_size(), 0);
}

TEST(ImportSourceTest, ABadRecordKeepsItsNumberAndItsLine) {
  const Imported imported = Import(
      "TIMESTAMP,Team,In\nnever,a,1\n2023-11-16 18:15:46,a,-1\n2023-11-16 "
      "18:15:46\n\"x\"y,a,1\n2023-11-16 18:15:47,a,2\n",
      Tokens());
  EXPECT_EQ(imported.events.size(), 5U);
  ASSERT_EQ(imported.refused.size(), 4U);
  EXPECT_THAT(imported.refused[0], HasSubstr("2: column 'TIMESTAMP': time: 'never' is not a time"));
  EXPECT_THAT(imported.refused[1],
              HasSubstr("3: column 'In': cost.tokens.input: '-1' is not a whole number"));
  EXPECT_THAT(imported.refused[2], HasSubstr("4: column 'In' is missing"));
  EXPECT_THAT(imported.refused[3], HasSubstr("5: text after a closing quote"));
  EXPECT_EQ(imported.events[4].cost().tokens().input(), 2U);
}

TEST(ImportSourceTest, MissingColumnsAreNamedWithTheNearest) {
  const Imported imported = Import("Timestamp,Team,Inn\n", Tokens());
  ASSERT_EQ(imported.refused.size(), 1U);
  EXPECT_THAT(imported.refused[0], HasSubstr("no column 'TIMESTAMP'; did you mean 'Timestamp'?"));
  EXPECT_THAT(imported.refused[0], HasSubstr("no column 'In'; did you mean 'Inn'?"));
}

TEST(ImportSourceTest, WithoutAHeaderColumnsHaveNumbers) {
  MappingSpec spec;
  spec.header = false;
  spec.skip = 1;
  spec.blanks = true;
  spec.currency = "USD";
  spec.time_format = "%Y%m%d";
  spec.columns = {{"payment.customer", "1"}, {"time", "2"}, {"payment.amount", "4"}};
  spec.constants = {{"payment.type", "CHARGE"}};
  const Imported imported =
      Import("a comment\n 00001 19970101  1   11.77\n 00002 19970112  1   12.00\n", spec);
  ASSERT_EQ(imported.events.size(), 2U);
  EXPECT_EQ(imported.events[0].payment().customer(), "00001");
  EXPECT_EQ(imported.events[0].payment().amount().units(), 11);
  EXPECT_EQ(imported.events[0].payment().amount().nanos(), 770'000'000);
  EXPECT_EQ(imported.events[0].payment().amount().currency_code(), "USD");
}

TEST(ImportSourceTest, ObjectsOfAnNdjsonFileAreEventsOrGoThroughColumns) {
  MappingSpec spec;
  spec.format = ImportFormat::kNdjson;
  EXPECT_EQ(Import("{\"agent\": \"a\"}\n\n{\"agent\": \"b\"}\n", spec).events.size(), 2U);
  spec.time_format = "unix";
  spec.columns = {{"time", "created"}, {"cost.tokens.output", "usage.completion_tokens"}};
  const Imported mapped = Import(
      "{\"created\": 1700000000, \"usage\": {\"completion_tokens\": 7}}\n{\"created\": 1}\n[\n",
      spec);
  ASSERT_EQ(mapped.events.size(), 3U);
  EXPECT_EQ(mapped.events[0].cost().tokens().output(), 7U);
  EXPECT_EQ(mapped.refused.size(), 1U);
}

TEST(ImportSourceTest, AJsonFileIsAListOfEvents) {
  MappingSpec spec;
  spec.format = ImportFormat::kJson;
  EXPECT_EQ(Import(R"([{"agent": "a"}, {"agent": "b"}, {"agnt": 1}])", spec).events.size(), 3U);
  EXPECT_EQ(Import(R"({"agent": "a"})", spec).events.size(), 1U);
}

TEST(ImportSourceTest, TheProducerDependsOnFileAndMappingAlone) {
  const std::string text = "TIMESTAMP,Team,In\n";
  MappingSpec reordered = Tokens();
  std::swap(reordered.columns[0], reordered.columns[1]);
  MappingSpec other = Tokens();
  other.constants[1].second = "gpt-4o-mini";
  const std::string producer = Import(text, Tokens()).producer;
  EXPECT_THAT(producer, testing::MatchesRegex("import:test:[0-9a-f]{32}"));
  EXPECT_EQ(Import(text, Tokens()).producer, producer);
  EXPECT_EQ(Import(text, reordered).producer, producer);
  EXPECT_NE(Import(text, other).producer, producer);
  EXPECT_NE(Import(text + "x,y,1\n", Tokens()).producer, producer);
}

TEST(EventMappingTest, AMappingOfTwoKindsOrTwiceTheSameFieldIsRefused) {
  const auto refuses = [](const MappingSpec& spec, std::string_view told) {
    const Result<EventMapping> mapping = EventMapping::Make(spec);
    ASSERT_FALSE(mapping.ok());
    EXPECT_THAT(mapping.error().message(), HasSubstr(std::string(told)));
  };
  MappingSpec twice = Tokens();
  twice.constants.emplace_back("time", "2023-11-16 18:15:47");
  refuses(twice, "columns.time: is set twice");
  MappingSpec kinds = Tokens();
  kinds.columns.emplace_back("payment.amount", "x");
  refuses(kinds, "columns.payment.amount: the event is of another kind already: cost");
  MappingSpec source = Tokens();
  source.source = "Über";
  refuses(source, "source: ");
}

}  // namespace
}  // namespace barograph::ingest
