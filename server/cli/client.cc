#include "server/cli/client.h"

#include <google/protobuf/message_lite.h>
#include <grpc/support/log.h>
#include <grpcpp/client_context.h>
#include <grpcpp/completion_queue.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/channel_arguments.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <optional>
#include <utility>

#include "barograph/v1/ingest.pb.h"
#include "storage/base/bytes.h"

namespace barograph::server {
namespace {

ErrorCode FromGrpc(::grpc::StatusCode code) {
  switch (code) {
    case ::grpc::StatusCode::INVALID_ARGUMENT:
    case ::grpc::StatusCode::OUT_OF_RANGE:
      return ErrorCode::kInvalidArgument;
    case ::grpc::StatusCode::NOT_FOUND:
      return ErrorCode::kNotFound;
    case ::grpc::StatusCode::ALREADY_EXISTS:
      return ErrorCode::kAlreadyExists;
    case ::grpc::StatusCode::FAILED_PRECONDITION:
      return ErrorCode::kFailedPrecondition;
    case ::grpc::StatusCode::RESOURCE_EXHAUSTED:
      return ErrorCode::kResourceExhausted;
    case ::grpc::StatusCode::UNAVAILABLE:
    case ::grpc::StatusCode::CANCELLED:
      return ErrorCode::kUnavailable;
    case ::grpc::StatusCode::DEADLINE_EXCEEDED:
      return ErrorCode::kDeadlineExceeded;
    case ::grpc::StatusCode::DATA_LOSS:
      return ErrorCode::kDataLoss;
    default:
      return ErrorCode::kInternal;
  }
}

std::chrono::system_clock::time_point DeadlineAfter(Duration timeout) {
  return std::chrono::system_clock::now() +
         std::chrono::duration_cast<std::chrono::system_clock::duration>(timeout);
}

::grpc::ByteBuffer ToBuffer(std::string_view bytes) {
  const ::grpc::Slice slice(bytes.data(), bytes.size());
  return {&slice, 1};
}

std::string ToText(::grpc::ByteBuffer& buffer) {
  ::grpc::Slice slice;
  if (!buffer.Valid() || !buffer.DumpToSingleSlice(&slice).ok()) return {};
  return {reinterpret_cast<const char*>(slice.begin()), slice.size()};
}

}  // namespace

void AddServerOption(CLI::App& command, std::string* server) {
  command.add_option("--server", *server, "Address of the server")
      ->envname("BAROGRAPH_SERVER")
      ->default_val("127.0.0.1:7171");
}

// --- Client -------------------------------------------------------------------------------------

struct Client::State {
  std::string server;
  std::shared_ptr<::grpc::Channel> channel;
  std::unique_ptr<::grpc::GenericStub> stub;

  [[nodiscard]] Error ToError(const ::grpc::Status& status) const {
    if (status.error_code() == ::grpc::StatusCode::UNAVAILABLE) {
      return {ErrorCode::kUnavailable, "server " + server + ": " + status.error_message(), true};
    }
    return {FromGrpc(status.error_code()), status.error_message()};
  }
};

Client::Client() : state_(std::make_unique<State>()) {}
Client::~Client() = default;

Result<std::unique_ptr<Client>> Client::Connect(const std::string& server, Duration timeout) {
  // What goes wrong comes back as a value; gRPC's own lines only when somebody asks for them.
  if (std::getenv("GRPC_VERBOSITY") == nullptr) gpr_set_log_function([](gpr_log_func_args*) {});
  ::grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);  // one connection per Client
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetMaxReceiveMessageSize(-1);
  std::unique_ptr<Client> client(new Client());
  State& state = *client->state_;
  state.server = server;
  state.channel =
      ::grpc::CreateCustomChannel(server, ::grpc::InsecureChannelCredentials(), arguments);
  state.stub = std::make_unique<::grpc::GenericStub>(state.channel);
  if (!state.channel->WaitForConnected(DeadlineAfter(timeout))) {
    return Error(ErrorCode::kUnavailable,
                 "cannot reach the server at " + server +
                     "; start it with `barograph serve`, or name another one with --server",
                 /*retryable=*/true);
  }
  return client;
}

