// Method: the real partition on a temporary folder behind a real gRPC server; only the network is
// short.
#include "server/api/api.h"

#include <gmock/gmock.h>
#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <future>
#include <string>
#include <thread>

#include "barograph/v1/ingest.grpc.pb.h"
#include "barograph/v1/query.grpc.pb.h"
#include "ingest/grpc/ingest_door.h"
#include "rules/spec/rule_spec.h"
#include "server/api/wire_time.h"

namespace barograph::server {
namespace {

using std::chrono::hours;
using ::testing::HasSubstr;

class ApiTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string folder = ::testing::TempDir() + "barograph-api-XXXXXX";
    ASSERT_NE(::mkdtemp(folder.data()), nullptr);
    folder_ = folder;
    PartitionOptions options;
    options.directory = folder_;
    Partition::Hooks hooks;
    hooks.format = [](const rules::Notice&, const rules::ReceiverSpec&) {
      return rules::NoticeBody{.bytes = "{}", .content_type = "application/json"};
    };
    hooks.on_failure = [](const Error& error) { FAIL() << error.ToString(); };
    auto partition = Partition::Open(options, clock_, std::move(hooks));
    ASSERT_TRUE(partition.ok()) << partition.error().ToString();
    partition_ = std::move(partition).value();
    ApplyRules();
    api_ = std::make_unique<Api>(*partition_, authenticator_, clock_, "1.2.3");
    auto door = ingest::IngestDoor::Open({.listen = "127.0.0.1:0"}, *partition_, authenticator_,
                                         clock_, api_->services());
    ASSERT_TRUE(door.ok()) << door.error().ToString();
    door_ = std::move(door).value();
    channel_ = ::grpc::CreateChannel("127.0.0.1:" + std::to_string(door_->port()),
                                     ::grpc::InsecureChannelCredentials());
    ingest_ = v1::IngestService::NewStub(channel_);
    query_ = v1::QueryService::NewStub(channel_);
    admin_ = v1::AdminService::NewStub(channel_);
  }
  void TearDown() override {
    if (api_ != nullptr) api_->Stop();
    if (door_ != nullptr) door_->Drain(std::chrono::seconds(10));
    if (partition_ != nullptr) {
      EXPECT_TRUE(partition_->Drain(std::chrono::seconds(10)).ok());
    }
    door_.reset();
    api_.reset();
    partition_.reset();
    std::filesystem::remove_all(folder_);
  }

  void ApplyRules() {
    rules::RuleSet rules;
    rules.labels = {"team"};
    rules::SloSpec slo;
    slo.common.name = "task-success";
    slo.common.by = {"agent"};
    slo.good = {.measure = "tasks.completed", .at_most_nanos = {}};
    slo.total = {.measure = "tasks.finished", .at_most_nanos = {}};
    slo.objective_ppb = 990'000'000;
    slo.period = hours(24 * 30);
    slo.burn = rules::DefaultBurnRows();
    rules.slos = {slo};
    rules::ThresholdSpec forecast;
    forecast.common.name = "many-tasks";
    forecast.common.by = {"agent"};
    forecast.form = rules::ThresholdSpec::Form::kForecast;
    forecast.measure = "tasks.completed";
    forecast.bound.number = "1000";
    forecast.span = hours(12);
    forecast.per = hours(1);
    forecast.probability_ppb = 800'000'000;
    rules.thresholds = {forecast};
    rules.receivers = {{.name = "ops", .target = "/dev/null", .secret_reference = ""}};
    rules.receivers[0].type = rules::ReceiverSpec::Type::kFile;
    rules.route.receiver = "ops";
    std::promise<Status> applied;
    partition_->ApplyRules(rules, {.actor = "server", .reason = "start"},
                           [&applied](Status status) { applied.set_value(std::move(status)); });
    const Status status = applied.get_future().get();
    ASSERT_TRUE(status.ok()) << status.error().ToString();
  }

