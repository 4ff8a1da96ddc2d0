#pragma once

#include <string>

#include "server/cli/output.h"

namespace barograph::server {

/// `barograph log recover`: what to do when a server refuses to start because acknowledged records
/// are missing.
///
/// Without `accept_loss` nothing is changed: it says what is lost and returns kExitNo, or kExitDone
/// when the log is whole. With it the log goes on with what is left, and an event of the log
/// (TailDropped) says what was lost.
/// Errors: kExitFailed when a server runs on these files, or when the damage is none that can be
///         accepted (a gap, a link that does not fit).
[[nodiscard]] int RecoverLog(const std::string& data, bool accept_loss, OutputFormat format);

}  // namespace barograph::server
