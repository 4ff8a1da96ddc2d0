#include "storage/state/outbox.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

namespace barograph::storage {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class OutboxTest : public ::testing::Test {
 protected:
  OutboxTest() { Reopen(); }
  ~OutboxTest() override {
    database_.reset();
    std::filesystem::remove_all(directory_);
  }
  void Reopen() {
    database_.reset();
    Result<std::unique_ptr<Database>> opened = Database::Open({.directory = directory_});
    ASSERT_TRUE(opened.ok()) << opened.error().ToString();
    database_ = std::move(opened).value();
    outbox_ = std::make_unique<Outbox>(*database_);
  }
  void Write(WriteGroup& group) { ASSERT_TRUE(database_->Write(group, /*sync=*/true).ok()); }

  static OutboxRow Row(std::uint64_t sequence) {
    OutboxRow row{.tenant = "acme", .sequence = {sequence}};
    row.notice.origin = {.actor = "server", .reason = "evaluation"};
    row.notice.id = "notice-" + std::to_string(sequence);
    row.notice.receiver = "ops";
    row.notice.group_key = "{rule=\"x\"}";
    row.notice.episode_ids = {"1-a", "2-b"};
    row.notice.body = std::string("{\"n\":\0}", 7);
    row.notice.content_type = "application/json";
    row.notice.state = AlertState::kResolved;
    row.notice.at = Time(std::chrono::seconds(1'700'000'000));
    return row;
  }
  std::vector<std::uint64_t> Pending(std::uint64_t after = 0, std::size_t limit = 100) {
    std::vector<std::uint64_t> sequences;
    const std::vector<OutboxRow> rows = outbox_->ListPending({after}, limit).value();
    for (const OutboxRow& row : rows) {
      sequences.push_back(row.sequence.value);
    }
    return sequences;
  }
  std::vector<std::uint64_t> Ended(std::size_t limit = 100) {
    std::vector<std::uint64_t> sequences;
    const std::vector<OutboxRow> rows = outbox_->ListEnded(limit).value();
    for (const OutboxRow& row : rows) {
      sequences.push_back(row.sequence.value);
    }
    return sequences;
  }

  std::string directory_ = ::testing::TempDir() + "outbox_test_" + std::to_string(getpid());
  std::unique_ptr<Database> database_;
  std::unique_ptr<Outbox> outbox_;
};

TEST_F(OutboxTest, ARowComesBackWholeAfterARestart) {
  WriteGroup group;
  Outbox::StageNotice(Row(7), &group);
  Write(group);
  Reopen();
  const Result<OutboxRow> found = outbox_->Find({7});
  ASSERT_TRUE(found.ok());
  const OutboxRow expected = Row(7);
  EXPECT_EQ(found->tenant, "acme");
  EXPECT_EQ(found->notice.id, expected.notice.id);
  EXPECT_EQ(found->notice.origin.reason, "evaluation");
  EXPECT_EQ(found->notice.receiver, "ops");
  EXPECT_EQ(found->notice.group_key, expected.notice.group_key);
  EXPECT_EQ(found->notice.episode_ids, expected.notice.episode_ids);
  EXPECT_EQ(found->notice.body, expected.notice.body);
  EXPECT_EQ(found->notice.content_type, "application/json");
  EXPECT_EQ(found->notice.state, AlertState::kResolved);
  EXPECT_EQ(found->notice.at, expected.notice.at);
  EXPECT_EQ(found->outcome, DeliveryOutcome::kUnspecified);
}

TEST_F(OutboxTest, PendingRowsAreListedInOrderOfSequence) {
  WriteGroup group;
  for (const std::uint64_t sequence : {300U, 2U, 70'000U})
    Outbox::StageNotice(Row(sequence), &group);
  Write(group);
  EXPECT_THAT(Pending(), ElementsAre(2, 300, 70'000));
  EXPECT_THAT(Pending(/*after=*/2), ElementsAre(300, 70'000));
  EXPECT_THAT(Pending(/*after=*/0, /*limit=*/1), ElementsAre(2));
  EXPECT_THAT(Ended(), IsEmpty());
}

TEST_F(OutboxTest, AnEndedRowLeavesThePendingOnesAndTheNewestIsListedFirst) {
  WriteGroup group;
  for (const std::uint64_t sequence : {1U, 2U, 3U}) Outbox::StageNotice(Row(sequence), &group);
  for (const std::uint64_t sequence : {1U, 3U}) {
    OutboxRow row = Row(sequence);
    row.outcome = DeliveryOutcome::kDead;
    row.attempts = 12;
    row.detail = "HTTP 410";
    Outbox::StageEnd(row, &group);
  }
  Write(group);
  EXPECT_THAT(Pending(), ElementsAre(2));
  EXPECT_THAT(Ended(), ElementsAre(3, 1));
  EXPECT_THAT(Ended(/*limit=*/1), ElementsAre(3));
  const Result<OutboxRow> dead = outbox_->Find({3});
  ASSERT_TRUE(dead.ok());
  EXPECT_EQ(dead->outcome, DeliveryOutcome::kDead);
  EXPECT_EQ(dead->attempts, 12U);
  EXPECT_EQ(dead->detail, "HTTP 410");
}

TEST_F(OutboxTest, AForgottenRowIsNotFound) {
  WriteGroup group;
  Outbox::StageEnd(Row(5), &group);
  Outbox::StageForget({5}, &group);
  Write(group);
  EXPECT_EQ(outbox_->Find({5}).error().code(), ErrorCode::kNotFound);
}

TEST_F(OutboxTest, ABrokenRowIsCorruption) {
  WriteGroup group;
  group.Put(Table::kOutbox, std::string("p\0\0\0\0\0\0\0\1", 9), "nonsense");
  Write(group);
  EXPECT_EQ(outbox_->Find({1}).error().code(), ErrorCode::kCorruption);
  EXPECT_EQ(outbox_->ListPending({0}, 10).error().code(), ErrorCode::kCorruption);
}

TEST_F(OutboxTest, AnEndedRowBecomesPendingAgainBehindTheOthers) {
  WriteGroup group;
  OutboxRow dead = Row(1);
  Outbox::StageNotice(dead, &group);
  dead.outcome = DeliveryOutcome::kDead;
  dead.attempts = 3;
  dead.detail = "HTTP 400";
  Outbox::StageEnd(dead, &group);
  Outbox::StageNotice(Row(2), &group);
  Write(group);
  const OutboxRow found = outbox_->FindNotice("acme", "notice-1").value();
  EXPECT_EQ(found.outcome, DeliveryOutcome::kDead);
  EXPECT_FALSE(outbox_->FindNotice("other", "notice-1").ok());
  EXPECT_EQ(outbox_->FindNewer(found).value(), "notice-2");
  const Time now = dead.notice.at + std::chrono::hours(100);
  WriteGroup again;
  Outbox::StageResend(found, {3}, now, &again);
  Write(again);
  Reopen();
  EXPECT_THAT(Pending(), ElementsAre(2, 3));
  EXPECT_THAT(Ended(), IsEmpty());
  const OutboxRow row = outbox_->Find({3}).value();
  EXPECT_EQ(row.notice.id, "notice-1");
  EXPECT_EQ(row.notice.body, dead.notice.body);
  EXPECT_EQ(row.outcome, DeliveryOutcome::kUnspecified);
  EXPECT_EQ(row.attempts, 0U);
  EXPECT_EQ(row.pending_since(), now);
}

TEST_F(OutboxTest, WhatDiedTellsNothingNewer) {
  WriteGroup group;
  Outbox::StageNotice(Row(1), &group);
  OutboxRow other = Row(2);
  other.outcome = DeliveryOutcome::kDead;
  Outbox::StageEnd(other, &group);
  OutboxRow stranger = Row(3);
  stranger.notice.group_key = "{rule=\"y\"}";
  Outbox::StageNotice(stranger, &group);
  Write(group);
  EXPECT_EQ(outbox_->FindNewer(Row(1)).value(), "");
}

}  // namespace
}  // namespace barograph::storage
