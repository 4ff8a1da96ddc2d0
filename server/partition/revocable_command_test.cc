#include "server/partition/revocable_command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <future>

#include "server/partition/gated_file_system.h"
#include "server/partition/partition.h"

namespace barograph::server {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using How = CommandEnd::How;

constexpr auto kSoon = 20s;     ///< real time for what must come
constexpr auto kWhile = 100ms;  ///< real time in which something must not come

// Method: a real partition whose writer is held inside a read, or whose syncs are held, so that a
// reload finds nobody who comes to it in time.
class RevocableCommandTest : public ::testing::Test {
 protected:
  RevocableCommandTest() {
    std::filesystem::remove_all(directory_);
    PartitionOptions options;
    options.directory = directory_;
    options.write_buffer_bytes = 16U << 20U;
    options.block_cache_bytes = 1U << 20U;
    options.file_system = gate_;
    auto opened =
        Partition::Open(options, clock_,
                        {.format = [](const rules::Notice&,
                                      const rules::ReceiverSpec&) { return rules::NoticeBody{}; },
                         .on_outbox = {},
                         .on_failure = {},
                         .on_progress = {}});
    EXPECT_TRUE(opened.ok()) << opened.error().ToString();
    partition_ = std::move(opened).value();
  }
  ~RevocableCommandTest() override {
    gate_->Release();
    partition_.reset();
    std::filesystem::remove_all(directory_);
  }

  CommandEnd Apply(const std::string& slo, Duration limit) {
    rules::RuleSet rules;
    rules.slos.emplace_back();
    rules.slos[0].common.name = slo;
    rules.slos[0].good.measure = "tasks.completed";
    rules.slos[0].total.measure = "tasks.finished";
    rules.slos[0].objective_ppb = 1'000'000'000;
    rules.slos[0].period = 24h * 30;
    return AwaitCommand(limit, [&](auto revocation, auto done) {
      partition_->ApplyRules(rules, {}, std::move(done), std::move(revocation));
    });
  }
  std::string RuleInForce() {
    std::promise<std::string> name;
    std::future<std::string> told = name.get_future();
    partition_->Read(
        [&](const Partition::ReadView& view) {
          const auto& slos = view.engine.rules().slos;
          name.set_value(slos.empty() ? "none" : slos[0].common.name);
          return false;
        },
        [](const Result<Sequence>&) {});
    return told.wait_for(kSoon) == std::future_status::ready ? told.get() : "no answer";
  }

  const std::string directory_ =
      ::testing::TempDir() + "revocable_command_test_" + std::to_string(getpid());
  std::shared_ptr<GatedFileSystem> gate_ = std::make_shared<GatedFileSystem>();
  SystemClock clock_;
  std::unique_ptr<Partition> partition_;
};

TEST_F(RevocableCommandTest, RulesAreInForceWhenTheWaitEnds) {
  const CommandEnd end = Apply("first", kSoon);
  EXPECT_EQ(end.how, How::kEnded);
  EXPECT_TRUE(end.status.ok());
  EXPECT_EQ(RuleInForce(), "first");
}

TEST_F(RevocableCommandTest, WhatTheWriterDoesNotComeToInTimeIsTakenBackAndTheOldRulesStay) {
  ASSERT_TRUE(Apply("old", kSoon).status.ok());
  std::promise<void> go;
  partition_->Read(
      [held = go.get_future().share()](const Partition::ReadView&) {
        held.wait();
        return false;
      },
      [](const Result<Sequence>&) {});
  const CommandEnd end = Apply("new", kWhile);
  EXPECT_EQ(end.how, How::kTakenBack);
  ASSERT_FALSE(end.status.ok());
  EXPECT_EQ(end.status.error().code(), ErrorCode::kDeadlineExceeded);
  EXPECT_THAT(end.status.error().message(),
              HasSubstr("the writer did not come to it within 100ms"));
  go.set_value();
  EXPECT_EQ(RuleInForce(), "old");
}

TEST_F(RevocableCommandTest, WhatHasBegunHoldsAndTheErrorSaysSo) {
  ASSERT_TRUE(Apply("old", kSoon).status.ok());
  gate_->Hold();
  const CommandEnd end = Apply("new", 2 * kWhile);
  EXPECT_EQ(end.how, How::kGoesOn);
  ASSERT_FALSE(end.status.ok());
  EXPECT_THAT(end.status.error().message(), HasSubstr("not durable within 200ms"));
  gate_->Release();
  EXPECT_EQ(RuleInForce(), "new");
}

}  // namespace
}  // namespace barograph::server