Status Client::Call(std::string_view method, const google::protobuf::MessageLite& request,
                    google::protobuf::MessageLite* response, Duration timeout) {
  ::grpc::ClientContext context;
  context.set_deadline(DeadlineAfter(timeout));
  ::grpc::CompletionQueue queue;
  const auto call = state_->stub->PrepareUnaryCall(&context, "/" + std::string(method),
                                                   ToBuffer(request.SerializeAsString()), &queue);
  ::grpc::ByteBuffer answer;
  ::grpc::Status status;
  call->StartCall();
  call->Finish(&answer, &status, &status);
  void* tag = nullptr;
  bool ok = false;
  (void)queue.Next(&tag, &ok);
  if (!status.ok()) return state_->ToError(status);
  if (!response->ParseFromString(ToText(answer))) {
    return Error(ErrorCode::kInternal,
                 "the server's answer cannot be read; are the versions equal?");
  }
  return {};
}

Status Client::Stream(std::string_view method, const google::protobuf::MessageLite& request,
                      const std::function<bool(std::string_view wire)>& on_message) {
  ::grpc::ClientContext context;
  ::grpc::CompletionQueue queue;
  const auto call = state_->stub->PrepareCall(&context, "/" + std::string(method), &queue);
  const auto wait = [&queue] {
    void* tag = nullptr;
    bool ok = false;
    return queue.Next(&tag, &ok) && ok;
  };
  bool going = true;
  call->StartCall(nullptr);
  going = wait();
  if (going) {
    call->WriteLast(ToBuffer(request.SerializeAsString()), ::grpc::WriteOptions(), nullptr);
    going = wait();
  }
  ::grpc::ByteBuffer answer;
  bool stopped = false;
  while (going) {
    call->Read(&answer, nullptr);
    going = wait();
    if (going && !on_message(ToText(answer))) {
      stopped = true;
      context.TryCancel();
      going = false;
    }
  }
  ::grpc::Status status;
  call->Finish(&status, nullptr);
  (void)wait();
  if (stopped || status.ok()) return {};
  return state_->ToError(status);
}

// --- Publisher ----------------------------------------------------------------------------------

struct Publisher::State {
  enum Tag : std::uint8_t { kStart, kRead, kWrite, kDone, kFinish };

  Client::State* client = nullptr;
  PublisherOptions options;
  ::grpc::ClientContext context;
  ::grpc::CompletionQueue queue;
  std::unique_ptr<::grpc::GenericClientAsyncReaderWriter> call;
  ::grpc::ByteBuffer answer;
  v1::PublishResponse response;
  std::array<Tag, 5> tags = {kStart, kRead, kWrite, kDone, kFinish};
  std::deque<std::uint64_t> unacked;  ///< last sequence of each batch under way
  std::uint64_t sent = 0, acked = 0, acked_at_open = 0, receipt_sequence = 0;
  std::string receipt_link;
  bool introduced = false, writing = false, reading = false, ended = false, finished = false;
  ::grpc::Status status;
  std::optional<Error> error;

  /// What the queue gives back when that step has ended.
  void* ToTag(Tag tag) { return &tags[tag]; }

  void StartRead() {
    reading = true;
    call->Read(&answer, ToTag(kRead));
  }

  void OnResponse() {
    if (!response.ParseFromString(ToText(answer))) {
      error = Error(ErrorCode::kInternal, "an acknowledgement cannot be read");
      return;
    }
    if (response.has_producer()) {
      introduced = true;
      acked_at_open = response.producer().acked_sequence();
      if (options.append) sent = acked_at_open;
    }
    acked = std::max<std::uint64_t>(acked, response.acked_sequence());
    while (!unacked.empty() && unacked.front() <= acked) unacked.pop_front();
    if (response.has_receipt()) {
      receipt_sequence = response.receipt().sequence();
      receipt_link = response.receipt().link();
    }
    if (!options.on_verdict) return;
    for (const auto& verdict : response.verdicts()) {
      options.on_verdict({.sequence = verdict.sequence(),
                          .duplicate = verdict.outcome() == v1::EventVerdict::DUPLICATE,
                          .reason = verdict.reason()});
    }
  }

  void OnEvent(Tag tag, bool ok) {
    switch (tag) {
      case kStart:
        writing = false;
        if (ok) StartRead();
        ended = !ok;
        break;
      case kRead:
        reading = false;
        ended = !ok;
        if (ok) {
          OnResponse();
          StartRead();
        }
        break;
      case kWrite:
      case kDone:
        writing = false;
        break;
      case kFinish:
        finished = true;
        break;
    }
    if (ended && !reading && !writing && !finished) End();
  }

  void End() {
    call->Finish(&status, ToTag(kFinish));
    void* tag = nullptr;
    bool ok = false;
    while (queue.Next(&tag, &ok) && tag != ToTag(kFinish)) {
    }
    finished = true;
    if (!status.ok()) error = client->ToError(status);
  }

