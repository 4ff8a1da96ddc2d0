#include <benchmark/benchmark.h>

#include <filesystem>

#include "storage/base/digest.h"
#include "storage/log/store.h"

namespace barograph::storage {
namespace {

constexpr std::uint32_t kEventsPerRecord = 500;
constexpr std::size_t kEventBytes = 95;

/// A payload like a batch of events: names repeat, ids and numbers do not.
std::string Payload(std::uint64_t seed) {
  std::string payload;
  for (std::uint32_t i = 0; i < kEventsPerRecord; ++i) {
    const Digest id = Sha256(std::to_string(seed * kEventsPerRecord + i));
    std::string event(Bytes(id).substr(0, 24));
    event += "agent-" + std::to_string(id[0]) + " development task completed gpt-4 production";
    event.resize(kEventBytes, 'x');
    payload += event;
  }
  return payload;
}

Store OpenFresh(const std::string& folder) {
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  Result<Store> store =
      OpenStore({.directory = folder + "/db"}, {.frontier_path = folder + "/frontier"});
  return std::move(store).value();
}

std::string Folder() {
  return std::filesystem::temp_directory_path().string() + "/event_log_benchmark";
}

void BM_SealPayload(benchmark::State& state) {
  const std::string payload = Payload(1);
  for (auto _ : state) benchmark::DoNotOptimize(SealPayload(payload));
  state.SetItemsProcessed(state.iterations() * kEventsPerRecord);
}
BENCHMARK(BM_SealPayload);

void BM_StageAppend(benchmark::State& state) {
  Store store = OpenFresh(Folder());
  const SealedPayload payload = SealPayload(Payload(1));
  RecordHeader header;
  header.count = kEventsPerRecord;
  header.tenant = "default";
  header.producer = "producer-1";
  WriteGroup group;
  for (auto _ : state) {
    if (group.bytes() > 1U << 20U) group.Clear();
    benchmark::DoNotOptimize(store.log->StageAppend(header, payload, &group));
  }
}
BENCHMARK(BM_StageAppend);

/// range(0): records a synced group.
void BM_AppendSynced(benchmark::State& state) {
  Store store = OpenFresh(Folder());
  std::vector<SealedPayload> payloads;
  for (std::uint64_t i = 0; i < 64; ++i) payloads.push_back(SealPayload(Payload(i)));
  RecordHeader header;
  header.count = kEventsPerRecord;
  WriteGroup group;
  std::size_t next = 0;
  for (auto _ : state) {
    group.Clear();
    Position end;
    for (std::int64_t i = 0; i < state.range(0); ++i) {
      end = store.log->StageAppend(header, payloads[next++ % payloads.size()], &group);
    }
    BAROGRAPH_ASSERT(store.database->Write(group, true).ok(), "write");
    BAROGRAPH_ASSERT(store.log->CommitDone(end).ok(), "commit");
  }
  state.SetItemsProcessed(state.iterations() * state.range(0) * kEventsPerRecord);
}
BENCHMARK(BM_AppendSynced)->Arg(1)->Arg(16)->UseRealTime();

/// range(0): whether the chain is verified. Includes decompression.
void BM_Replay(benchmark::State& state) {
  constexpr std::uint64_t kRecords = 8000;
  Store store = OpenFresh(Folder());
  RecordHeader header;
  header.count = kEventsPerRecord;
  for (std::uint64_t i = 0; i < kRecords;) {
    WriteGroup group;
    Position end;
    for (int j = 0; j < 16; ++j, ++i) {
      end = store.log->StageAppend(header, SealPayload(Payload(i)), &group);
    }
    BAROGRAPH_ASSERT(store.database->Write(group, true).ok(), "write");
    BAROGRAPH_ASSERT(store.log->CommitDone(end).ok(), "commit");
  }
  std::string buffer;
  for (auto _ : state) {
    EventLog::Cursor cursor = store.log->Read({.verify_chain = state.range(0) != 0});
    RecordView record;
    std::uint64_t records = 0;
    while (cursor.Next(&record)) {
      benchmark::DoNotOptimize(OpenPayload(record, &buffer));
      ++records;
    }
    BAROGRAPH_ASSERT(records == kRecords, "all records");
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kRecords) *
                          kEventsPerRecord);
}
BENCHMARK(BM_Replay)->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace barograph::storage
