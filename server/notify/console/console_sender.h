#pragma once

#include <memory>

#include "server/notify/sender.h"

namespace barograph::server {

/// Writes each notice's line to a stream of the process, without ever waiting for who reads it: a
/// pipe that is full is tried again later.
/// Lifetime: `descriptor` stays open, and stays its owner's.
[[nodiscard]] std::unique_ptr<Sender> MakeConsoleSender(int descriptor);

}  // namespace barograph::server
