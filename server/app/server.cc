#include "server/app/server.h"

#include <absl/synchronization/mutex.h>
#include <spdlog/spdlog.h>
#include <sys/statvfs.h>

#include <atomic>
#include <filesystem>
#include <utility>

#include "ingest/grpc/ingest_door.h"
#include "server/api/api.h"
#include "server/app/gauge_reader.h"
#include "server/app/kafka_metrics.h"
#include "server/app/logging.h"
#include "server/app/open_kafka.h"
#include "server/app/receivers.h"
#include "server/app/server_metrics.h"
#include "server/config/price_file.h"
#include "server/forecast/forecaster.h"
#include "server/notify/body/notice_body.h"
#include "server/notify/outbox_worker.h"
#include "server/notify/transfer/transfer_loop.h"
#include "server/partition/partition.h"
#include "server/web/fleet_metrics.h"
#include "server/web/health.h"
#include "server/web/http_server.h"
#include "server/web/metrics.h"

namespace barograph::server {

namespace {

constexpr double kDiskFreeShareMin = 0.02;
constexpr auto kOutboxStopMax = std::chrono::seconds(5);
constexpr auto kStopShare = 4;  // of the time to stop, each door and the partition get a quarter

struct HostAndPort {
  std::string host;
  std::uint16_t port = 0;
};

Result<HostAndPort> SplitAddress(const std::string& setting, const std::string& address) {
  const std::size_t colon = address.rfind(':');
  HostAndPort split;
  try {
    const unsigned long port =
        colon == std::string::npos ? 65'536 : std::stoul(address.substr(colon + 1));
    if (port < 65'536) {
      split.host = address.substr(0, colon);
      split.port = static_cast<std::uint16_t>(port);
      return split;
    }
  } catch (const std::logic_error&) {
    // Falls through to the message below.
  }
  return Error(
      ErrorCode::kInvalidArgument,
      setting + ": \"" + address + "\" is no address; expected host:port, e.g. 127.0.0.1:7172");
}

std::string DiskProblem(const std::string& directory) {
  struct statvfs disk {};
  if (::statvfs(directory.c_str(), &disk) != 0 || disk.f_blocks == 0) return "cannot be read";
  const double free = static_cast<double>(disk.f_bavail) / static_cast<double>(disk.f_blocks);
  if (free >= kDiskFreeShareMin) return "";
  return "only " + std::to_string(static_cast<int>(free * 1000) / 10) + " % of " + directory +
         " is free";
}

}  // namespace

struct Server::State {
  State(Clock& clock_of, ServerOptions options_of)
      : clock(clock_of), options(std::move(options_of)) {}
  ~State() {
    SetOutboxToWake(nullptr);
    if (api) api->SetKafka(nullptr);
  }

  Status LoadConfig();
  Status OpenPartition(std::function<void(const Error&)> on_failure);
  /// Puts prices and then rules in force; `how` is about the rules.
  CommandEnd Apply(storage::PricesApplied prices, const rules::RuleSet& rules,
                   const std::string& reason, Duration limit);
  Status ApplyAtStart();
  /// What a reload puts in force, read and checked.
  struct Fresh {
    Configuration configuration;
    storage::PricesApplied prices;
    OutboxWorker::Senders senders;
  };
  Result<Fresh> ReadAgain();
  Status Reload();
  Status StartNotify();
  Status StartHttp();
  Status StartGrpc();
  Status StartKafka();
  void StartGauges();
  void AddHealthChecks();

  Clock& clock;
  const ServerOptions options;
  Configuration configuration;
  std::atomic<bool> draining{false};
  ingest::OpenAuthenticator authenticator;

  /// New rows are durable; on the partition's thread, which outlives the worker.
  void WakeOutbox();
  /// The worker that WakeOutbox wakes.
  void SetOutboxToWake(OutboxWorker* worker);

  absl::Mutex wake_mutex;
  OutboxWorker* outbox_to_wake ABSL_GUARDED_BY(wake_mutex) = nullptr;

