#include "server/app/server_metrics.h"

#include <unistd.h>

#include <cstdio>
#include <string>

namespace barograph::server {

namespace {

double Seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

void AddIngest(const PartitionFigures& partition, const ingest::IngestDoorFigures& door,
               MetricSink& sink) {
  const auto count = [](std::uint64_t value) { return static_cast<double>(value); };
  sink.Counter("barograph_ingest_events_total", "Events folded since the start.",
               count(partition.events));
  sink.Counter("barograph_ingest_batches_total", "Batches folded since the start.",
               count(partition.batches));
  sink.Counter("barograph_ingest_duplicate_events_total", "Events that were already in the log.",
               count(partition.duplicates));
  sink.Counter("barograph_ingest_rejected_events_total", "Events refused with a verdict.",
               count(partition.rejected));
  sink.Gauge("barograph_ingest_id_horizon_seconds",
             "How far back ids of events without a producer are known: a day, less when too many "
             "came.",
             Seconds(partition.dedup_horizon));
  sink.Gauge("barograph_ingest_queue_batches", "Batches that wait for the writer.",
             count(partition.queue_batches));
  sink.Gauge("barograph_ingest_queue_bytes", "Bytes that wait for the writer.",
             count(partition.queue_bytes));
  sink.Gauge("barograph_grpc_streams", "Publish streams that are open.", count(door.streams_open));
  sink.Counter("barograph_grpc_received_bytes_total", "Bytes of admitted requests.",
               count(door.bytes));
  sink.Counter("barograph_grpc_refused_busy_total",
               "Unary calls answered RESOURCE_EXHAUSTED because the queue was full.",
               count(door.refused_busy));
  sink.Counter("barograph_grpc_waits_total",
               "Times that a stream was not read because the queue was full.",
               count(door.waits_for_room));
  sink.Counter("barograph_grpc_cut_streams_total", "Streams cut because nobody read their answers.",
               count(door.cut_slow));
}

void AddLog(const PartitionFigures& partition, MetricSink& sink) {
  const auto count = [](std::uint64_t value) { return static_cast<double>(value); };
  sink.Counter("barograph_log_groups_total", "Group commits: one synced write each.",
               count(partition.groups));
  sink.Gauge("barograph_log_durable_sequence", "Last event whose group was synced.",
             count(partition.durable.value));
  sink.Gauge("barograph_log_staged_sequence", "Last event that the writer took.",
             count(partition.staged.value));
  sink.Gauge("barograph_log_time_timestamp_seconds", "The log's clock.",
             Seconds(partition.log_time.time_since_epoch()));
  sink.Gauge("barograph_log_wall_difference_seconds", "Wall clock minus the log's clock.",
             Seconds(partition.wall_difference));
  sink.Gauge("barograph_log_failed", "1 after a sync failed: the process is about to end.",
             partition.failed ? 1 : 0);
  sink.Counter("barograph_checkpoints_total", "Checkpoints written since the start.",
               count(partition.checkpoints));
  sink.Gauge("barograph_checkpoint_sequence", "Event at which the last checkpoint stands.",
             count(partition.checkpoint.value));
  sink.Gauge("barograph_checkpoint_bytes", "Bytes of the last checkpoint.",
             count(partition.last_checkpoint_bytes));
  sink.Gauge("barograph_checkpoint_duration_seconds", "Time that the last checkpoint took.",
             Seconds(partition.last_checkpoint_duration));
  sink.Gauge("barograph_start_duration_seconds", "Time from opening the log until ready.",
             Seconds(partition.start_duration));
  sink.Counter("barograph_evaluations_total", "Evaluation points since the start.",
               count(partition.evaluations));
  sink.Gauge("barograph_writer_absence_max_seconds",
             "Longest time that the writer was away from its queue.",
             Seconds(partition.writer_absence_max));
}

void AddQuarantine(const PartitionFigures& partition, MetricSink& sink) {
  sink.Gauge("barograph_quarantine_records",
             "Records of Kafka that were set aside and wait for somebody: barograph dlq list.",
             static_cast<double>(partition.quarantine_pending));
}

void AddLeases(const PartitionFigures& partition, MetricSink& sink) {
  const auto count = [&](const char* name, const char* help, std::uint64_t value) {
    sink.Counter(name, help, static_cast<double>(value));
  };
  count("barograph_leases_granted_total", "Reservations that were granted since the start.",
        partition.leases_granted);
  count("barograph_leases_denied_total",
        "Reservations that a budget could not take since the start.", partition.leases_denied);
  count("barograph_leases_expired_total",
        "Leases that nobody settled or released in time since the start.",
        partition.leases_expired);
  count("barograph_leases_settled_total", "Leases that were settled since the start.",
        partition.leases_settled);
  count("barograph_leases_released_total", "Leases that were given back since the start.",
        partition.leases_released);
}

void AddNotices(const OutboxFigures& outbox, MetricSink& sink) {
  const std::string help = "Notices that ended, by outcome.";
  const auto ended = [&](const std::string& outcome, std::uint64_t value) {
    sink.Counter("barograph_notices_ended_total", help, static_cast<double>(value),
                 {{"outcome", outcome}});
  };
  ended("delivered", outbox.delivered);
  ended("superseded", outbox.superseded);
  ended("dead", outbox.dead);
  ended("dropped", outbox.dropped);
  sink.Counter("barograph_notice_tries_total", "Tries to deliver a notice.",
               static_cast<double>(outbox.tries));
  sink.Counter("barograph_notice_failed_tries_total", "Tries that did not deliver.",
               static_cast<double>(outbox.failed_tries));
  sink.Counter("barograph_notice_refused_ends_total",
               "Times that the log was too busy to be told how a notice ended; it is told again.",
               static_cast<double>(outbox.refused_ends));
  sink.Gauge("barograph_notices_waiting", "Notices that wait for delivery.",
             static_cast<double>(outbox.waiting));
}

void AddReceivers(const OutboxFigures& outbox, MetricSink& sink) {
  for (const auto& [receiver, figures] : outbox.receivers) {
    const std::map<std::string, std::string> labels{{"receiver", receiver}};
    sink.Gauge("barograph_receiver_notices_waiting", "Notices that wait for this receiver.",
               static_cast<double>(figures.waiting), labels);
    sink.Gauge("barograph_receiver_tries_under_way", "Tries to deliver that wait for an answer.",
               static_cast<double>(figures.under_way), labels);
    sink.Counter("barograph_receiver_waits_for_rate_total",
                 "Notices that were due and had to wait for the receiver's rate limit.",
                 static_cast<double>(figures.waits_for_rate), labels);
  }
}

void AddForecasts(const ForecasterFigures& forecaster, MetricSink& sink) {
  sink.Counter("barograph_forecasts_issued_total", "Forecasts that rules asked for and got.",
               static_cast<double>(forecaster.issued));
  sink.Counter("barograph_forecasts_cannot_say_total",
               "Of the forecasts issued, those of series that say too little.",
               static_cast<double>(forecaster.cannot_say));
  sink.Counter("barograph_forecasts_failed_total", "Forecasts that the log refused.",
               static_cast<double>(forecaster.failed));
  sink.Gauge("barograph_forecasts_due", "Forecasts that were due when it was looked last.",
             static_cast<double>(forecaster.due));
  sink.Counter("barograph_forecasts_busy_seconds_total", "Time that forecasts took.",
               Seconds(forecaster.busy));
}

void AddProcess(MetricSink& sink) {
  std::FILE* file = std::fopen("/proc/self/statm", "r");
  if (file == nullptr) return;
  unsigned long pages = 0;
  unsigned long resident = 0;
  if (std::fscanf(file, "%lu %lu", &pages, &resident) == 2) {
    sink.Gauge("process_resident_memory_bytes", "Resident memory.",
               static_cast<double>(resident) * static_cast<double>(::sysconf(_SC_PAGESIZE)));
  }
  std::fclose(file);
}

}  // namespace

void AddServerMetrics(const ServerFigures& figures, MetricSink& sink) {
  AddIngest(figures.partition, figures.door, sink);
  AddLog(figures.partition, sink);
  AddQuarantine(figures.partition, sink);
  AddLeases(figures.partition, sink);
  AddNotices(figures.outbox, sink);
  AddReceivers(figures.outbox, sink);
  AddForecasts(figures.forecaster, sink);
  AddProcess(sink);
}

}  // namespace barograph::server
