#pragma once

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "barograph/v1/query.pb.h"
#include "server/api/api_state.h"
#include "storage/log/event_log.h"

namespace barograph::server {

/// One Tail call: reads durable records, sends what matches, waits for more. It holds one response
/// at a time, so a slow reader
/// costs nothing but its place; one that takes nothing for kTailWriteTimeout loses that too.
///
/// Threads:  Fill on the answer thread alone; the rest from gRPC's.
/// Lifetime: owns itself, from the call's start to OnDone; ends only when no step of its is under
///           way.
class TailStream final : public ::grpc::ServerWriteReactor<v1::TailResponse> {
 public:
  TailStream(ApiState& api, ::grpc::CallbackServerContext& context, const v1::TailRequest& request);

  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

  /// The server stops.
  void Stop();
  void CutIfStuck(Duration now);

 private:
  ~TailStream() override = default;

  [[nodiscard]] ::grpc::Status Prepare(const v1::TailRequest& request);
  /// Reads on and sends, waits or ends.
  void Fill();
  /// Appends the matching events of one record; false when the response is full.
  [[nodiscard]] bool AddRecord(const storage::RecordView& record);
  void AddEvent(std::uint64_t sequence, Time log_time, std::string_view wire);
  void PostFill();
  void WaitForMore();

  // With mutex_ held:
  void End(::grpc::Status status);
  void EndIfDue();

  ApiState& api_;
  ::grpc::CallbackServerContext& context_;
  std::string tenant_, agent_;
  std::vector<storage::EventKind> kinds_;
  bool until_now_ = false;
  std::uint64_t next_ = 1, until_ = UINT64_MAX;  ///< sequences
  std::uint64_t looked_at_ = 0;                  ///< events in this turn
  std::size_t response_bytes_ = 0;
  v1::TailResponse response_;
  std::string payload_buffer_;
  std::optional<Error> broken_;  ///< a record that cannot be read

  std::mutex mutex_;
  Duration write_started_{0};
  bool writing_ = false, filling_ = false, finished_ = false;
  std::shared_ptr<std::atomic<TailStream*>> waiter_;  ///< who the wake-up under way is for
  std::optional<::grpc::Status> ending_;
};

}  // namespace barograph::server
