#include "ingest/kafka/partition_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "ingest/kafka/limits.h"
#include "storage/base/limits.h"

namespace barograph::ingest {
namespace {

using std::chrono::milliseconds;
using Taken = PartitionReader::Taken;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr Time kNow(std::chrono::sys_days(std::chrono::year(2026) / 11 / 21));
const std::string kGood = R"({"agent":"a1","task":{"status":"STARTED"}})";

class PartitionReaderTest : public testing::Test {
 protected:
  explicit PartitionReaderTest(RecordFormat format = RecordFormat::kNdjson)
      : decoder_(RecordDecoder::Make(format, {}).value()) {
    options_.topic = "agents";
    options_.tenant = "acme";
    options_.format = format;
  }

  PartitionReader MakeReader(std::optional<KafkaPosition> position = {}) {
    PartitionReader reader("agents", 3, &options_, &decoder_);
    reader.SetPosition(std::move(position));
    reader.Begin();
    return reader;
  }
  static KafkaPosition At(std::uint64_t next, std::optional<KafkaMark> last = {}) {
    KafkaPosition position;
    position.topic = "agents";
    position.partition = 3;
    position.next_offset = next;
    position.last = last;
    return position;
  }
  static KafkaMark MarkOf(std::uint64_t offset, std::string_view value) {
    return {offset, 1'000, KafkaCrc("key", value)};
  }
  static Taken Give(PartitionReader& reader, std::uint64_t offset,
                    std::optional<std::string_view> value, Duration now = Duration(0)) {
    const auto headers = [](std::vector<RecordHeaderView>* to) {
      to->push_back({"origin", "test", false});
    };
    return reader.Take({offset, 1'000, "key", value, headers}, kNow, now);
  }
  static Batch TakeReady(PartitionReader& reader) {
    reader.Close();
    Batch batch = std::move(*reader.ready());
    reader.Submitted();
    return batch;
  }

  KafkaTopicOptions options_;
  RecordDecoder decoder_;
};

TEST_F(PartitionReaderTest, ABatchCoversTheOffsetsSinceTheOneBefore) {
  PartitionReader reader = MakeReader();
  EXPECT_EQ(reader.StartOffset(), std::nullopt);
  EXPECT_EQ(Give(reader, 7, kGood), Taken::kRead);
  EXPECT_EQ(Give(reader, 9, kGood), Taken::kRead);
  const Batch first = TakeReady(reader);
  EXPECT_EQ(first.tenant, "acme");
  EXPECT_EQ(first.accepted, 2U);
  EXPECT_EQ(first.kafka->first_offset, 7U);
  EXPECT_EQ(first.kafka->next_offset, 10U);
  EXPECT_EQ(first.kafka->records, 2U);
  EXPECT_EQ(first.kafka->last, MarkOf(9, kGood));
  // A hole before the next record belongs to the next batch.
  EXPECT_EQ(Give(reader, 15, kGood), Taken::kRead);
  const Batch second = TakeReady(reader);
  EXPECT_EQ(second.kafka->first_offset, 10U);
  EXPECT_EQ(second.kafka->next_offset, 16U);
}

TEST_F(PartitionReaderTest, TheLastStoredRecordIsReadAgainAndCompared) {
  PartitionReader reader = MakeReader(At(10, MarkOf(9, kGood)));
  EXPECT_EQ(reader.StartOffset(), 9U);
  EXPECT_EQ(reader.reading(), KafkaReading::kVerifying);
  EXPECT_EQ(Give(reader, 9, kGood), Taken::kVerified);
  EXPECT_EQ(reader.reading(), KafkaReading::kReading);
  EXPECT_FALSE(reader.open());
  EXPECT_EQ(Give(reader, 10, kGood), Taken::kRead);
  EXPECT_EQ(TakeReady(reader).kafka->first_offset, 10U);
}

TEST_F(PartitionReaderTest, AnotherRecordInItsPlaceStopsThePartition) {
  PartitionReader reader = MakeReader(At(10, MarkOf(9, "something else")));
  EXPECT_EQ(Give(reader, 9, kGood), Taken::kOther);
  EXPECT_THAT(reader.problem(), HasSubstr("offset 9 is not the one that was read there"));
  reader.Stop(reader.problem());
  EXPECT_EQ(Give(reader, 10, kGood), Taken::kStale);
  EXPECT_FALSE(reader.open());
}

TEST_F(PartitionReaderTest, ALastRecordThatIsGoneIsUnverifiableAndReadingGoesOn) {
  PartitionReader later = MakeReader(At(10, MarkOf(9, kGood)));
  EXPECT_EQ(Give(later, 12, kGood), Taken::kRead);
  EXPECT_TRUE(later.unverifiable());
  EXPECT_EQ(TakeReady(later).kafka->first_offset, 10U);

  PartitionReader at_end = MakeReader(At(10, MarkOf(9, kGood)));
  at_end.ReachEnd(9);  // it may still come
  EXPECT_FALSE(at_end.unverifiable());
  at_end.ReachEnd(10);
  EXPECT_TRUE(at_end.unverifiable());
  EXPECT_EQ(at_end.reading(), KafkaReading::kReading);
}

TEST_F(PartitionReaderTest, WhatWasReadIsNotReadAgain) {
  PartitionReader reader = MakeReader(At(10));
  EXPECT_EQ(Give(reader, 9, kGood), Taken::kStale);
  EXPECT_EQ(Give(reader, 10, kGood), Taken::kRead);
  EXPECT_EQ(Give(reader, 10, kGood), Taken::kStale);
  EXPECT_EQ(TakeReady(reader).accepted, 1U);
}

TEST_F(PartitionReaderTest, ABrokenRecordIsSetAsideWholeAndTheRestGoesOn) {
  PartitionReader reader = MakeReader(At(0));
  (void)Give(reader, 0, kGood);
  (void)Give(reader, 1, "{\"agent\":");
  (void)Give(reader, 2, kGood + "\n{\"agent\":7}\n" + kGood);
  (void)Give(reader, 3, "");
  (void)Give(reader, 4, std::nullopt);
  const Batch batch = TakeReady(reader);
  EXPECT_EQ(batch.accepted, 3U);
  EXPECT_EQ(batch.kafka->records, 5U);
  EXPECT_EQ(batch.kafka->tombstones, 1U);
  EXPECT_EQ(batch.kafka->next_offset, 5U);
  const std::vector<SetAsideRecord>& aside = batch.kafka->set_aside;
  ASSERT_EQ(aside.size(), 3U);
  EXPECT_EQ(aside[0].offset, 1U);
  EXPECT_EQ(aside[0].value, "{\"agent\":");
  EXPECT_EQ(aside[0].key, "key");
  EXPECT_EQ(aside[0].headers.front().first, "origin");
  EXPECT_EQ(aside[1].offset, 2U);
  EXPECT_THAT(aside[1].rejected_events, ElementsAre(1));
  EXPECT_THAT(aside[1].reason, HasSubstr("line 2"));
  EXPECT_EQ(aside[2].reason, "value: holds no event");
}

TEST_F(PartitionReaderTest, OnlyTheHeadOfAHugeValueIsKeptWithItsDigest) {
  PartitionReader reader = MakeReader(At(0));
  const std::string huge(std::size_t{5} << 20U, 'x');
  (void)Give(reader, 0, huge);
  const Batch batch = TakeReady(reader);
  const SetAsideRecord& aside = batch.kafka->set_aside.front();
  EXPECT_EQ(aside.value.size(), kQuarantinedValueMax);
  EXPECT_EQ(aside.value_bytes, huge.size());
  EXPECT_TRUE(aside.digest.has_value());
}

TEST_F(PartitionReaderTest, ABatchEndsBeforeTheRecordThatDoesNotFit) {
  PartitionReader reader = MakeReader(At(0));
  std::string lines;
  for (std::size_t i = 0; i < kBatchEventsMax; ++i) lines += kGood + "\n";
  (void)Give(reader, 0, kGood);
  (void)Give(reader, 1, lines);
  ASSERT_NE(reader.ready(), nullptr);
  const Batch first = std::move(*reader.ready());
  reader.Submitted();
  EXPECT_EQ(first.accepted, 1U);
  EXPECT_EQ(first.kafka->next_offset, 1U);
  const Batch second = TakeReady(reader);
  EXPECT_EQ(second.accepted, kBatchEventsMax);
  EXPECT_EQ(second.kafka->first_offset, 1U);
  EXPECT_EQ(second.kafka->next_offset, 2U);
}

TEST_F(PartitionReaderTest, ABatchIsDueAfterItsAgeAndReadyWhenFull) {
  PartitionReader reader = MakeReader(At(0));
  (void)Give(reader, 0, kGood, milliseconds(5));
  EXPECT_FALSE(reader.due(milliseconds(5) + kKafkaBatchAge - milliseconds(1)));
  EXPECT_TRUE(reader.due(milliseconds(5) + kKafkaBatchAge));
  for (std::uint64_t offset = 1; offset < kKafkaBatchEvents; ++offset) {
    ASSERT_EQ(reader.ready(), nullptr);
    (void)Give(reader, offset, kGood);
  }
  EXPECT_NE(reader.ready(), nullptr);
}

TEST_F(PartitionReaderTest, AfterARefusalNothingIsTakenUntilTheLogSaidWhereItStands) {
  PartitionReader reader = MakeReader(At(0));
  (void)Give(reader, 0, kGood);
  (void)TakeReady(reader);
  (void)Give(reader, 1, kGood);
  reader.Refused();
  EXPECT_TRUE(reader.failed());
  EXPECT_TRUE(reader.settled());
  EXPECT_EQ(Give(reader, 2, kGood), Taken::kStale);
  reader.SetPosition(At(0));
  EXPECT_EQ(reader.ready(), nullptr);
  EXPECT_EQ(reader.StartOffset(), 0U);
  (void)Give(reader, 0, kGood);
  EXPECT_EQ(TakeReady(reader).kafka->first_offset, 0U);
}

TEST_F(PartitionReaderTest, WhatWasReadBeforeThePartitionLeftIsSubmitted) {
  PartitionReader reader = MakeReader(At(0));
  (void)Give(reader, 0, kGood);
  reader.End();
  EXPECT_NE(reader.ready(), nullptr);
  // It comes back: the last record read, durable or not, is the one to compare.
  reader.Begin();
  EXPECT_EQ(reader.StartOffset(), 0U);
  EXPECT_EQ(Give(reader, 0, kGood), Taken::kVerified);
  EXPECT_EQ(Give(reader, 1, kGood), Taken::kRead);
}

}  // namespace
}  // namespace barograph::ingest
