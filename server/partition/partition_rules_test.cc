// Rules and prices in force, and the notices that follow from them. Method: partition_fixture.h.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "server/partition/partition_fixture.h"

namespace barograph::server {
namespace {

using namespace std::chrono_literals;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using PartitionRulesTest = PartitionTest;

TEST_F(PartitionRulesTest, ANoticeReachesTheOutboxWithItsTransitionAndEndsOnce) {
  Open();
  ASSERT_TRUE(ApplyRules(NoFailureAllowed()).ok());
  gate_->Hold();
  Answers answers;
  Submit({.first = 1, .failed = true}, answers.Add(1));
  gate_->AwaitHeld();
  std::this_thread::sleep_for(kWhile);
  EXPECT_THAT(partition_->outbox().ListPending({0}, 10).value(), IsEmpty());
  EXPECT_EQ(outbox_calls_, 0);
  gate_->Release();
  ASSERT_TRUE(answers.Await(1));
  ASSERT_TRUE(Eventually([&] { return outbox_calls_ == 1; }));
  std::vector<storage::OutboxRow> pending = partition_->outbox().ListPending({0}, 10).value();
  ASSERT_THAT(pending, SizeIs(1));
  EXPECT_EQ(partition_->figures().outbox_pending, 1U);
  const auto notices = ServerEventsOf<storage::NoticeDecided>();
  ASSERT_THAT(notices, SizeIs(1));
  EXPECT_EQ(notices[0].id, pending[0].notice.id);
  EXPECT_EQ(notices[0].body, pending[0].notice.body);

  Open();
  EXPECT_EQ(partition_->figures().outbox_pending, 1U);
  storage::Delivery delivery;
  delivery.notice_id = pending[0].notice.id;
  delivery.receiver = "ops";
  delivery.outcome = storage::DeliveryOutcome::kDelivered;
  delivery.attempts = 2;
  const auto end = [&] {
    return AwaitAnswer<Status>(
        [&](auto done) { partition_->EndDelivery("default", delivery, done); });
  };
  ASSERT_TRUE(end().ok());
  EXPECT_EQ(partition_->figures().outbox_pending, 0U);
  EXPECT_THAT(partition_->outbox().ListPending({0}, 10).value(), IsEmpty());
  const auto ended = partition_->outbox().Find(pending[0].sequence);
  ASSERT_TRUE(ended.ok());
  EXPECT_EQ(ended->outcome, storage::DeliveryOutcome::kDelivered);
  EXPECT_EQ(ended->attempts, 2U);
  EXPECT_THAT(ServerEventsOf<storage::Delivery>(), SizeIs(1));
  EXPECT_EQ(end().error().code(), ErrorCode::kNotFound);
}

TEST_F(PartitionRulesTest, UnchangedRulesAreNotLoggedAgain) {
  Open();
  ASSERT_TRUE(ApplyRules(NoFailureAllowed()).ok());
  ASSERT_TRUE(ApplyRules(NoFailureAllowed()).ok());
  Open();
  ASSERT_TRUE(ApplyRules(NoFailureAllowed()).ok());
  EXPECT_THAT(ServerEventsOf<storage::ConfigApplied>(), SizeIs(1));
}

TEST_F(PartitionRulesTest, TheConfiguredPricesHoldForEveryTenantFromItsFirstEventOn) {
  storage::PricesApplied prices;
  prices.version = "configured";
  prices.currency_code = "USD";
  prices.prices.push_back({.model = "m", .provider = "p", .input = 1'000'000'000});  // 1e-6 USD
  const auto configure = [&] {
    return AwaitAnswer<Status>([&](auto done) { partition_->ConfigurePrices(prices, done); });
  };
  const auto spend = [&](const std::string& tenant, std::uint64_t first) {
    v1::Event event;
    event.mutable_cost()->set_provider("p");
    event.mutable_cost()->set_model("m");
    event.mutable_cost()->mutable_tokens()->set_input(1'000);
    ingest::Batch batch = MakeBatchOf({event});
    batch.tenant = tenant;
    batch.producer = "spender";
    batch.first_sequence = first;
    return AwaitAnswer<Result<ingest::BatchAnswer>>(
        [&](auto done) { ASSERT_TRUE(partition_->TrySubmit(batch, done)); });
  };
  const auto priced = [&](const std::string& tenant) {
    std::size_t tables = 0;
    EXPECT_TRUE(AwaitRead([&](const Partition::ReadView& view) {
                  tables = view.engine.PriceTables(tenant).size();
                  return false;
                }).ok());
    return tables;
  };
  Open();
  ASSERT_TRUE(configure().ok());
  ASSERT_TRUE(spend("newcomer", 1).ok());
  ASSERT_TRUE(spend("newcomer", 2).ok());
  EXPECT_EQ(priced("default"), 1U);
  EXPECT_EQ(priced("newcomer"), 1U);
  EXPECT_EQ(priced("nobody"), 0U);
  const auto records = ServerEventsOf<storage::PricesApplied>();
  EXPECT_THAT(records, SizeIs(2));
  EXPECT_EQ(CostNanos("newcomer"), 2'000'000) << "2,000 tokens at 1e-6 USD, none of them unpriced";

  Open();
  ASSERT_TRUE(configure().ok());
  EXPECT_THAT(ServerEventsOf<storage::PricesApplied>(), SizeIs(2)) << "unchanged, not logged again";
  const DigestAnswer live = StateDigest();
  prices.version = "changed";
  ASSERT_TRUE(configure().ok());
  EXPECT_THAT(ServerEventsOf<storage::PricesApplied>(), SizeIs(4)) << "a change reaches everyone";
  EXPECT_NE(StateDigest()->second, live->second);
  EXPECT_EQ(priced("newcomer"), 2U);

  storage::PricesApplied by_hand = prices;
  by_hand.version = "by hand";
  ASSERT_TRUE(AwaitAnswer<Status>([&](auto done) {
                partition_->ApplyPrices("newcomer", by_hand, done);
              }).ok());
  Open();
  ASSERT_TRUE(configure().ok());
  EXPECT_EQ(priced("newcomer"), 3U) << "a start does not put the configured table over it again";
}

TEST_F(PartitionRulesTest, ADeadNoticeIsPendingAgainByALoggedEventAlsoAfterARestart) {
  Open();
  ASSERT_TRUE(ApplyRules(NoFailureAllowed()).ok());
  Answers answers;
  Submit({.first = 1, .failed = true}, answers.Add(1));
  ASSERT_TRUE(answers.Await(1));
  ASSERT_TRUE(Eventually([&] { return partition_->figures().outbox_pending == 1; }));
  const storage::OutboxRow first = partition_->outbox().ListPending({0}, 10)->at(0);
  const auto resend = [&](Sequence row) {
    return AwaitAnswer<Status>(
        [&](auto done) { partition_->ResendNotice("default", row, "operator", done); });
  };
  EXPECT_EQ(resend(first.sequence).error().code(), ErrorCode::kFailedPrecondition) << "it waits";
  storage::Delivery delivery;
  delivery.notice_id = first.notice.id;
  delivery.receiver = "ops";
  delivery.outcome = storage::DeliveryOutcome::kDead;
  const auto end = [&] {
    return AwaitAnswer<Status>(
        [&](auto done) { partition_->EndDelivery("default", delivery, done); });
  };
  ASSERT_TRUE(end().ok());
  const int calls = outbox_calls_;
  EXPECT_EQ(resend(Sequence{first.sequence.value + 1'000}).error().code(), ErrorCode::kNotFound);
  ASSERT_TRUE(resend(first.sequence).ok());
  EXPECT_TRUE(Eventually([&] { return outbox_calls_ > calls; })) << "the worker is woken";
  EXPECT_EQ(resend(first.sequence).error().code(), ErrorCode::kNotFound) << "once is enough";
  const auto resent = ServerEventsOf<storage::NoticeResent>();
  ASSERT_THAT(resent, SizeIs(1));
  EXPECT_EQ(resent[0].notice_id, first.notice.id);
  EXPECT_EQ(resent[0].sequence, first.sequence);
  EXPECT_EQ(resent[0].origin.actor, "operator");
  Open();
  EXPECT_EQ(partition_->figures().outbox_pending, 1U);
  const storage::OutboxRow again = partition_->outbox().ListPending({0}, 10)->at(0);
  EXPECT_GT(again.sequence, first.sequence);
  EXPECT_EQ(again.notice.id, first.notice.id);
  EXPECT_EQ(again.notice.body, first.notice.body);
  delivery.outcome = storage::DeliveryOutcome::kDelivered;
  ASSERT_TRUE(end().ok());
  EXPECT_EQ(resend(again.sequence).error().code(), ErrorCode::kFailedPrecondition) << "delivered";
}

}  // namespace
}  // namespace barograph::server
