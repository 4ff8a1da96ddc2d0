#include "storage/state/quarantine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

namespace barograph::storage {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class QuarantineTest : public ::testing::Test {
 protected:
  QuarantineTest() {
    std::filesystem::remove_all(directory_);
    Reopen();
  }
  ~QuarantineTest() override {
    database_.reset();
    std::filesystem::remove_all(directory_);
  }
  void Reopen() {
    database_.reset();
    Result<std::unique_ptr<Database>> opened = Database::Open({.directory = directory_});
    ASSERT_TRUE(opened.ok()) << opened.error().ToString();
    database_ = std::move(opened).value();
    quarantine_ = std::make_unique<Quarantine>(*database_);
  }
  void Stage(std::uint64_t sequence, const std::string& topic) {
    WriteGroup group;
    Quarantine::StageRow({.tenant = "acme",
                          .sequence = {sequence},
                          .topic = topic,
                          .partition = 7,
                          .offset = ~std::uint64_t{0},
                          .set_aside_at = Time(std::chrono::nanoseconds(-5)),
                          .value_bytes = 100'000'000,
                          .reason = "value: not JSON"},
                         &group);
    ASSERT_TRUE(database_->Write(group, /*sync=*/true).ok());
  }
  std::vector<std::uint64_t> Listed(std::string_view topic = "", std::uint64_t after = 0,
                                    std::size_t limit = 100) {
    std::vector<std::uint64_t> sequences;
    const std::vector<QuarantineRow> rows = quarantine_->List(topic, {after}, limit).value();
    for (const QuarantineRow& row : rows) sequences.push_back(row.sequence.value);
    return sequences;
  }

  std::string directory_ = ::testing::TempDir() + "quarantine_test_" + std::to_string(getpid());
  std::unique_ptr<Database> database_;
  std::unique_ptr<Quarantine> quarantine_;
};

TEST_F(QuarantineTest, ARowIsReadBackAsItWasStaged) {
  Stage(12, "events");
  Reopen();
  const Result<QuarantineRow> row = quarantine_->Find({12});
  ASSERT_TRUE(row.ok()) << row.error().ToString();
  EXPECT_EQ(row->tenant, "acme");
  EXPECT_EQ(row->sequence.value, 12U);
  EXPECT_EQ(row->topic, "events");
  EXPECT_EQ(row->partition, 7U);
  EXPECT_EQ(row->offset, ~std::uint64_t{0});
  EXPECT_EQ(row->set_aside_at, Time(std::chrono::nanoseconds(-5)));
  EXPECT_EQ(row->value_bytes, 100'000'000U);
  EXPECT_EQ(row->reason, "value: not JSON");
}

TEST_F(QuarantineTest, RowsAreListedBySequencePageByPageAndByTopic) {
  for (const std::uint64_t sequence : {300, 2, 256, 255}) Stage(sequence, "a");
  Stage(77, "b");
  EXPECT_THAT(Listed(), ElementsAre(2, 77, 255, 256, 300));
  EXPECT_THAT(Listed("", 0, 2), ElementsAre(2, 77));
  EXPECT_THAT(Listed("", 77, 2), ElementsAre(255, 256));
  EXPECT_THAT(Listed("b"), ElementsAre(77));
  EXPECT_THAT(Listed("a", 2, 1), ElementsAre(255));
  EXPECT_THAT(Listed("c"), IsEmpty());
  EXPECT_THAT(Listed("", ~std::uint64_t{0}), IsEmpty());
}

TEST_F(QuarantineTest, WhatEndedIsGone) {
  Stage(1, "a");
  Stage(2, "a");
  WriteGroup group;
  Quarantine::StageEnd({1}, &group);
  ASSERT_TRUE(database_->Write(group, /*sync=*/true).ok());
  EXPECT_THAT(Listed(), ElementsAre(2));
  EXPECT_EQ(quarantine_->Find({1}).error().code(), ErrorCode::kNotFound);
}

TEST_F(QuarantineTest, AReasonIsCutBetweenCharacters) {
  const auto kept = [](const std::string& reason) {
    return QuarantineRowOf("acme", {1}, {.reason = reason}, Time{}).reason;
  };
  EXPECT_EQ(kept(std::string(256, 'x')), std::string(256, 'x'));
  EXPECT_EQ(kept(std::string(300, 'x')), std::string(256, 'x'));
  EXPECT_EQ(kept(std::string(255, 'x') + "\u00E9..."), std::string(255, 'x'));
  EXPECT_EQ(kept(std::string(254, 'x') + "\u00E9..."), std::string(254, 'x') + "\u00E9");
  EXPECT_EQ(kept("a\xFF"), "a\uFFFD");
}

TEST_F(QuarantineTest, ARowThatCannotBeReadIsCorruptionThatNamesIt) {
  WriteGroup group;
  group.Put(Table::kQuarantine, std::string("\0\0\0\0\0\0\0\x09", 8), "\x07");
  ASSERT_TRUE(database_->Write(group, /*sync=*/true).ok());
  const auto listed = quarantine_->List("", {0}, 10);
  ASSERT_FALSE(listed.ok());
  EXPECT_EQ(listed.error().code(), ErrorCode::kCorruption);
  EXPECT_NE(listed.error().message().find("row 9"), std::string::npos);
}

}  // namespace
}  // namespace barograph::storage
