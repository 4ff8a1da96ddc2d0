#include "server/app/demo.h"

#include <absl/synchronization/mutex.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

#include "server/app/demo_fleet.h"
#include "server/app/server.h"
#include "server/app/signals.h"
#include "server/app/stop_watch.h"
#include "server/cli/command.h"
#include "server/cli/output.h"
#include "server/notify/webhook/signature.h"
#include "server/web/http_server.h"

namespace barograph::server {

namespace {

constexpr const char* kSecretName = "BAROGRAPH_DEMO_SECRET";
constexpr const char* kSecret = "whsec_ZmFrZS1zZWNyZXQtb2YtdGhlLWRlbW8tb25seQ==";
/// Of the server alone; and of everything, from the signal on, whatever hangs.
constexpr auto kServerStopMax = std::chrono::seconds(10);
constexpr auto kStopMax = std::chrono::seconds(30);
constexpr auto kIncidentDelay = std::chrono::seconds(6);
constexpr auto kSecondsPerDay = 86'400.0;
/// Quiet enough that nothing but the incident burns a budget.
constexpr double kFailureRatio = 0.0003;
/// Of the live events, with --kafka.
constexpr double kKafkaShare = 0.4;

struct DemoFlags {
  std::string data;
  std::string listen, http, kafka;
  std::uint32_t agents = 50;
  std::uint32_t days = 30;
  double events = 1'100'000;
  double rate = 25;
  double seconds = 0;
  bool keep = false;
};

/// The receiver of the demo's webhooks: verifies each, prints its alerts, and counts them.
class DemoReceiver {
 public:
  explicit DemoReceiver(const Clock& clock)
      : clock_(clock), signer_(WebhookSigner::Make({kSecret}).value()), http_({.port = 0}) {
    http_.RoutePost("/hook", [this](const HttpRequest& request) { return Receive(request); });
  }
  [[nodiscard]] Status Start() { return http_.Start(); }
  [[nodiscard]] std::string url() const {
    return "http://127.0.0.1:" + std::to_string(http_.port()) + "/hook";
  }
  [[nodiscard]] std::size_t firing() const {
    const absl::MutexLock lock(&mutex_);
    return firing_;
  }

 private:
  HttpAnswer Receive(const HttpRequest& request) {
    const auto header = [&request](const char* name) {
      const auto found = request.headers.find(name);
      return found == request.headers.end() ? std::string() : found->second;
    };
    const std::string timestamp = header("webhook-timestamp");
    const std::int64_t seconds = std::atoll(timestamp.c_str());
    if (!signer_.Verify(header("webhook-id"), seconds, request.body, header("webhook-signature"))) {
      return {.status = 401, .body = "no signature fits\n"};
    }
    Show(nlohmann::json::parse(request.body, nullptr, false));
    return {.body = "ok\n"};
  }

  void Show(const nlohmann::json& notice) {
    if (notice.is_discarded() || !notice.contains("alerts")) return;
    const absl::MutexLock lock(&mutex_);
    for (const auto& alert : notice["alerts"]) {
      const bool firing = alert.value("state", "") == "firing";
      firing_ += firing ? 1U : 0U;
      const auto decided = ParseTime(notice.value("at", ""));
      const double ms =
          decided.ok()
              ? std::chrono::duration<double, std::milli>(clock_.WallNow() - decided.value())
                    .count()
              : 0;
      std::printf(
          "\n  WEBHOOK  %s %s  %s  agent=%s\n           %s\n           signature verified, %.1f ms "
          "after the decision\n",
          firing ? "FIRING" : "RESOLVED", alert.value("severity", "").c_str(),
          alert["labels"].value("rule", "").c_str(), alert["labels"].value("agent", "").c_str(),
          alert.value("summary", "").c_str(), ms);
    }
    std::fflush(stdout);
  }