  /// Says `said` tasks for each of the 12 hours after `history_end`, or that it cannot say.
  void IssueForecast(const std::string& agent, Time history_end, double said,
                     const std::string& cannot_say = "") {
    storage::ForecastIssued forecast;
    forecast.rule = "many-tasks";
    forecast.labels = {{"agent", agent}};
    forecast.measure = "tasks.completed";
    forecast.history_end = history_end;
    forecast.step = hours(1);
    forecast.cannot_say = cannot_say;
    if (cannot_say.empty())
      forecast.steps.assign(12, {said, said - 1, said + 1, said - 3, said + 3});
    std::promise<bool> issued;
    partition_->Decide(
        [forecast](const rules::Engine& engine, Time now) {
          return engine.IssueForecast("default", forecast, now);
        },
        [&issued](const Result<Sequence>& done) { issued.set_value(done.ok()); });
    EXPECT_TRUE(issued.get_future().get());
  }
  v1::GetForecastAccuracyResponse AccuracyOf(const v1::GetForecastAccuracyRequest& request) {
    ::grpc::ClientContext context;
    v1::GetForecastAccuracyResponse response;
    const auto status = query_->GetForecastAccuracy(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }

  /// Sends `count` tasks of an agent and returns the log sequence of the receipt.
  std::uint64_t SendTasks(const std::string& agent, v1::Task::Status task_status, int count,
                          const std::string& team = "red") {
    v1::PublishBatchRequest request;
    for (int i = 0; i < count; ++i) {
      auto& event = *request.add_events();
      event.set_agent(agent);
      (*event.mutable_labels())["team"] = team;
      event.mutable_task()->set_status(task_status);
    }
    ::grpc::ClientContext context;
    v1::PublishBatchResponse response;
    const auto status = ingest_->PublishBatch(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    EXPECT_EQ(response.accepted(), static_cast<std::uint32_t>(count));
    return response.receipt().sequence();
  }

  v1::QueryWindowsRequest Window(const std::string& measure) {
    v1::QueryWindowsRequest request;
    request.set_measure(measure);
    SetDuration(hours(1), request.mutable_over());
    return request;
  }
  ::grpc::Status Ask(const v1::QueryWindowsRequest& request, v1::QueryWindowsResponse* response) {
    ::grpc::ClientContext context;
    return query_->QueryWindows(&context, request, response);
  }

  SystemClock clock_;
  std::string folder_;
  ingest::OpenAuthenticator authenticator_;
  std::unique_ptr<Partition> partition_;
  std::unique_ptr<Api> api_;
  std::unique_ptr<ingest::IngestDoor> door_;
  std::shared_ptr<::grpc::Channel> channel_;
  std::unique_ptr<v1::IngestService::Stub> ingest_;
  std::unique_ptr<v1::QueryService::Stub> query_;
  std::unique_ptr<v1::AdminService::Stub> admin_;
};

TEST_F(ApiTest, WhatWasAcknowledgedIsInTheNextAnswer) {
  const std::uint64_t sequence = SendTasks("CMO", v1::Task::COMPLETED, 7);
  v1::QueryWindowsResponse response;
  ASSERT_TRUE(Ask(Window("tasks.completed"), &response).ok());
  ASSERT_EQ(response.rows_size(), 1);
  EXPECT_EQ(response.rows(0).value(), "7");
  EXPECT_GE(response.sequence(), sequence);
  EXPECT_FALSE(response.scanned());
}

TEST_F(ApiTest, WhatNoSeriesHoldsIsScannedAndSaysSo) {
  SendTasks("CMO", v1::Task::COMPLETED, 3, "red");
  SendTasks("CTO", v1::Task::COMPLETED, 4, "blue");
  SendTasks("CTO", v1::Task::FAILED, 2, "blue");
  auto request = Window("tasks.completed");
  request.add_by("team");
  v1::QueryWindowsResponse response;
  const auto status = Ask(request, &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_TRUE(response.scanned());
  ASSERT_EQ(response.rows_size(), 2);
  EXPECT_EQ(response.rows(0).labels().at("team"), "blue");
  EXPECT_EQ(response.rows(0).value(), "4");
  EXPECT_EQ(response.rows(1).value(), "3");
  request.set_refuse_scan(true);
  const auto refused = Ask(request, &response);
  EXPECT_EQ(refused.error_code(), ::grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(refused.error_message(), HasSubstr("{by: [team]}"));
}

TEST_F(ApiTest, AMisspeltMeasureIsRefusedWithTheNearest) {
  v1::QueryWindowsResponse response;
  const auto status = Ask(Window("tasks.complete"), &response);
  EXPECT_EQ(status.error_code(), ::grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("tasks.completed"));
  EXPECT_THAT(status.error_details(), HasSubstr("google.rpc.BadRequest"));
}

TEST_F(ApiTest, SlosAndAlertsTellOfAStorm) {
  SendTasks("CMO", v1::Task::COMPLETED, 10);
  SendTasks("CTO", v1::Task::FAILED, 50);
  v1::ListAlertsResponse alerts;
  for (int i = 0; i < 200 && alerts.alerts_size() == 0; ++i) {
    ::grpc::ClientContext context;
    v1::ListAlertsRequest request;
    request.add_states(v1::AlertTransition::FIRING);
    ASSERT_TRUE(query_->ListAlerts(&context, request, &alerts).ok());
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  ASSERT_GE(alerts.alerts_size(), 1);
  EXPECT_EQ(alerts.alerts(0).labels().at("agent"), "CTO");
  EXPECT_EQ(alerts.alerts(0).rule(), "task-success");
  ::grpc::ClientContext context;
  v1::ListSlosResponse slos;
  ASSERT_TRUE(query_->ListSlos(&context, {}, &slos).ok());
  ASSERT_EQ(slos.slos_size(), 2);
  for (const auto& slo : slos.slos()) {
    const bool cto = slo.labels().at("agent") == "CTO";
    EXPECT_EQ(slo.total(), cto ? "50" : "10");
    EXPECT_EQ(slo.good(), cto ? "0" : "10");
    EXPECT_DOUBLE_EQ(slo.objective(), 0.99);
  }
  ::grpc::ClientContext notices_context;
  v1::ListNoticesResponse notices;
  ASSERT_TRUE(query_->ListNotices(&notices_context, {}, &notices).ok());
  ASSERT_GE(notices.notices_size(), 1);
  EXPECT_EQ(notices.notices(0).outcome(), v1::Delivery::OUTCOME_UNSPECIFIED)
      << "nobody delivers here";
}

TEST_F(ApiTest, ForecastsAreShownBesideWhatCame) {
  EXPECT_FALSE(AccuracyOf({}).has_overall());
  const Time hour = std::chrono::floor<hours>(clock_.WallNow());
  SendTasks("CMO", v1::Task::COMPLETED, 8);
  SendTasks("CTO", v1::Task::COMPLETED, 20);
  IssueForecast("CMO", hour, 10);
  IssueForecast("CTO", hour, 20);
  IssueForecast("CMO", hour + hours(1), 10);
  IssueForecast("CTO", hour + hours(1), 0, "it is too wild");
  const v1::GetForecastAccuracyResponse response = AccuracyOf({});
  ASSERT_EQ(response.instances_size(), 2);
  const auto& cmo = response.instances(0);
  EXPECT_EQ(cmo.rule(), "many-tasks");
  EXPECT_EQ(cmo.labels().at("agent"), "CMO");
  EXPECT_EQ(cmo.issued(), 2U);
  ASSERT_EQ(cmo.scores_size(), 2) << "1 and 6 hours of 12";
  const auto& score = cmo.scores(0);
  EXPECT_EQ(score.step_seconds(), 3'600);
  EXPECT_EQ(score.steps(), 1U);
  EXPECT_EQ(score.scored(), 1U);
  EXPECT_EQ(score.open(), 1U);
  EXPECT_DOUBLE_EQ(score.mean_absolute_error(), 2);
  EXPECT_DOUBLE_EQ(score.bias(), 2);
  EXPECT_DOUBLE_EQ(score.wape(), 0.25);
  EXPECT_DOUBLE_EQ(score.coverage_80(), 0);
  EXPECT_DOUBLE_EQ(score.coverage_95(), 1);
  EXPECT_EQ(cmo.scores(1).open(), 2U);
  EXPECT_FALSE(cmo.scores(1).has_mean_absolute_error()) << "nothing came yet";
  ASSERT_EQ(response.instances(1).reasons_size(), 1);
  EXPECT_EQ(response.instances(1).reasons(0).reason(), "it is too wild");
  ASSERT_EQ(response.rules_size(), 1);
  EXPECT_EQ(response.rules(0).scores(0).scored(), 2U);
  EXPECT_DOUBLE_EQ(response.rules(0).scores(0).mean_absolute_error(), 1);
  EXPECT_DOUBLE_EQ(response.overall().scores(0).coverage_80(), 0.5);
  v1::GetForecastAccuracyRequest request;
  request.set_page_size(1);
  EXPECT_TRUE(AccuracyOf(request).truncated());
  EXPECT_EQ(AccuracyOf(request).rules(0).issued(), 4U) << "what is left out counts in the sums";
  request.set_rule("another");
  EXPECT_EQ(AccuracyOf(request).instances_size(), 0);
}

TEST_F(ApiTest, TailSendsWhatBecomesDurableInOrder) {
  const std::uint64_t before = SendTasks("CMO", v1::Task::STARTED, 2);
  ::grpc::ClientContext context;
  v1::TailRequest request;
  request.set_from_sequence(before + 1);
  request.add_kinds("task");
  auto reader = query_->Tail(&context, request);
  SendTasks("CTO", v1::Task::COMPLETED, 3);
  v1::TailResponse response;
  std::vector<std::uint64_t> sequences;
  while (sequences.size() < 3) {
    ASSERT_TRUE(reader->Read(&response));
    for (const auto& entry : response.entries()) {
      EXPECT_EQ(entry.event().agent(), "CTO");
      sequences.push_back(entry.sequence());
    }
  }
  EXPECT_TRUE(std::is_sorted(sequences.begin(), sequences.end()));
  EXPECT_GT(sequences.front(), before);
  context.TryCancel();
}

TEST_F(ApiTest, ATailUntilNowEnds) {
  const std::uint64_t last = SendTasks("CMO", v1::Task::STARTED, 1'200);
  ::grpc::ClientContext context;
  v1::TailRequest request;
  request.set_from_sequence(1);
  request.set_until_now(true);
  auto reader = query_->Tail(&context, request);
  v1::TailResponse response;
  std::uint64_t next = 1;
  while (reader->Read(&response)) {
    for (const auto& entry : response.entries()) EXPECT_EQ(entry.sequence(), next++);
  }
  EXPECT_TRUE(reader->Finish().ok());
  EXPECT_GE(next, last + 1);
}

TEST_F(ApiTest, AnUnknownKindInATailIsRefused) {
  ::grpc::ClientContext context;
  v1::TailRequest request;
  request.add_kinds("tusk");
  auto reader = query_->Tail(&context, request);
  v1::TailResponse response;
  EXPECT_FALSE(reader->Read(&response));
  EXPECT_EQ(reader->Finish().error_code(), ::grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(ApiTest, AWaitingTailDoesNotHoldUpTheStop) {
  ::grpc::ClientContext context;
  auto reader = query_->Tail(&context, {});
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  const auto begin = std::chrono::steady_clock::now();
  api_->Stop();
  door_->Drain(std::chrono::seconds(20));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
  v1::TailResponse response;
  while (reader->Read(&response)) {
  }
  EXPECT_EQ(reader->Finish().error_code(), ::grpc::StatusCode::UNAVAILABLE);
}

TEST_F(ApiTest, StatusDigestAndCheckpointAnswer) {
  const std::uint64_t sequence = SendTasks("CMO", v1::Task::COMPLETED, 5);
  ::grpc::ClientContext status_context;
  v1::GetStatusResponse status;
  ASSERT_TRUE(query_->GetStatus(&status_context, {}, &status).ok());
  EXPECT_EQ(status.version(), "1.2.3");
  EXPECT_GE(status.positions().durable_sequence(), sequence);
  EXPECT_EQ(status.receipt().link().size(), 32U);
  EXPECT_GT(status.series(), 0U);
  ::grpc::ClientContext digest_context;
  v1::GetDigestResponse digest;
  ASSERT_TRUE(query_->GetDigest(&digest_context, {}, &digest).ok());
  EXPECT_EQ(digest.digest().size(), 32U);
  ::grpc::ClientContext checkpoint_context;
  v1::CheckpointResponse checkpoint;
  ASSERT_TRUE(admin_->Checkpoint(&checkpoint_context, {}, &checkpoint).ok());
  EXPECT_GE(checkpoint.sequence(), sequence);
}

TEST_F(ApiTest, PricesThatAreAppliedAreListedAndUsed) {
  v1::ApplyPricesRequest request;
  auto& table = *request.mutable_table();
  SetTime(clock_.WallNow() - hours(24), table.mutable_effective_from());
  table.set_version("test 1");
  table.set_currency_code("USD");
  auto& price = *table.add_prices();
  price.set_model("gpt-test");
  price.set_input(2'500'000'000);  // 2.5e-06 USD a token
  ::grpc::ClientContext apply_context;
  v1::ApplyPricesResponse applied;
  const auto status = admin_->ApplyPrices(&apply_context, request, &applied);
  ASSERT_TRUE(status.ok()) << status.error_message();
  ::grpc::ClientContext list_context;
  v1::ListPricesResponse prices;
  ASSERT_TRUE(query_->ListPrices(&list_context, {}, &prices).ok());
  ASSERT_EQ(prices.prices_size(), 1);
  EXPECT_EQ(prices.prices(0).price().model(), "gpt-test");
  EXPECT_EQ(prices.prices(0).version(), "test 1");
  v1::PublishBatchRequest batch;
  auto& cost = *batch.add_events()->mutable_cost();
  cost.set_category(v1::Cost::MODEL);
  cost.set_model("gpt-test");
  cost.mutable_tokens()->set_input(1'000);
  ::grpc::ClientContext batch_context;
  v1::PublishBatchResponse stored;
  ASSERT_TRUE(ingest_->PublishBatch(&batch_context, batch, &stored).ok());
  v1::QueryWindowsResponse response;
  ASSERT_TRUE(Ask(Window("cost"), &response).ok());
  ASSERT_EQ(response.rows_size(), 1);
  EXPECT_EQ(response.rows(0).value(), "0.0025");
  table.set_currency_code("dollars");
  ::grpc::ClientContext bad_context;
  EXPECT_EQ(admin_->ApplyPrices(&bad_context, request, &applied).error_code(),
            ::grpc::StatusCode::INVALID_ARGUMENT);
}

}  // namespace
}  // namespace barograph::server
