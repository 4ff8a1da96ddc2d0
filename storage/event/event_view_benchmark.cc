// One walk against protobuf's own parse of the same bytes into a reused arena. Each item is one
// event.
#include <benchmark/benchmark.h>
#include <google/protobuf/arena.h>

#include <string>
#include <vector>

#include "barograph/v1/event.pb.h"
#include "storage/event/event_view.h"

namespace barograph::storage {
namespace {

constexpr std::size_t kEvents =
    2'000;  // About 190 KB: more than the L1 cache, as when batches stream through.

void SetHead(std::size_t i, v1::Event* event) {
  char id[40];
  std::snprintf(id, sizeof(id), "01936b2e%08zx%08zx", i * 2'654'435'761U % 0xFFFFFFFFU, i);
  event->set_id(id);
  event->mutable_time()->set_seconds(1'795'254'700 + static_cast<std::int64_t>(i));
  event->mutable_time()->set_nanos(static_cast<std::int32_t>(i * 7'919'000 % 1'000'000'000));
  event->set_agent("agent-" + std::to_string(100 + i % 900));
  event->set_task_id("task-" + std::to_string(100'000 + i));
}

void SetTask(std::size_t i, v1::Event* event) {
  v1::Task* task = event->mutable_task();
  task->set_status(i % 10 == 0 ? v1::Task::FAILED : v1::Task::COMPLETED);
  task->set_type("development");
  task->mutable_duration()->set_seconds(static_cast<std::int64_t>(30 + i % 600));
}

void SetCost(std::size_t i, v1::Event* event) {
  v1::Cost* cost = event->mutable_cost();
  cost->set_category(v1::Cost::MODEL);
  cost->mutable_tokens()->set_input(1'000 + i);
  cost->mutable_tokens()->set_output(200 + i % 100);
  cost->set_model("gpt-4o-mini");
}

void SetPayment(std::size_t i, v1::Event* event) {
  v1::Payment* payment = event->mutable_payment();
  payment->set_type(v1::Payment::CHARGE);
  payment->mutable_amount()->set_currency_code("USD");
  payment->mutable_amount()->set_units(static_cast<std::int64_t>(i % 90));
  payment->mutable_amount()->set_nanos(990'000'000);
  payment->set_customer("customer-" + std::to_string(i % 77));
}

void SetRequest(std::size_t i, v1::Event* event) {
  v1::Request* request = event->mutable_request();
  request->set_service("tiles");
  request->set_route("/v1/tiles");
  request->mutable_duration()->set_nanos(static_cast<std::int32_t>(1'000'000 + i * 1'000));
  request->set_ok(i % 50 != 0);
}

void SetErrorWithLabels(std::size_t i, v1::Event* event) {
  v1::Error* error = event->mutable_error();
  error->set_severity(v1::ERROR);
  error->set_service("billing");
  error->set_code("E" + std::to_string(i % 20));
  error->set_message("upstream timed out");
  (*event->mutable_labels())["team"] = "growth";
  (*event->mutable_labels())["mode"] = "auto";
}

using Setter = void (*)(std::size_t, v1::Event*);

std::vector<std::string> Encoded(const std::vector<Setter>& kinds) {
  std::vector<std::string> events;
  for (std::size_t i = 0; i < kEvents; ++i) {
    v1::Event event;
    SetHead(i, &event);
    kinds[i % kinds.size()](i, &event);
    events.push_back(event.SerializeAsString());
  }
  return events;
}

const std::vector<Setter> kKinds[] = {
    {&SetTask},
    {&SetCost},
    {&SetPayment},
    {&SetRequest},
    {&SetErrorWithLabels},
    {&SetTask, &SetCost, &SetCost, &SetRequest, &SetTask, &SetPayment, &SetErrorWithLabels},
};

void Report(const std::vector<std::string>& events, benchmark::State* state) {
  std::size_t bytes = 0;
  for (const std::string& event : events) bytes += event.size();
  const auto passes = static_cast<std::int64_t>(state->iterations());
  state->SetItemsProcessed(passes * static_cast<std::int64_t>(events.size()));
  state->SetBytesProcessed(passes * static_cast<std::int64_t>(bytes));
  state->counters["bytes_per_event"] =
      static_cast<double>(bytes) / static_cast<double>(events.size());
  state->counters["ns_per_event"] = benchmark::Counter(
      static_cast<double>(events.size()) * 1e-9,
      benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

void BM_Walk(benchmark::State& state, EventSource source) {
  const std::vector<std::string> events = Encoded(kKinds[state.range(0)]);
  EventView view;
  for (auto _ : state) {
    for (const std::string& event : events) {
      if (!ReadEvent(event, source, &view).ok()) state.SkipWithError("refused");
      benchmark::DoNotOptimize(view);
    }
  }
  Report(events, &state);
}

void BM_ArenaParse(benchmark::State& state) {
  const std::vector<std::string> events = Encoded(kKinds[state.range(0)]);
  std::vector<char> block(1 << 20);
  google::protobuf::ArenaOptions options;
  options.initial_block = block.data();
  options.initial_block_size = block.size();
  google::protobuf::Arena arena(options);
  constexpr std::size_t kEventsAnArena = 500;
  for (auto _ : state) {
    for (std::size_t i = 0; i < events.size(); ++i) {
      if (i % kEventsAnArena == 0) arena.Reset();
      auto* message = google::protobuf::Arena::CreateMessage<v1::Event>(&arena);
      if (!message->ParseFromString(events[i])) state.SkipWithError("refused");
      benchmark::DoNotOptimize(message);
    }
  }
  Report(events, &state);
}

void Kinds(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgName("task0_cost1_payment2_request3_error4_mixed5")->DenseRange(0, 5);
}

BENCHMARK_CAPTURE(BM_Walk, outside, EventSource::kOutside)->Apply(Kinds);
BENCHMARK_CAPTURE(BM_Walk, log, EventSource::kLog)->Apply(Kinds);
BENCHMARK(BM_ArenaParse)->Apply(Kinds);

}  // namespace
}  // namespace barograph::storage
