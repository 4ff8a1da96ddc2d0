// The way from an admitted batch to its durable answer, without a network: two threads submit
// batches of 500 distinct events of 1,000 agents, with one SLO each on the default rows, on the
// folder that TEST_TMPDIR or TMPDIR names.
#include <absl/synchronization/blocking_counter.h>
#include <absl/synchronization/notification.h>
#include <benchmark/benchmark.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <thread>

#include "barograph/v1/event.pb.h"
#include "ingest/admission/admission.h"
#include "ingest/admission/producer_table.h"
#include "server/partition/partition.h"

namespace barograph::server {
namespace {

constexpr std::uint32_t kBatchEvents = 500;
constexpr int kAgents = 1000;
constexpr int kProducers = 2;

ingest::Batch MakeBatch(int producer, std::uint64_t index) {
  ingest::BatchBuilder builder({}, Time::max());
  builder.WithoutIds();
  v1::Event event;
  for (std::uint32_t i = 0; i < kBatchEvents; ++i) {
    const std::uint64_t n = index * kBatchEvents + i;
    const std::uint64_t mixed =
        (n * 2 + static_cast<std::uint64_t>(producer)) * 0x9E3779B97F4A7C15U;
    event.set_id("01890a5d-ac96-774b-" + std::to_string(mixed));
    event.set_agent("agent-" + std::to_string(mixed % kAgents));
    event.mutable_task()->set_status(mixed % 500 == 0 ? v1::Task::FAILED : v1::Task::COMPLETED);
    event.mutable_task()->set_type("development");
    builder.Add(event.SerializeAsString());
  }
  ingest::Batch batch = builder.Take();
  batch.producer = "producer-" + std::to_string(producer);
  batch.first_sequence = index * kBatchEvents + 1;
  return batch;
}

rules::RuleSet OneSloAnAgent() {
  rules::RuleSet rules;
  rules::SloSpec slo;
  slo.common.name = "task-success";
  slo.common.by = {"agent"};
  slo.good.measure = "tasks.completed";
  slo.total.measure = "tasks.finished";
  slo.objective_ppb = 990'000'000;
  slo.period = std::chrono::hours(24 * 30);
  slo.burn = rules::DefaultBurnRows();
  rules.slos.push_back(slo);
  rules.receivers.push_back({.name = "ops", .target = "http://127.0.0.1:9/hook"});
  rules.route.receiver = "ops";
  return rules;
}

void SubmitAll(Partition& partition, std::vector<ingest::Batch>& batches,
               absl::BlockingCounter& left) {
  for (ingest::Batch& batch : batches) {
    while (!partition.TrySubmit(batch, [&left](const Result<ingest::BatchAnswer>& answer) {
      BAROGRAPH_ASSERT(answer.ok() && answer->accepted == kBatchEvents, "every batch is new");
      left.DecrementCount();
    })) {
      absl::Notification room;
      partition.WhenRoom([&room] { room.Notify(); });
      room.WaitForNotification();
    }
  }
}

void Report(const PartitionFigures& figures, benchmark::State* state) {
  using Millis = std::chrono::duration<double, std::milli>;
  state->counters["events_per_sync"] =
      static_cast<double>(figures.events) / static_cast<double>(figures.groups);
  state->counters["evaluations"] = static_cast<double>(figures.evaluations);
  state->counters["checkpoints"] = static_cast<double>(figures.checkpoints);
  state->counters["checkpoint_mib"] =
      static_cast<double>(figures.last_checkpoint_bytes) / (1024.0 * 1024.0);
  state->counters["checkpoint_ms"] = Millis(figures.last_checkpoint_duration).count();
  state->counters["absence_p99_ms"] = Millis(figures.writer_absence_p99).count();
  state->counters["absence_max_ms"] = Millis(figures.writer_absence_max).count();
}

void BM_SubmitToDurable(benchmark::State& state) {
  const auto batches_each = static_cast<std::uint64_t>(state.range(0));
  const std::string directory =
      std::filesystem::temp_directory_path() / ("partition_benchmark_" + std::to_string(getpid()));
  for (auto _ : state) {
    state.PauseTiming();
    std::filesystem::remove_all(directory);
    SystemClock clock;
    PartitionOptions options;
    options.directory = directory;
    auto opened =
        Partition::Open(options, clock,
                        {.format = [](const auto&, const auto&) { return rules::NoticeBody(); },
                         .on_outbox = {},
                         .on_failure = [](const Error&) { std::abort(); },
                         .on_progress = {}});
    Partition& partition = **opened;
    absl::Notification applied;
    partition.ApplyRules(OneSloAnAgent(), {}, [&](const Status&) { applied.Notify(); });
    applied.WaitForNotification();
    std::vector<std::vector<ingest::Batch>> batches(kProducers);
    for (int producer = 0; producer < kProducers; ++producer) {
      for (std::uint64_t i = 0; i < batches_each; ++i) {
        batches[static_cast<std::size_t>(producer)].push_back(MakeBatch(producer, i));
      }
    }
    absl::BlockingCounter left(static_cast<int>(batches_each) * kProducers);
    state.ResumeTiming();
    std::vector<std::thread> senders;
    for (auto& mine : batches) senders.emplace_back([&] { SubmitAll(partition, mine, left); });
    for (std::thread& sender : senders) sender.join();
    left.Wait();
    state.PauseTiming();
    Report(partition.figures(), &state);
    opened = Error(ErrorCode::kUnavailable, "closed");
    std::filesystem::remove_all(directory);
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(batches_each) *
                          kProducers * kBatchEvents);
}
BENCHMARK(BM_SubmitToDurable)
    ->Arg(10'000)
    ->Iterations(1)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

/// What the writer does for a batch besides the fold: look up and advance the producer, and its
/// row.
void BM_ProducerTable(benchmark::State& state) {
  ingest::ProducerTable table;
  ingest::Batch batch = MakeBatch(0, 0);
  std::size_t bytes = 0;
  for (auto _ : state) {
    const auto decision = table.Decide(batch);
    BAROGRAPH_ASSERT(decision.ok(), "in order");
    table.Apply(batch, Time());
    table.StageRows(
        [&](std::string_view, std::optional<std::string_view> row) { bytes = row->size(); });
    batch.first_sequence += kBatchEvents;
  }
  state.counters["row_bytes"] = static_cast<double>(bytes);
}
BENCHMARK(BM_ProducerTable);

}  // namespace
}  // namespace barograph::server
