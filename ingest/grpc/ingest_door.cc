#include "ingest/grpc/ingest_door.h"

#include <grpc/support/log.h>
#include <grpcpp/ext/channelz_service_plugin.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <chrono>
#include <cstdlib>
#include <mutex>
#include <thread>
#include <utility>

#include "barograph/v1/ingest.grpc.pb.h"
#include "ingest/grpc/door_state.h"
#include "ingest/grpc/limits.h"
#include "ingest/grpc/publish_stream.h"
#include "ingest/grpc/unary_call.h"
#include "storage/base/limits.h"

namespace barograph::ingest {
namespace {

using RawService = v1::IngestService::WithRawCallbackMethod_Publish<
    v1::IngestService::WithRawCallbackMethod_PublishBatch<v1::IngestService::Service>>;

/// IngestService whose messages stay bytes.
class IngestCalls final : public RawService {
 public:
  explicit IngestCalls(DoorState& door) : door_(door) {}

  ::grpc::ServerBidiReactor<::grpc::ByteBuffer, ::grpc::ByteBuffer>* Publish(
      ::grpc::CallbackServerContext* context) override {
    return new PublishStream(door_, *context);
  }
  ::grpc::ServerUnaryReactor* PublishBatch(::grpc::CallbackServerContext* context,
                                           const ::grpc::ByteBuffer* request,
                                           ::grpc::ByteBuffer* response) override {
    return StartPublishBatch(door_, *context, *request, response);
  }

 private:
  DoorState& door_;
};

template <typename Span>
int Milliseconds(Span span) {
  return static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(span).count());
}

void SetLimits(::grpc::ServerBuilder& builder) {
  builder.SetMaxReceiveMessageSize(static_cast<int>(kBatchBytesMax + kMessageSlackBytes));
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kStreamsPerConnectionMax);
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, kMetadataBytesMax);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, Milliseconds(kKeepaliveTime));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, Milliseconds(kKeepaliveTimeout));
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                             Milliseconds(kClientPingMin));
  // Two servers on one port would share the agents between two logs.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  // A few compressed bytes can stand for gigabytes, and gRPC checks the size of a message before it
  // inflates it.
  for (const auto algorithm : {GRPC_COMPRESS_DEFLATE, GRPC_COMPRESS_GZIP}) {
    builder.SetCompressionAlgorithmSupportStatus(algorithm, false);
  }
  // Only health, reflection and channelz are synchronous: one thread waits for them.
  builder.SetSyncServerOption(::grpc::ServerBuilder::NUM_CQS, 1);
  builder.SetSyncServerOption(::grpc::ServerBuilder::MIN_POLLERS, 1);
  builder.SetSyncServerOption(::grpc::ServerBuilder::MAX_POLLERS, 1);
}

void RegisterPlugins(bool channelz) {
  static std::once_flag once;  // gRPC keeps plug-ins for the life of the process
  std::call_once(once, [] {
    // Errors come back as values and are told once, by us; gRPC's own lines only when somebody asks
    // for them.
    if (std::getenv("GRPC_VERBOSITY") == nullptr) gpr_set_log_function([](gpr_log_func_args*) {});
    ::grpc::EnableDefaultHealthCheckService(true);
    ::grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  });
  static std::once_flag channelz_once;
  if (channelz) std::call_once(channelz_once, ::grpc::channelz::experimental::InitChannelzService);
}

}  // namespace

// --- What calls share ---------------------------------------------------------------------------

DoorState::DoorState(const IngestDoorOptions& door_options, PartitionPort& partition,
                     const Authenticator& door_authenticator, const Clock& door_clock)
    : options(door_options),
      port(partition),
      authenticator(door_authenticator),
      clock(door_clock),
      answers(
          door_clock,
          [this] {
            for (PublishStream* stream : std::exchange(to_flush, {})) stream->Flush();
          },
          [this] {
            const Duration now = clock.BootNow();
            ForEachStream([now](PublishStream& stream) { stream.CutIfStuck(now); });
          }) {}

bool DoorState::Enter(PublishStream* stream) {
  const std::lock_guard lock(streams_mutex_);
  if (streams_.size() >= options.streams_max) return false;
  streams_.insert(stream);
  return true;
}

void DoorState::Leave(PublishStream* stream) {
  const std::lock_guard lock(streams_mutex_);
  streams_.erase(stream);
}

std::size_t DoorState::open_streams() const {
  const std::lock_guard lock(streams_mutex_);
  return streams_.size();
}

// --- The door -----------------------------------------------------------------------------------

struct IngestDoor::State {
  State(const IngestDoorOptions& options, PartitionPort& partition,
        const Authenticator& authenticator, const Clock& clock)
      : door(options, partition, authenticator, clock), calls(door) {}

  DoorState door;
  IngestCalls calls;
  std::vector<std::string> service_names;
  int port = 0;
  std::unique_ptr<::grpc::Server> server;
};

IngestDoor::IngestDoor() = default;

IngestDoor::~IngestDoor() {
  if (state_ == nullptr) return;
  Drain(std::chrono::seconds(5));
  state_->door.answers.Stop();
}

Result<std::unique_ptr<IngestDoor>> IngestDoor::Open(
    const IngestDoorOptions& options, PartitionPort& port, const Authenticator& authenticator,
    const Clock& clock, const std::vector<::grpc::Service*>& services) {
  RegisterPlugins(options.channelz);
  std::unique_ptr<IngestDoor> door(new IngestDoor());
  door->state_ = std::make_unique<State>(options, port, authenticator, clock);
  State& state = *door->state_;
  ::grpc::ServerBuilder builder;
  SetLimits(builder);
  builder.AddListeningPort(options.listen, ::grpc::InsecureServerCredentials(), &state.port);
  builder.RegisterService(&state.calls);
  for (::grpc::Service* service : services) builder.RegisterService(service);
  state.server = builder.BuildAndStart();
  if (state.server == nullptr || state.port == 0) {
    return Error(ErrorCode::kUnavailable,
                 "cannot listen on " + options.listen + "; is another server running there?");
  }
  door->SetServing(true);
  return door;
}

int IngestDoor::port() const { return state_->port; }

void IngestDoor::SetServing(bool serving) {
  auto* const health = state_->server->GetHealthCheckService();
  if (health == nullptr) return;
  for (const char* name :
       {"barograph.v1.IngestService", "barograph.v1.QueryService", "barograph.v1.AdminService"}) {
    health->SetServingStatus(name, serving);
  }
  health->SetServingStatus(serving);
}

void IngestDoor::Drain(Duration limit) {
  State& state = *state_;
  if (state.server == nullptr || state.door.draining.exchange(true)) return;
  SetServing(false);
  state.door.ForEachStream([](PublishStream& stream) { stream.Drain(); });
  state.server->Shutdown(std::chrono::system_clock::now() +
                         std::chrono::duration_cast<std::chrono::system_clock::duration>(limit));
}

IngestDoorFigures IngestDoor::figures() const {
  const auto& counters = state_->door.counters;
  return {.streams_open = state_->door.open_streams(),
          .streams = counters.streams,
          .unary_calls = counters.unary_calls,
          .batches = counters.batches,
          .bytes = counters.bytes,
          .refused_busy = counters.refused_busy,
          .waits_for_room = counters.waits_for_room,
          .cut_slow = counters.cut_slow,
          .copied_messages = counters.copied_messages,
          .responses = counters.responses};
}

}  // namespace barograph::ingest
