#include <benchmark/benchmark.h>
#include <google/protobuf/util/json_util.h>

#include <array>

#include "barograph/v1/event.pb.h"
#include "ingest/formats/fleet.h"
#include "ingest/formats/record_decoder.h"
#include "storage/base/assert.h"
#include "storage/event/event_view.h"

namespace barograph::ingest {
namespace {

constexpr std::size_t kEvents = 500;

class Counter final : public EventSink {
 public:
  void Add(std::string_view wire) override {
    benchmark::DoNotOptimize(wire.data());
    ++events;
  }
  void Reject(std::uint32_t /*index*/, std::string_view reason) override {
    BAROGRAPH_ASSERT(false, reason);
  }
  std::int64_t events = 0;
};

std::string FleetBytes(FleetFraming framing) {
  Fleet fleet({.agents = 1000,
               .start = Time(Duration(1'790'000'000'000'000'000)),
               .events_per_second = 1e6,
               .ids = FleetIds::kRandom});
  std::string bytes;
  fleet.Append(framing, kEvents, &bytes);
  return bytes;
}

std::vector<std::string> FleetEvents() {
  const std::string payload = FleetBytes(FleetFraming::kPayload);
  storage::PayloadReader reader(payload);
  std::vector<std::string> events;
  for (std::string_view wire; reader.Next(&wire);) events.emplace_back(wire);
  return events;
}

std::vector<std::string> FleetJson() {
  std::vector<std::string> texts;
  for (const std::string& wire : FleetEvents()) {
    v1::Event event;
    const bool parsed = event.ParseFromString(wire);
    BAROGRAPH_ASSERT(parsed, "the fleet makes events");
    const auto printed = google::protobuf::util::MessageToJsonString(event, &texts.emplace_back());
    BAROGRAPH_ASSERT(printed.ok(), "every event has JSON");
  }
  return texts;
}

void Decode(benchmark::State& state, RecordFormat format, RecordOptions options,
            const std::vector<std::string>& values,
            std::span<const RecordHeaderView> headers = {}) {
  RecordDecoder decoder = RecordDecoder::Make(format, std::move(options)).value();
  Counter counter;
  for (auto _ : state) {
    for (const std::string& value : values) {
      const auto content = decoder.Decode(
          {.key = "", .value = value, .headers = headers, .timestamp = {}}, &counter);
      BAROGRAPH_ASSERT(content.ok(), content.error().message());
    }
  }
  state.SetItemsProcessed(counter.events);
}

void BM_DecodeBatch(benchmark::State& state) {
  Decode(state, RecordFormat::kBatch, {}, {FleetBytes(FleetFraming::kRequest)});
}
BENCHMARK(BM_DecodeBatch);

void BM_DecodeEvent(benchmark::State& state) {
  Decode(state, RecordFormat::kEvent, {}, FleetEvents());
}
BENCHMARK(BM_DecodeEvent);

void BM_DecodeJson(benchmark::State& state) { Decode(state, RecordFormat::kJson, {}, FleetJson()); }
BENCHMARK(BM_DecodeJson);

void BM_DecodeNdjson(benchmark::State& state) {
  std::string lines;
  for (const std::string& text : FleetJson()) lines.append(text).append("\n");
  Decode(state, RecordFormat::kNdjson, {}, {lines});
}
BENCHMARK(BM_DecodeNdjson);

void BM_DecodeCloudEvents(benchmark::State& state) {
  const std::array<RecordHeaderView, 5> headers{{{"ce_specversion", "1.0"},
                                                 {"ce_id", "7f0c3b1e-4b1d-4f0e-9d0a-2f3e4d5c6b7a"},
                                                 {"ce_source", "/fleet/1"},
                                                 {"ce_type", "com.example.event"},
                                                 {"content-type", "application/json"}}};
  RecordOptions options;
  options.cloud_events.emplace().types = {{"com.example.event", "event", {}}};
  Decode(state, RecordFormat::kCloudEvents, std::move(options), FleetJson(), headers);
}
BENCHMARK(BM_DecodeCloudEvents);

}  // namespace
}  // namespace barograph::ingest
