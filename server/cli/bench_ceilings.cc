#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <grpcpp/support/byte_buffer.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <mutex>
#include <string>

#include "barograph/v1/ingest.grpc.pb.h"
#include "server/cli/bench.h"
#include "server/cli/bench_process.h"
#include "server/cli/client.h"
#include "server/cli/wire_text.h"
#include "storage/base/bytes.h"
#include "storage/base/limits.h"
#include "storage/log/record.h"
#include "storage/rocks/database.h"

namespace barograph::server {
namespace {

using ByteReactor = ::grpc::ServerBidiReactor<::grpc::ByteBuffer, ::grpc::ByteBuffer>;

/// Drops every message and acknowledges it cumulatively, as many as came while the last response
/// was being written.
class SinkStream final : public ByteReactor {
 public:
  explicit SinkStream(std::uint32_t batch_events) : batch_events_(batch_events) {
    StartRead(&request_);
  }
  void OnReadDone(bool ok) override {
    const std::lock_guard lock(mutex_);
    if (!ok) {
      half_closed_ = true;
    } else {
      request_.Clear();
      ++messages_;
      StartRead(&request_);
    }
    Proceed();
  }
  void OnWriteDone(bool ok) override {
    const std::lock_guard lock(mutex_);
    writing_ = false;
    half_closed_ |= !ok;
    Proceed();
  }
  void OnDone() override { delete this; }

 private:
  void Proceed() {
    if (writing_ || finished_) return;
    if (acknowledged_ != messages_ && !finished_) {
      v1::PublishResponse response;
      if (acknowledged_ == 0) response.mutable_producer()->set_known(false);
      acknowledged_ = messages_;
      response.set_acked_sequence((messages_ - 1) *
                                  batch_events_);  // the first message is the hello
      response.mutable_receipt()->set_sequence(messages_);
      response.mutable_receipt()->set_link(std::string(32, 'l'));
      const ::grpc::Slice slice(response.SerializeAsString());
      response_ = ::grpc::ByteBuffer(&slice, 1);
      writing_ = true;
      StartWrite(&response_);
    } else if (half_closed_) {
      finished_ = true;
      Finish(::grpc::Status::OK);
    }
  }

  const std::uint32_t batch_events_;
  ::grpc::ByteBuffer request_, response_;
  std::mutex mutex_;
  std::uint64_t messages_ = 0, acknowledged_ = 0;
  bool writing_ = false, half_closed_ = false, finished_ = false;
};

class SinkService final
    : public v1::IngestService::WithRawCallbackMethod_Publish<v1::IngestService::Service> {
 public:
  explicit SinkService(std::uint32_t batch_events) : batch_events_(batch_events) {}
  ByteReactor* Publish(::grpc::CallbackServerContext* /*context*/) override {
    return new SinkStream(batch_events_);
  }

 private:
  std::uint32_t batch_events_;
};

/// PublishRequest's `events` as a record's payload: the same encodings with length in front and no
/// tag.
std::string ToPayload(const std::string& request) {
  std::string payload;
  payload.reserve(request.size());
  ByteReader reader(request);
  ByteWriter writer(&payload);
  while (!reader.done()) {
    (void)reader.Varint();
    writer.String(reader.String());
  }
  return payload;
}

std::string LogKey(std::uint64_t sequence) {
  std::string key;
  ByteWriter writer(&key);
  writer.BigEndian32(0);
  writer.BigEndian64(sequence);
  return key;
}

}  // namespace

int RunTransportSink(const std::string& listen, std::uint32_t batch_events) {
  SinkService service(batch_events);
  ::grpc::ServerBuilder builder;
  builder.AddListeningPort(listen, ::grpc::InsecureServerCredentials());
  builder.SetMaxReceiveMessageSize(static_cast<int>(2 * kBatchBytesMax));
  builder.RegisterService(&service);
  const auto server = builder.BuildAndStart();
  if (server == nullptr) return 1;
  server->Wait();
  return 0;
}

Result<BenchSend> MeasureTransportCeiling(const std::string& folder,
                                          const std::vector<BenchBatches>& sets) {
  BAROGRAPH_ASSIGN(const int port, FreePort());
  const std::string address = "127.0.0.1:" + std::to_string(port);
  BAROGRAPH_ASSIGN(
      const auto sink,
      BenchProcess::Start({"bench", "transport-sink", "--listen", address}, folder + "/sink.log"));
  for (int i = 0; i < 50 && sink->Running(); ++i) {
    if (Client::Connect(address, std::chrono::milliseconds(200)).ok()) break;
  }
  return SendBatches(address, sets, "ceiling-");
}

Result<double> MeasureStorageCeiling(const std::string& folder,
                                     const std::vector<BenchBatches>& sets,
                                     double batches_per_group) {
  storage::DatabaseOptions options;
  options.directory = folder + "/ceiling";
  BAROGRAPH_ASSIGN(const auto database, storage::Database::Open(options));
  std::vector<std::string> payloads;
  std::uint64_t events = 0;
  for (const BenchBatches& set : sets) {
    for (const std::string& batch : set.batches) {
      payloads.push_back(storage::SealPayload(ToPayload(batch)).bytes);
    }
    events += set.events;
  }
  const auto group_size = static_cast<std::size_t>(std::max(1.0, std::round(batches_per_group)));
  const SystemClock clock;
  const Duration begin = clock.BootNow();
  storage::WriteGroup group;
  for (std::size_t i = 0; i < payloads.size(); i += group_size) {
    group.Clear();
    for (std::size_t k = i; k < std::min(payloads.size(), i + group_size); ++k) {
      group.Put(storage::Table::kLog, LogKey(1 + k * kBenchBatchEvents), payloads[k]);
    }
    BAROGRAPH_TRY(database->Write(group, /*sync=*/true));
  }
  const double seconds = std::chrono::duration<double>(clock.BootNow() - begin).count();
  return static_cast<double>(events) / seconds;
}

double GzipJsonBytesPerEvent(const BenchBatches& set, std::uint64_t events) {
  std::string lines;
  std::uint64_t count = 0;
  for (const std::string& batch : set.batches) {
    v1::PublishRequest request;
    if (count >= events || !request.ParseFromString(batch)) break;
    for (const v1::Event& event : request.events()) {
      lines += ToJson(event, /*indented=*/false) + "\n";
      ++count;
    }
  }
  z_stream stream{};
  constexpr int kGzipWindow = 15 + 16;  // 16: gzip's header rather than zlib's
  if (count == 0 ||
      deflateInit2(&stream, 6, Z_DEFLATED, kGzipWindow, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
    return 0;
  }
  std::array<Bytef, 1U << 16U> out{};
  stream.next_in = reinterpret_cast<Bytef*>(lines.data());
  stream.avail_in = static_cast<uInt>(lines.size());
  int result = Z_OK;
  while (result == Z_OK) {
    stream.next_out = out.data();
    stream.avail_out = static_cast<uInt>(out.size());
    result = deflate(&stream, Z_FINISH);
  }
  const auto bytes = static_cast<double>(stream.total_out);
  deflateEnd(&stream);
  return bytes / static_cast<double>(count);
}

}  // namespace barograph::server