  const Clock& clock_;
  const WebhookSigner signer_;
  mutable absl::Mutex mutex_;
  std::size_t firing_ ABSL_GUARDED_BY(mutex_) = 0;
  HttpServer http_;
};

std::string DemoRules(const std::string& hook) {
  return "# The demo's rules: one SLO with the SRE workbook's default rows, one receiver.\n"
         "apiVersion: barograph/v1\n"
         "labels: [team]\n"
         "slos:\n"
         "  - name: task-success\n"
         "    good: tasks.completed\n"
         "    total: tasks.finished\n"
         "    by: [agent]\n"
         "    objective: 99%\n"
         "    period: 30d\n"
         "    min_events: 20\n"
         "routes: {receiver: demo, group_by: [rule, agent]}\n"
         "receivers:\n"
         "  - name: demo\n"
         "    webhook: {url: \"" +
         hook + "\", format: barograph, secret: {env: " + kSecretName + "}}\n";
}

Result<std::string> MakeFolder(const DemoFlags& flags) {
  std::error_code error;
  if (!flags.data.empty()) {
    if (std::filesystem::exists(flags.data) && !std::filesystem::is_empty(flags.data, error)) {
      return Error(ErrorCode::kInvalidArgument,
                   "--data: " + flags.data + " is not empty; the demo wants a fresh folder");
    }
    std::filesystem::create_directories(flags.data, error);
    if (error) return Error(ErrorCode::kIo, "cannot create " + flags.data + ": " + error.message());
    return flags.data;
  }
  std::string name =
      (std::filesystem::temp_directory_path(error) / "barograph-demo-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) return Error(ErrorCode::kIo, "cannot create " + name);
  return name;
}

/// The demo from start to end; what it says is for people.
class Demo {
 public:
  Demo(DemoFlags flags, Signals& signals)
      : flags_(std::move(flags)), watch_(signals, kStopMax), receiver_(clock_) {}

  Status Run() {
    BAROGRAPH_ASSIGN(folder_, MakeFolder(flags_));
    BAROGRAPH_TRY(receiver_.Start());
    if (!flags_.kafka.empty()) {
      BAROGRAPH_ASSIGN(kafka_fleet_, KafkaFleet::Make(flags_.kafka, clock_));
    }
    BAROGRAPH_TRY(StartServer());
    BAROGRAPH_TRY(Load());
    if (!watch_.stopped()) BAROGRAPH_TRY(Live());
    return Finish();
  }

 private:
  Status StartServer() {
    ::setenv(kSecretName, kSecret, 1);
    std::ofstream(folder_ + "/rules.yaml") << DemoRules(receiver_.url());
    std::ofstream(folder_ + "/barograph.yaml")
        << "data: data\nrules: [rules.yaml]\nlog: {level: warn}\n"
        << KafkaSectionText();
    ServerOptions options;
    options.sources.file = folder_ + "/barograph.yaml";
    options.sources.flags = {{"listen", flags_.listen}, {"http", flags_.http}};
    auto server = Server::Start(options, clock_, &Demo::Fail);
    if (!server.ok() && server.error().code() == ErrorCode::kUnavailable) {
      // Somebody has the usual ports: any free ones will do.
      options.sources.flags = {{"listen", "127.0.0.1:0"}, {"http", "127.0.0.1:0"}};
      server = Server::Start(options, clock_, &Demo::Fail);
    }
    if (!server.ok()) return server.error();
    server_ = std::move(server).value();
    std::printf("Barograph demo: gRPC %s, HTTP http://%s, everything in %s\n\n",
                server_->grpc_address().c_str(), server_->http_address().c_str(), folder_.c_str());
    std::fflush(stdout);
    return {};
  }

  [[nodiscard]] std::string KafkaSectionText() const {
    if (kafka_fleet_ == nullptr) return "";
    return "kafka:\n  brokers: \"" + flags_.kafka + "\"\n  group: " + kafka_fleet_->topic() +
           "\n  topics: [{topic: " + kafka_fleet_->topic() + ", format: event}]\n";
  }

  [[noreturn]] static void Fail(const Error& error) {
    std::fprintf(stderr, "barograph: a write failed: %s\n", error.message().c_str());
    std::_Exit(kExitFailed);
  }

  Status Load() {
    ingest::FleetOptions fleet;
    fleet.agents = flags_.agents;
    fleet.end = clock_.WallNow();
    fleet.start = fleet.end - std::chrono::hours(24) * flags_.days;
    fleet.events_per_second = flags_.events / (kSecondsPerDay * flags_.days);
    fleet.failure_ratio = kFailureRatio;
    const Duration started = clock_.BootNow();
    BAROGRAPH_ASSIGN(const std::uint64_t events,
                     LoadHistory(server_->grpc_address(), fleet, clock_, watch_.stopped()));
    const double seconds = std::chrono::duration<double>(clock_.BootNow() - started).count();
    std::printf(
        "  loaded   %s events of %u days, durable, in %.1f s (%s/s)\n",
        GroupDigits(static_cast<std::int64_t>(events)).c_str(), flags_.days, seconds,
        GroupDigits(static_cast<std::int64_t>(static_cast<double>(events) / seconds)).c_str());
    std::fflush(stdout);
    return {};
  }

  Status Live() {
    ingest::FleetOptions fleet;
    fleet.agents = flags_.agents;
    fleet.seed = 2;
    fleet.start = clock_.WallNow();
    fleet.events_per_second = flags_.rate * (kafka_fleet_ ? 1 - kKafkaShare : 1);
    fleet.daily_swing = 0;
    fleet.failure_ratio = kFailureRatio;
    ingest::FleetIncident incident;
    incident.at = fleet.start + kIncidentDelay;
    fleet.incident = incident;
    live_ = std::make_unique<LiveFleet>(server_->grpc_address(), fleet, clock_);
    if (kafka_fleet_) StartKafkaFleet(fleet);
    std::printf(
        "  live     %u agents, %.0f events a second\n"
        "  incident %s retries a task again and again: %u failures in %s, starting in %s\n",
        flags_.agents, flags_.rate, ingest::Fleet::AgentName(incident.agent).c_str(),
        incident.failures, FormatDuration(incident.length).c_str(),
        FormatDuration(kIncidentDelay).c_str());
    std::fflush(stdout);
    WatchLive();
    Status sent = kafka_fleet_ ? kafka_fleet_->Stop() : Status();
    BAROGRAPH_TRY(live_->Stop());
    return sent;
  }

  void StartKafkaFleet(ingest::FleetOptions fleet) {
    fleet.seed = 3;
    fleet.events_per_second = flags_.rate * kKafkaShare;
    fleet.incident.reset();
    kafka_fleet_->Start(fleet);
    std::printf("  kafka    %.0f %% of the events as records of %s on %s\n", kKafkaShare * 100,
                kafka_fleet_->topic().c_str(), flags_.kafka.c_str());
  }

  void WatchLive() {
    const Duration started = clock_.BootNow();
    bool told = false;
    const std::size_t fired_before = receiver_.firing();
    while (!watch_.stopped()) {
      ::usleep(100'000);
      if (!told && receiver_.firing() > fired_before) {
        told = true;
        ShowCommands();
      }
      if (flags_.seconds > 0 &&
          clock_.BootNow() - started > std::chrono::duration<double>(flags_.seconds)) {
        return;
      }
    }
  }

  void ShowCommands() const {
    char path[4096] = {};
    const ssize_t size = ::readlink("/proc/self/exe", path, sizeof(path) - 1);
    std::string program = size > 0 ? path : "barograph";
    std::error_code error;
    const auto relative = std::filesystem::relative(program, error);
    if (!error && relative.string().size() < program.size()) program = relative.string();
    const std::string address = server_->grpc_address();
    const std::string server = address == "127.0.0.1:7171" ? "" : " --server " + address;
    std::printf("\nLook further, in another terminal:\n");
    const auto line = [&](const std::string& command, const char* what) {
      std::printf("  %-72s # %s\n", (program + " " + command + server).c_str(), what);
    };
    line("alerts list", "what fires, and how each notice ended");
    line("slo", "error budgets and burn rates");
    line("query tasks.failed --by agent --over 1h", "any measure over any window");
    line("query cost --by model --over 30d", "what the fleet spent");
    line("forecast series revenue.net --reaches 40000", "when does it earn 40,000 a day?");
    if (kafka_fleet_) line("kafka status", "positions and lag of its Kafka partitions");
    line("tail --agent agent-0001", "its events as they come");
    std::printf("  %-72s # %s\n",
                ("curl -s http://" + server_->http_address() + "/metrics").c_str(),
                "Prometheus metrics");
    std::printf("  %-72s # %s\n", ("less " + folder_ + "/rules.yaml").c_str(), "its rules");
    std::printf("\nCtrl-C ends the demo.\n");
    std::fflush(stdout);
  }

  Status Finish() {
    Status stopped = server_->Stop(kServerStopMax);
    server_.reset();
    kafka_fleet_.reset();
    if (flags_.keep || !flags_.data.empty()) {
      std::printf("\nended; the log is in %s/data\n", folder_.c_str());
    } else {
      std::error_code ignored;
      std::filesystem::remove_all(folder_, ignored);
      std::printf("\nended; %s is removed (keep it with --keep)\n", folder_.c_str());
    }
    return stopped;
  }

  const DemoFlags flags_;
  StopWatch watch_;  // before all that may hang, so that it outlives it
  SystemClock clock_;
  std::string folder_;
  DemoReceiver receiver_;
  std::unique_ptr<Server> server_;
  std::unique_ptr<LiveFleet> live_;
  std::unique_ptr<KafkaFleet> kafka_fleet_;
};

int RunDemo(const DemoFlags& flags) {
  Signals signals;
  Demo demo(flags, signals);
  const Status status = demo.Run();
  return status.ok() ? kExitDone : PrintError(status.error());
}

}  // namespace

void AddDemoCommand(CLI::App& root, int* status) {
  auto flags = std::make_shared<DemoFlags>();
  flags->listen = "127.0.0.1:7171";
  flags->http = "127.0.0.1:7172";
  CLI::App* command = root.add_subcommand(
      "demo", "Run a server with a simulated fleet, thirty days of history and an incident");
  command->add_option("--data", flags->data,
                      "Fresh folder to use and keep (default: a temporary one)");
  command->add_option("--listen", flags->listen, "gRPC address; any free port if it is taken")
      ->capture_default_str();
  command->add_option("--http", flags->http, "HTTP address; any free port if it is taken")
      ->capture_default_str();
  command->add_option("--agents", flags->agents, "Agents in the fleet")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  command->add_option("--days", flags->days, "Days of history")
      ->check(CLI::Range(1, 365))
      ->capture_default_str();
  command->add_option("--events", flags->events, "About how many events of history")
      ->check(CLI::Range(1.0, 1e9))
      ->capture_default_str();
  command->add_option("--rate", flags->rate, "Live events a second")
      ->check(CLI::Range(0.1, 1e6))
      ->capture_default_str();
  command->add_option("--seconds", flags->seconds,
                      "End by itself after so long live (default: at Ctrl-C)");
  command->add_option("--kafka", flags->kafka,
                      "Brokers of Kafka: part of the live events comes from there");
  command->add_flag("--keep", flags->keep, "Keep the temporary folder");
  command->footer(
      "Examples:\n  barograph demo\n  barograph demo --agents 500 --events 5000000 --keep\n  "
      "barograph demo --kafka 127.0.0.1:9092");
  command->callback([flags, status] { *status = RunDemo(*flags); });
}

}  // namespace barograph::server
