#pragma once

#include <grpcpp/server_context.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/slice.h>

#include <string_view>

#include "ingest/grpc/door_state.h"

namespace barograph::ingest {

/// The contiguous bytes of a received message: the one slice that it lies in, or a joined copy of
/// several.
/// Lifetime: the view lives as long as this object.
class RequestBytes {
 public:
  RequestBytes(::grpc::ByteBuffer& message, DoorState& door) {
    if (!message.Valid()) return;
    if (!message.TrySingleSlice(&slice_).ok()) {
      ++door.counters.copied_messages;
      if (!message.DumpToSingleSlice(&slice_).ok()) slice_ = ::grpc::Slice();
    }
  }
  [[nodiscard]] std::string_view view() const {
    return {reinterpret_cast<const char*>(slice_.begin()), slice_.size()};
  }

 private:
  ::grpc::Slice slice_;
};

/// Who makes this call.
[[nodiscard]] inline Result<Peer> AuthenticateCall(const ::grpc::CallbackServerContext& context,
                                                   const Authenticator& authenticator) {
  const std::string address = context.peer();
  const auto header = context.client_metadata().find("authorization");
  const bool present = header != context.client_metadata().end();
  return authenticator.Authenticate(
      {.address = address,
       .authorization = present ? std::string_view(header->second.data(), header->second.size())
                                : std::string_view()});
}

}  // namespace barograph::ingest