  // In order of dependence: what is below is destroyed first.
  std::unique_ptr<Partition> partition;
  std::unique_ptr<TransferLoop> transfers;
  OutboxWorker::Senders senders;  ///< in force
  std::unique_ptr<OutboxWorker> outbox;
  std::unique_ptr<Api> api;
  std::unique_ptr<ingest::IngestDoor> door;
  std::unique_ptr<ingest::KafkaDoor> kafka;
  std::unique_ptr<GaugeReader> gauges;
  std::unique_ptr<Forecaster> forecaster;
  Health health;
  Metrics metrics;
  Metrics fleet_metrics;
  std::unique_ptr<HttpServer> http;
};

void Server::State::WakeOutbox() {
  const absl::MutexLock lock(&wake_mutex);
  if (outbox_to_wake != nullptr) outbox_to_wake->Wake();
}

void Server::State::SetOutboxToWake(OutboxWorker* worker) {
  const absl::MutexLock lock(&wake_mutex);
  outbox_to_wake = worker;
}

Status Server::State::LoadConfig() {
  BAROGRAPH_ASSIGN(configuration, LoadConfiguration(options.sources));
  const ServerConfig::Log& log = configuration.server.log;
  BAROGRAPH_TRY(SetUpLogging({.level = log.level,
                              .format = log.format,
                              .file = log.file,
                              .rotate_bytes = log.file_bytes,
                              .rotate_files = log.files}));
  for (const Diagnostic& warning : configuration.warnings) {
    spdlog::warn("{}", warning.ToString());
  }
  return {};
}

Status Server::State::OpenPartition(std::function<void(const Error&)> on_failure) {
  const ServerConfig& config = configuration.server;
  std::error_code error;
  std::filesystem::create_directories(config.data, error);
  if (error) {
    return Error(ErrorCode::kIo, "data: cannot create " + config.data + ": " + error.message());
  }
  PartitionOptions partition_options;
  partition_options.directory = config.data;
  partition_options.queue_batches_max = config.limits.queue_batches;
  partition_options.queue_bytes_max = config.limits.queue_bytes;
  partition_options.group_events_max = config.limits.group_events;
  partition_options.group_bytes_max = config.limits.group_bytes;
  partition_options.checkpoint_interval = config.checkpoint.interval;
  partition_options.checkpoint_events = config.checkpoint.events;
  partition_options.replay_from_start = options.replay_from_start;
  Partition::Hooks hooks;
  hooks.format = MakeNoticeFormat("http://" + config.http);
  hooks.on_outbox = [this] { WakeOutbox(); };
  hooks.on_failure = std::move(on_failure);
  hooks.on_progress = [](std::string_view what) { spdlog::info("{}", what); };
  BAROGRAPH_ASSIGN(partition, Partition::Open(partition_options, clock, std::move(hooks)));
  const PartitionFigures figures = partition->figures();
  spdlog::info(
      "log open: {} events, {} folded from the tail, in {}", figures.durable.value,
      figures.tail_events_replayed,
      FormatDuration(std::chrono::round<std::chrono::milliseconds>(figures.start_duration)));
  return {};
}

CommandEnd Server::State::Apply(storage::PricesApplied prices, const rules::RuleSet& rules,
                                const std::string& reason, Duration limit) {
  const Duration begin = clock.BootNow();
  const storage::Origin origin{"server", reason};
  prices.origin = origin;
  const CommandEnd priced = AwaitCommand(limit, [&](auto revocation, auto done) {
    partition->ConfigurePrices(std::move(prices), std::move(done), std::move(revocation));
  });
  if (!priced.status.ok()) return {CommandEnd::How::kTakenBack, priced.status};
  const Duration left = limit - (clock.BootNow() - begin);
  return AwaitCommand(left, [&](auto revocation, auto done) {
    partition->ApplyRules(rules, origin, std::move(done), std::move(revocation));
  });
}

Status Server::State::ApplyAtStart() {
  BAROGRAPH_ASSIGN(storage::PricesApplied prices, LoadPriceFile(configuration.server.prices));
  return Apply(std::move(prices), configuration.rules, "start", Duration::max()).status;
}

Result<Server::State::Fresh> Server::State::ReadAgain() {
  Fresh fresh;
  BAROGRAPH_ASSIGN(fresh.configuration, LoadConfiguration(options.sources));
  BAROGRAPH_ASSIGN(fresh.prices, LoadPriceFile(configuration.server.prices));
  BAROGRAPH_ASSIGN(fresh.senders, MakeSenders(fresh.configuration.rules.receivers,
                                              fresh.configuration.rules.allow_private, *transfers));
  return fresh;
}

Status Server::State::Reload() {
  constexpr std::string_view kOldHold = "the old rules stay in force";
  Result<Fresh> fresh = ReadAgain();
  if (!fresh.ok()) return fresh.error().WithContext(kOldHold);
  // Until it is known which rules hold, the notices of both find their receiver.
  OutboxWorker::Senders both = senders;
  both.insert(fresh->senders.begin(), fresh->senders.end());
  outbox->SetSenders(std::move(both), LimitsOf(fresh->configuration.rules.receivers));
  const CommandEnd applied =
      Apply(std::move(fresh->prices), fresh->configuration.rules, "reload", kReloadMax);
  const bool holds = applied.status.ok() || applied.how == CommandEnd::How::kGoesOn;
  if (holds) {
    configuration.rules = std::move(fresh->configuration.rules);
    senders = std::move(fresh->senders);
  }
  outbox->SetSenders(senders, LimitsOf(configuration.rules.receivers));
  if (applied.status.ok()) return {};
  return applied.status.error().WithContext(
      holds ? "the new rules hold as soon as the disk has them" : kOldHold);
}

Status Server::State::StartNotify() {
  transfers = std::make_unique<TransferLoop>();
  BAROGRAPH_ASSIGN(senders, MakeSenders(configuration.rules.receivers,
                                        configuration.rules.allow_private, *transfers));
  OutboxWorker::Ports ports;
  ports.list_pending = [this](Sequence after, std::size_t limit) {
    return partition->outbox().ListPending(after, limit);
  };
  ports.end_delivery = [this](std::string tenant, Sequence, storage::Delivery delivery,
                              const std::function<void(Status)>& done) {
    partition->EndDelivery(std::move(tenant), std::move(delivery), done);
  };
  outbox = std::make_unique<OutboxWorker>(OutboxWorkerOptions{}, clock, std::move(ports), senders,
                                          LimitsOf(configuration.rules.receivers));
  SetOutboxToWake(outbox.get());
  return {};
}

void Server::State::AddHealthChecks() {
  health.Add({"log", [this]() -> std::string {
                return partition->figures().failed ? "a write to the disk failed" : "";
              }});
  health.Add({"writer", [this]() -> std::string {
                const PartitionFigures figures = partition->figures();
                return figures.queue_batches >= configuration.server.limits.queue_batches
                           ? "the queue is full"
                           : "";
              }});
  health.Add({"disk", [this] { return DiskProblem(configuration.server.data); }});
  health.Add({"clock", [this]() -> std::string {
                const Duration difference = partition->figures().wall_difference;
                if (std::chrono::abs(difference) <= rules::kClockDifferenceMax) return "";
                return "the wall clock is " + FormatDuration(std::chrono::abs(difference)) +
                       " away from the log's clock";
              }});
  if (kafka) health.Add({"kafka", [this] { return kafka->Problem(); }});
  health.Add({"serving", [this]() -> std::string { return draining ? "shutting down" : ""; }});
  health.AddLiveness({"log", [this]() -> std::string {
                        return partition->figures().failed ? "a write to the disk failed" : "";
                      }});
}

Status Server::State::StartHttp() {
  BAROGRAPH_ASSIGN(const HostAndPort address, SplitAddress("http", configuration.server.http));
  HttpServerOptions http_options;
  http_options.address = address.host;
  http_options.port = address.port;
  http = std::make_unique<HttpServer>(http_options);
  AddHealthChecks();
  health.AddRoutes(*http);
  metrics.AddSource([this](MetricSink& sink) {
    AddServerMetrics({.partition = partition->figures(),
                      .outbox = outbox->figures(),
                      .door = door ? door->figures() : ingest::IngestDoorFigures{},
                      .forecaster = forecaster ? forecaster->figures() : ForecasterFigures{}},
                     sink);
    if (kafka) AddKafkaMetrics(kafka->figures(), sink);
  });
  fleet_metrics.AddSource(
      [this](MetricSink& sink) { AddFleetMetrics(*partition, "default", sink); });
  http->Route("/metrics", [this](const HttpRequest&) { return metrics.Scrape(); });
  http->Route("/metrics/fleet", [this](const HttpRequest&) { return fleet_metrics.Scrape(); });
  return http->Start();
}

Status Server::State::StartGrpc() {
  api = std::make_unique<Api>(*partition, authenticator, clock, BAROGRAPH_VERSION,
                              configuration.kafka.has_value());
  ingest::IngestDoorOptions door_options;
  door_options.listen = configuration.server.listen;
  door_options.channelz = configuration.server.channelz;
  door_options.streams_max = configuration.server.limits.streams;
  BAROGRAPH_ASSIGN(door, ingest::IngestDoor::Open(door_options, *partition, authenticator, clock,
                                                  api->services()));
  return {};
}

Status Server::State::StartKafka() {
  if (!configuration.kafka) return {};
  BAROGRAPH_ASSIGN(kafka, OpenKafka(*configuration.kafka, *partition, clock));
  api->SetKafka(kafka.get());
  return {};
}

void Server::State::StartGauges() {
  gauges = std::make_unique<GaugeReader>(kGaugeInterval, [this] {
    std::optional<ingest::KafkaFigures> figures;
    if (kafka) figures = kafka->figures();
    const auto readings =
        ReadServerGauges(configuration.server.data, figures ? &*figures : nullptr);
    partition->Decide(
        [readings](const rules::Engine& engine,
                   Time now) -> Result<std::vector<rules::Engine::Decided>> {
          return engine.ReadGauges(readings, now);
        },
        [](const Result<Sequence>&) {});
  });
}

Server::Server() = default;
Server::~Server() = default;

Result<std::unique_ptr<Server>> Server::Start(const ServerOptions& options, Clock& clock,
                                              std::function<void(const Error&)> on_failure) {
  std::unique_ptr<Server> server(new Server());
  server->state_ = std::make_unique<State>(clock, options);
  State& state = *server->state_;
  BAROGRAPH_TRY(state.LoadConfig());
  BAROGRAPH_TRY(state.OpenPartition(std::move(on_failure)));
  BAROGRAPH_TRY(state.ApplyAtStart());
  BAROGRAPH_TRY(state.StartNotify());
  BAROGRAPH_TRY(state.StartGrpc());
  BAROGRAPH_TRY(state.StartKafka());
  BAROGRAPH_TRY(state.StartHttp());
  state.StartGauges();
  state.forecaster = std::make_unique<Forecaster>(*state.partition, clock, ForecasterOptions{});
  spdlog::info("ready: gRPC {}, HTTP {}, data {}", server->grpc_address(), server->http_address(),
               state.configuration.server.data);
  return server;
}

Status Server::Reload() {
  Status reloaded = state_->Reload();
  if (!reloaded.ok()) {
    spdlog::error("reload: {}", reloaded.error().message());
    return reloaded;
  }
  const rules::RuleSet& rules = state_->configuration.rules;
  spdlog::info("reload: {} SLOs, {} receivers in force", rules.slos.size(), rules.receivers.size());
  return {};
}

Status Server::Stop(Duration limit) {
  State& state = *state_;
  state.draining = true;
  state.gauges.reset();
  state.forecaster.reset();
  spdlog::info("stopping: committing what was accepted");
  state.api->SetKafka(nullptr);
  state.api->Stop();
  const Status left = state.kafka ? state.kafka->Drain(limit / kStopShare) : Status();
  if (!left.ok()) spdlog::warn("kafka: {}", left.error().message());
  state.door->Drain(limit / kStopShare);
  state.outbox->Stop(std::min<Duration>(kOutboxStopMax, limit / kStopShare));
  Status drained = state.partition->Drain(limit / kStopShare);
  state.http->Stop();
  spdlog::info("stopped at event {}", state.partition->figures().durable.value);
  return drained;
}

std::string Server::grpc_address() const {
  const std::string& listen = state_->configuration.server.listen;
  return listen.substr(0, listen.rfind(':') + 1) + std::to_string(state_->door->port());
}

std::string Server::http_address() const {
  const std::string& listen = state_->configuration.server.http;
  return listen.substr(0, listen.rfind(':') + 1) + std::to_string(state_->http->port());
}

}  // namespace barograph::server
