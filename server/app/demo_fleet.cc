#include "server/app/demo_fleet.h"

#include <utility>

#include "server/cli/progress.h"

namespace barograph::server {

namespace {
constexpr std::size_t kBatchEvents = 500;
constexpr auto kLivePause = std::chrono::milliseconds(50);
}  // namespace

Result<std::uint64_t> LoadHistory(const std::string& server, const ingest::FleetOptions& options,
                                  const Clock& clock, const std::atomic<bool>& stop) {
  BAROGRAPH_ASSIGN(const auto client, Client::Connect(server));
  PublisherOptions publishing;
  publishing.producer = "demo-history";
  BAROGRAPH_ASSIGN(const auto publisher, Publisher::Open(*client, publishing));
  ingest::Fleet fleet(options);
  Progress progress(clock, "loading", "events", fleet.events_expected());
  std::string batch;
  while (!fleet.done() && !stop) {
    batch.clear();
    const std::size_t count = fleet.Append(ingest::FleetFraming::kRequest, kBatchEvents, &batch);
    BAROGRAPH_TRY(publisher->Send(batch, static_cast<std::uint32_t>(count)));
    progress.Update(fleet.produced());
  }
  BAROGRAPH_TRY(publisher->Finish());
  return fleet.produced();
}

LiveFleet::LiveFleet(std::string server, const ingest::FleetOptions& fleet, const Clock& clock)
    : server_(std::move(server)),
      clock_(clock),
      fleet_(fleet),
      thread_([this] { status_ = Stream(); }) {}

LiveFleet::~LiveFleet() { (void)Stop(); }

Status LiveFleet::Stop() {
  stop_ = true;
  if (thread_.joinable()) thread_.join();
  return status_;
}

Status LiveFleet::Stream() {
  BAROGRAPH_ASSIGN(const auto client, Client::Connect(server_));
  PublisherOptions publishing;
  publishing.producer = "demo-live";
  BAROGRAPH_ASSIGN(const auto publisher, Publisher::Open(*client, publishing));
  std::string batch;
  while (!stop_) {
    batch.clear();
    const std::size_t count =
        fleet_.AppendUntil(clock_.WallNow(), ingest::FleetFraming::kRequest, kBatchEvents, &batch);
    if (count > 0) {
      BAROGRAPH_TRY(publisher->Send(batch, static_cast<std::uint32_t>(count)));
      sent_ += count;
    }
    BAROGRAPH_TRY(publisher->Poll(kLivePause));
  }
  return publisher->Finish();
}

}  // namespace barograph::server