  /// Takes one event; false when none came before `deadline`.
  bool Step(std::chrono::system_clock::time_point deadline) {
    void* tag = nullptr;
    bool ok = false;
    if (queue.AsyncNext(&tag, &ok, deadline) != ::grpc::CompletionQueue::GOT_EVENT) return false;
    OnEvent(*static_cast<const Tag*>(tag), ok);
    return true;
  }

  /// Works until `ready()`, an error, or the end of the stream.
  template <typename Ready>
  Status Until(Ready ready) {
    while (!error && !finished && !ready()) Step(std::chrono::system_clock::time_point::max());
    if (error) return *error;
    if (!ready()) return Error(ErrorCode::kUnavailable, "the server ended the stream", true);
    return {};
  }

  void Write(std::string_view head, std::string_view events) {
    const ::grpc::Slice slices[] = {
        ::grpc::Slice(head.data(), head.size()),
        options.borrow ? ::grpc::Slice(events.data(), events.size(), ::grpc::Slice::STATIC_SLICE)
                       : ::grpc::Slice(events.data(), events.size())};
    writing = true;
    call->Write(::grpc::ByteBuffer(slices, 2), ToTag(kWrite));
  }

  [[nodiscard]] std::string Head(std::uint64_t first_sequence, bool introduce) const {
    v1::PublishRequest head;
    if (introduce) {
      head.set_producer_id(options.producer);
      head.set_epoch(options.epoch);
    }
    head.set_first_sequence(options.producer.empty() ? 0 : first_sequence);
    return head.SerializeAsString();
  }
};

Publisher::Publisher() : state_(std::make_unique<State>()) {}

Publisher::~Publisher() {
  State& state = *state_;
  if (state.call != nullptr && !state.finished) {
    state.context.TryCancel();
    state.ended = true;
    while (!state.finished && (state.reading || state.writing)) {
      state.Step(std::chrono::system_clock::time_point::max());
    }
    if (!state.finished) state.End();
  }
  state.queue.Shutdown();
  void* tag = nullptr;
  bool ok = false;
  while (state.queue.Next(&tag, &ok)) {
  }
}

Result<std::unique_ptr<Publisher>> Publisher::Open(Client& client, PublisherOptions options) {
  std::unique_ptr<Publisher> publisher(new Publisher());
  State& state = *publisher->state_;
  state.client = client.state_.get();
  state.options = std::move(options);
  state.call = client.state_->stub->PrepareCall(
      &state.context, "/barograph.v1.IngestService/Publish", &state.queue);
  state.writing = true;
  state.call->StartCall(state.ToTag(State::kStart));
  BAROGRAPH_TRY(state.Until([&state] { return !state.writing; }));
  state.Write(state.Head(0, /*introduce=*/true), {});
  BAROGRAPH_TRY(state.Until([&state] { return state.introduced; }));
  return publisher;
}

Status Publisher::Send(std::string_view events, std::uint32_t count) {
  State& state = *state_;
  const std::uint64_t first = state.sent + 1;
  const std::uint64_t last = state.sent + count;
  state.sent = last;
  if (!state.options.producer.empty() && last <= state.acked_at_open) return {};
  BAROGRAPH_TRY(state.Until(
      [&state] { return !state.writing && state.unacked.size() < state.options.in_flight_max; }));
  state.unacked.push_back(last);
  state.Write(state.Head(first, /*introduce=*/false), events);
  return {};
}

Status Publisher::Poll(Duration wait) {
  State& state = *state_;
  auto deadline = DeadlineAfter(wait);
  while (!state.error && !state.finished && state.Step(deadline)) {
    deadline = std::chrono::system_clock::now();
  }
  if (state.error) return *state.error;
  return {};
}

Status Publisher::Finish() {
  State& state = *state_;
  BAROGRAPH_TRY(state.Until([&state] { return !state.writing && state.unacked.empty(); }));
  state.writing = true;
  state.call->WritesDone(state.ToTag(State::kDone));
  while (!state.finished) state.Step(std::chrono::system_clock::time_point::max());
  if (state.error) return *state.error;
  return {};
}

std::uint64_t Publisher::sent() const { return state_->sent; }
std::uint64_t Publisher::acked() const { return state_->acked; }
std::uint64_t Publisher::acked_at_open() const { return state_->acked_at_open; }
std::uint64_t Publisher::receipt_sequence() const { return state_->receipt_sequence; }
const std::string& Publisher::receipt_link() const { return state_->receipt_link; }

}  // namespace barograph::server
