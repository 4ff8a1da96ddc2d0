#include "server/partition/partition_fixture.h"

#include <unistd.h>

#include <filesystem>

namespace barograph::server {

using namespace std::chrono_literals;

PartitionOptions SmallPartition(const std::string& directory) {
  PartitionOptions options;
  options.directory = directory;
  options.write_buffer_bytes = 16U << 20U;
  options.block_cache_bytes = 1U << 20U;
  return options;
}

rules::NoticeBody FormatReason(const rules::Notice& notice, const rules::ReceiverSpec&) {
  return {notice.reason, "text/plain"};
}

std::vector<storage::ServerEvent> ReadServerEvents(const storage::EventLog& log) {
  std::vector<storage::ServerEvent> events;
  storage::EventLog::Cursor cursor = log.Read({.from = Sequence{1}, .verify_chain = true});
  storage::RecordView record;
  std::string buffer;
  while (cursor.Next(&record)) {
    if ((record.header.flags & storage::kRecordDecided) == 0) continue;
    const Result<std::string_view> payload = OpenPayload(record, &buffer);
    storage::PayloadReader reader(payload.value());
    for (std::string_view wire; reader.Next(&wire);) {
      storage::EventView view;
      EXPECT_TRUE(ReadEvent(wire, storage::EventSource::kLog, &view).ok());
      events.push_back(DecodeServerEvent(view).value());
    }
  }
  EXPECT_TRUE(cursor.status().ok());
  return events;
}

ingest::Batch MakeBatchOf(const std::vector<v1::Event>& events) {
  ingest::BatchBuilder builder({}, kStart + 24h * 365);
  for (const v1::Event& event : events) builder.Add(event.SerializeAsString());
  return builder.Take();
}

ingest::Batch MakeBatch(const Sent& sent) {
  std::vector<v1::Event> events(sent.count);
  for (std::uint32_t i = 0; i < sent.count; ++i) {
    v1::Event& event = events[i];
    event.set_id("id-" + sent.salt + std::to_string(sent.first + i));
    event.set_agent("agent-" + std::to_string(i % sent.agents));
    event.mutable_task()->set_status(sent.failed ? v1::Task::FAILED : v1::Task::COMPLETED);
  }
  ingest::Batch batch = MakeBatchOf(events);
  batch.producer = sent.producer;
  batch.epoch = sent.epoch;
  batch.first_sequence = sent.producer.empty() ? 0 : sent.first;
  return batch;
}

rules::RuleSet NoFailureAllowed() {
  rules::RuleSet rules;
  rules::SloSpec slo;
  slo.common.name = "task-success";
  slo.good.measure = "tasks.completed";
  slo.total.measure = "tasks.finished";
  slo.objective_ppb = 1'000'000'000;
  slo.period = std::chrono::hours(24 * 30);
  rules.slos.push_back(slo);
  rules.receivers.push_back({.name = "ops", .target = "http://127.0.0.1:9/hook"});
  rules.route.receiver = "ops";
  return rules;
}

ingest::PartitionPort::Answer Answers::Add(int name) {
  return [this, name](const Result<ingest::BatchAnswer>& answer) {
    const absl::MutexLock lock(&mutex_);
    order_.push_back(name);
    results_.push_back(answer);
  };
}

bool Answers::Await(std::size_t count) {
  const absl::MutexLock lock(&mutex_);
  const auto enough = [&]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return order_.size() >= count; };
  return mutex_.AwaitWithTimeout(absl::Condition(&enough), absl::FromChrono(kSoon));
}

std::vector<int> Answers::order() const {
  const absl::MutexLock lock(&mutex_);
  return order_;
}

Result<ingest::BatchAnswer> Answers::at(std::size_t i) const {
  const absl::MutexLock lock(&mutex_);
  return results_.at(i);
}

PartitionTest::PartitionTest()
    : directory_(::testing::TempDir() + "partition_test_" + std::to_string(getpid())),
      copy_(directory_ + "_copy"),
      options_(SmallPartition(directory_)) {
  std::filesystem::remove_all(directory_);
  options_.file_system = gate_;
}

PartitionTest::~PartitionTest() {
  gate_->Release();
  partition_.reset();
  std::filesystem::remove_all(directory_);
  std::filesystem::remove_all(copy_);
}

Result<std::unique_ptr<Partition>> PartitionTest::TryOpen(const PartitionOptions& options) {
  return Partition::Open(options, clock_,
                         {.format = FormatReason,
                          .on_outbox = [this] { ++outbox_calls_; },
                          .on_failure = [this](const Error&) { ++failures_; },
                          .on_progress = {}});
}

void PartitionTest::Open() {
  partition_.reset();
  Result<std::unique_ptr<Partition>> opened = TryOpen(options_);
  ASSERT_TRUE(opened.ok()) << opened.error().ToString();
  partition_ = std::move(opened).value();
}

void PartitionTest::Submit(const Sent& sent, ingest::PartitionPort::Answer answer) {
  ingest::Batch batch = MakeBatch(sent);
  ASSERT_TRUE(partition_->TrySubmit(batch, std::move(answer)));
}

Result<ingest::BatchAnswer> PartitionTest::Send(const Sent& sent) {
  return AwaitAnswer<Result<ingest::BatchAnswer>>([&](auto done) { Submit(sent, done); });
}

std::promise<void> PartitionTest::HoldWriter() {
  std::promise<void> go;
  const auto held = std::make_shared<std::promise<void>>();
  partition_->Read(
      [held, until = go.get_future().share()](const Partition::ReadView&) {
        held->set_value();
        until.wait();
        return false;
      },
      [](const Result<Sequence>&) {});
  EXPECT_EQ(held->get_future().wait_for(kSoon), std::future_status::ready);
  return go;
}

PartitionTest::DigestAnswer PartitionTest::StateDigest() {
  return AwaitAnswer<DigestAnswer>([this](auto done) { partition_->Digest(done); });
}

Status PartitionTest::ApplyRules(const rules::RuleSet& rules) {
  return AwaitAnswer<Status>([&](auto done) { partition_->ApplyRules(rules, {}, done); });
}

Result<Sequence> PartitionTest::AwaitRead(std::function<bool(const Partition::ReadView&)> step) {
  return AwaitAnswer<Result<Sequence>>([&](auto done) { partition_->Read(step, done); });
}

std::int64_t PartitionTest::CostNanos(const std::string& tenant) {
  std::int64_t nanos = -1;
  (void)AwaitRead([&](const Partition::ReadView& view) {
    const rules::WindowStore& windows = *view.engine.windows(tenant);
    const auto cell = windows.FindCell(windows.FindOrBuiltIn({}), {});
    const auto cost = windows.FindMeasureId({"cost", "USD"});
    if (cell && cost) nanos = static_cast<std::int64_t>(windows.Total(*cell, *cost).value_or(-1));
    return false;
  });
  return nanos;
}

}  // namespace barograph::server
