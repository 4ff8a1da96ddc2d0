#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>

#include "barograph/v1/kafka.pb.h"
#include "server/cli/client.h"
#include "server/cli/command.h"
#include "server/cli/output.h"
#include "server/cli/wire_text.h"

namespace barograph::server {
namespace {

struct KafkaFlags {
  std::string server, topic;
  std::uint32_t partition = 0;
  std::optional<std::uint64_t> to;
  bool earliest = false, latest = false, accept_loss = false;
  OutputFormat format = OutputFormat::kTable;
};

std::string Count(std::uint64_t number) { return GroupDigits(static_cast<std::int64_t>(number)); }

std::string PlaceOf(const v1::KafkaPartitionStatus& partition) {
  return partition.topic() + "/" + std::to_string(partition.partition());
}

Result<v1::GetKafkaStatusResponse> AskStatus(Client& client) {
  v1::GetKafkaStatusResponse response;
  BAROGRAPH_TRY(client.Call("barograph.v1.KafkaService/GetKafkaStatus", v1::GetKafkaStatusRequest(),
                            &response));
  return response;
}

void PrintConsumer(const v1::GetKafkaStatusResponse& status) {
  if (!status.configured()) {
    std::puts("not configured: barograph.yaml has no `kafka` section (docs/kafka.md)");
    return;
  }
  std::printf("%s: brokers %s, group %s, %s rebalances, %s errors\n", status.state().c_str(),
              status.brokers().c_str(), status.group().c_str(), Count(status.rebalances()).c_str(),
              Count(status.errors()).c_str());
  if (!status.last_error().empty()) {
    std::printf("last error %s: %s\n", TimeText(status.last_error_at()).c_str(),
                status.last_error().c_str());
  }
  if (status.dead_letters_sent() + status.dead_letters_failed() > 0) {
    std::printf("dead letters: %s sent, %s failed\n", Count(status.dead_letters_sent()).c_str(),
                Count(status.dead_letters_failed()).c_str());
  }
}

void PrintPartitions(const v1::GetKafkaStatusResponse& status) {
  Table table({"TOPIC", "PARTITION", "STATE", "NEXT", "LAG", "LAG SECONDS", "RECORDS", "EVENTS",
               "DUPLICATES", "SET ASIDE", "TOMBSTONES", "HOLES"});
  for (const auto& row : status.partitions()) {
    table.Row({row.topic(), std::to_string(row.partition()),
               Word(v1::KafkaPartitionStatus::State_Name(row.state())), Count(row.next_offset()),
               row.has_lag_records() ? Count(row.lag_records()) : "",
               row.has_lag_seconds() ? NumberText(row.lag_seconds()) : "", Count(row.records()),
               Count(row.events()), Count(row.duplicates()), Count(row.set_aside()),
               Count(row.tombstones()), Count(row.holes())});
  }
  const std::string text = table.ToString();
  std::printf("\n%s", text.empty() ? "no partition was read yet\n" : text.c_str());
}

void PrintProblems(const v1::GetKafkaStatusResponse& status) {
  for (const auto& row : status.partitions()) {
    if (!row.problem().empty()) {
      std::printf("\n%s stopped: %s\n  go on behind it: barograph kafka skip %s %u --help\n",
                  PlaceOf(row).c_str(), row.problem().c_str(), row.topic().c_str(),
                  row.partition());
    }
    if (row.unverifiable()) {
      std::printf(
          "\n%s unverifiable: the last record that was stored is gone from the topic (retention or "
          "compaction), so nothing proves that the topic is still the same\n",
          PlaceOf(row).c_str());
    }
  }
}

int RunStatus(const KafkaFlags& flags) {
  auto client = Client::Connect(flags.server);
  if (!client.ok()) return PrintError(client.error());
  const auto status = AskStatus(**client);
  if (!status.ok()) return PrintError(status.error());
  if (flags.format == OutputFormat::kJson) {
    std::puts(ToJson(*status).c_str());
    return kExitDone;
  }
  PrintConsumer(*status);
  if (status->configured() || status->partitions_size() > 0) PrintPartitions(*status);
  PrintProblems(*status);
  return kExitDone;
}

/// What going on at the target leaves out, as far as the server knows the partition's ends.
std::string LossText(const KafkaFlags& flags, const v1::KafkaPartitionStatus& row) {
  const std::string from = Count(row.next_offset());
  if (flags.earliest) {
    return "whatever stood between offset " + from + " and the first record that the broker has";
  }
  if (flags.latest) {
    return "every record from offset " + from + " to the end" +
           (row.has_lag_records() ? " (" + Count(row.lag_records()) + " offsets)" : "");
  }
  if (*flags.to >= row.next_offset()) {
    return Count(*flags.to - row.next_offset()) + " offsets, from " + from + " up to " +
           Count(*flags.to);
  }
  return "nothing in front of offset " + from + ", but records from " + Count(*flags.to) +
         " on are read as new: those that are in the log already are stored again unless their "
         "events have ids";
}

/// Without --accept-loss: what a skip would do, and kExitNo.
int Explain(const KafkaFlags& flags, const v1::GetKafkaStatusResponse& status) {
  for (const auto& row : status.partitions()) {
    if (row.topic() != flags.topic || row.partition() != flags.partition) continue;
    if (row.state() != v1::KafkaPartitionStatus::STOPPED) {
      return PrintError(
          Error(ErrorCode::kFailedPrecondition,
                PlaceOf(row) + " is not stopped; only a stopped partition is skipped"));
    }
    std::fprintf(stderr,
                 "%s stopped at offset %s: %s\nLost for ever: %s.\nNothing was changed. Add "
                 "--accept-loss to go on.\n",
                 PlaceOf(row).c_str(), Count(row.next_offset()).c_str(), row.problem().c_str(),
                 LossText(flags, row).c_str());
    return kExitNo;
  }
  return PrintError(
      Error(ErrorCode::kNotFound, flags.topic + "/" + std::to_string(flags.partition) +
                                      " was never read; see `barograph kafka status`"));
}

int RunSkip(const KafkaFlags& flags) {
  auto client = Client::Connect(flags.server);
  if (!client.ok()) return PrintError(client.error());
  if (!flags.accept_loss) {
    const auto status = AskStatus(**client);
    return status.ok() ? Explain(flags, *status) : PrintError(status.error());
  }
  v1::SkipKafkaRequest request;
  request.set_topic(flags.topic);
  request.set_partition(flags.partition);
  if (flags.to) request.set_offset(*flags.to);
  if (flags.earliest) request.set_earliest(true);
  if (flags.latest) request.set_latest(true);
  v1::SkipKafkaResponse response;
  const Status called = (*client)->Call("barograph.v1.KafkaService/SkipKafka", request, &response);
  if (!called.ok()) return PrintError(called.error());
  if (flags.format == OutputFormat::kJson) {
    std::puts(ToJson(response).c_str());
  } else {
    std::printf("%s/%u goes on at offset %s; it had stopped at %s\n", flags.topic.c_str(),
                flags.partition, Count(response.to_offset()).c_str(),
                Count(response.from_offset()).c_str());
  }
  return kExitDone;
}

void AddSkip(CLI::App& kafka, const std::shared_ptr<KafkaFlags>& flags, int* status) {
  CLI::App& skip =
      *kafka.add_subcommand("skip", "Let a stopped partition go on behind records that are lost");
  skip.footer(R"(Examples:
  barograph kafka skip agents 3 --earliest                 # says what would be lost; exit status 3
  barograph kafka skip agents 3 --earliest --accept-loss   # on with the first record there is
  barograph kafka skip agents 3 --to 120000 --accept-loss

A partition stops when records that were not read are gone, or when the topic is not the one that
was read (made anew, or cut). Going on is logged as GapSkipped.)");
  skip.add_option("topic", flags->topic, "Topic")->required();
  skip.add_option("partition", flags->partition, "Partition")->required();
  CLI::Option_group& target = *skip.add_option_group("Where to go on");
  target.add_option("--to", flags->to, "This offset");
  target.add_flag("--earliest", flags->earliest, "The first record that the broker still has");
  target.add_flag("--latest", flags->latest, "Behind the last record");
  target.require_option(1);
  skip.add_flag("--accept-loss", flags->accept_loss, "Do it; without it nothing is changed");
  AddServerOption(skip, &flags->server);
  AddOutputOption(skip, &flags->format);
  skip.callback([flags, status] { *status = RunSkip(*flags); });
}

}  // namespace

void AddKafkaCommand(CLI::App& root, int* status) {
  auto flags = std::make_shared<KafkaFlags>();
  CLI::App& kafka = *root.add_subcommand("kafka", "How topics of Kafka are read: status, skip");
  kafka.require_subcommand(1);
  CLI::App& show = *kafka.add_subcommand("status", "Each partition's position, lag and counts");
  show.footer(R"(Examples:
  barograph kafka status
  barograph kafka status -o json

NEXT is the offset to be read next; everything before it was decided and is durable. LAG SECONDS is
the age of the last record read while there is lag.)");
  AddServerOption(show, &flags->server);
  AddOutputOption(show, &flags->format);
  show.callback([flags, status] { *status = RunStatus(*flags); });
  AddSkip(kafka, flags, status);
}

}  // namespace barograph::server
