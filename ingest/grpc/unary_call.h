#pragma once

#include <grpcpp/server_context.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include "ingest/grpc/door_state.h"

namespace barograph::ingest {

/// Runs one PublishBatch call: admits the request where it lies and finishes the returned reactor
/// when its batch is durable.
/// Threads: any.
/// Lifetime: `response` lives until the reactor is finished, and the door until then.
::grpc::ServerUnaryReactor* StartPublishBatch(DoorState& door,
                                              ::grpc::CallbackServerContext& context,
                                              const ::grpc::ByteBuffer& request,
                                              ::grpc::ByteBuffer* response);

}  // namespace barograph::ingest
