#include "server/cli/bench.h"

#include <CLI/CLI.hpp>
#include <memory>

#include "server/cli/command.h"

namespace barograph::server {
namespace {

struct SinkFlags {
  std::string listen;
  std::uint32_t batch_events = kBenchBatchEvents;
};

CLI::App& AddBench(CLI::App& bench, const std::string& name, const std::string& what,
                   const std::shared_ptr<BenchFlags>& flags) {
  CLI::App& command = *bench.add_subcommand(name, what);
  command.add_option("--folder", flags->folder,
                     "Where to make the temporary folder; use the disk that you will use");
  command.add_flag("--keep", flags->keep, "Leave the temporary folder");
  command.add_option("--runs", flags->runs, "The median of so many runs is printed")
      ->check(CLI::Range(1, 100))
      ->capture_default_str();
  command.add_flag("--gate", flags->gate,
                   "Exit status 1 when a mark of docs/benchmarks.md is missed");
  return command;
}

void AddKafka(CLI::App& bench, const std::shared_ptr<BenchFlags>& flags, int* status) {
  CLI::App& kafka =
      AddBench(bench, "kafka",
               "Durable events per second from Kafka beside a consumer that only counts", flags);
  kafka.add_option("--brokers", flags->brokers, "Brokers; topics are made there and removed again")
      ->required();
  kafka.add_option("--events", flags->kafka_events, "Events, as records of one and of 500")
      ->check(CLI::Range(1'000, 100'000'000))
      ->capture_default_str();
  kafka.callback([flags, status] { *status = BenchKafka(*flags); });
}

void AddReserve(CLI::App& bench, const std::shared_ptr<BenchFlags>& flags, int* status) {
  CLI::App& reserve = AddBench(
      bench, "reserve", "A spend lease beside a 4 KiB append and sync on the same disk", flags);
  reserve.add_option("--reservations", flags->reservations, "One by one, each beside an append")
      ->check(CLI::Range(100, 1'000'000))
      ->capture_default_str();
  reserve.callback([flags, status] { *status = BenchReserve(*flags); });
}

}  // namespace

void AddBenchCommand(CLI::App& root, int* status) {
  CLI::App& bench = *root.add_subcommand(
      "bench", "Measure this machine: ingest, alert, replay, reserve, restart, kafka");
  bench.require_subcommand(1);
  bench.footer(R"(Examples:
  barograph bench ingest --runs 5
  barograph bench alert
  barograph bench replay --events 5000000
  barograph bench reserve --runs 3
  barograph bench restart --events 20000000
  barograph bench kafka --brokers 127.0.0.1:9092 --runs 3

Each prints one JSON object whose names end in their unit. Client and server share this
machine's cores.)");
  auto flags = std::make_shared<BenchFlags>();

  CLI::App& ingest =
      AddBench(bench, "ingest", "Durable events per second over gRPC beside both ceilings", flags);
  ingest.add_option("--events", flags->events, "Events, over two streams")
      ->check(CLI::Range(1'000, 100'000'000))
      ->capture_default_str();
  ingest.callback([flags, status] { *status = BenchIngest(*flags); });

  CLI::App& replay =
      AddBench(bench, "replay", "Folding the log anew beside merely parsing the events", flags);
  replay.add_option("--events", flags->events, "Events in the log")
      ->check(CLI::Range(1'000, 100'000'000))
      ->capture_default_str();
  replay.add_option("--data", flags->data,
                    "Replay this data folder and print the digest; nothing may write to it");
  replay.add_option("--until", flags->until,
                    "With --data: last sequence to fold (default: the end)");
  replay.callback([flags, status] { *status = BenchReplay(*flags); });

  CLI::App& alert =
      AddBench(bench, "alert",
               "From the event that crosses to the verified webhook, idle and loaded", flags);
  alert
      .add_option("--episodes", flags->episodes,
                  "Alerts, each of a fresh agent, idle and again loaded")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  alert.add_option("--episodes-per-second", flags->episodes_per_second, "Open loop")
      ->capture_default_str();
  alert.add_option("--load", flags->load_events_per_second,
                   "Events per second of the loaded part (default: half of full load)");
  alert.callback([flags, status] { *status = BenchAlert(*flags); });

  AddReserve(bench, flags, status);

  CLI::App& restart = AddBench(
      bench, "restart", "Until a server is ready again that was killed under full load", flags);
  restart.add_option("--events", flags->events, "Events in the log before the kill")
      ->check(CLI::Range(1'000'000, 100'000'000))
      ->capture_default_str();
  restart.callback([flags, status] { *status = BenchRestart(*flags); });

  AddKafka(bench, flags, status);

  auto sink = std::make_shared<SinkFlags>();
  CLI::App& transport =
      *bench.add_subcommand("transport-sink", "The server side of the transport ceiling");
  transport.group("");  // started by `bench ingest`
  transport.add_option("--listen", sink->listen, "Address")->required();
  transport.callback(
      [sink, status] { *status = RunTransportSink(sink->listen, sink->batch_events); });
}

}  // namespace barograph::server
