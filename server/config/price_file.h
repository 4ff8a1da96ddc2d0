#pragma once

#include <string>

#include "storage/base/result.h"
#include "storage/event/server_event.h"

namespace barograph::server {

/// The price table of a configuration: the file that it names, or the shipped one for "". It holds
/// for whatever is folded from now on, of any event time; `barograph prices apply` brings tables
/// with a date. Without origin.
/// Errors: kInvalidArgument naming the file and its mistakes.
[[nodiscard]] Result<storage::PricesApplied> LoadPriceFile(const std::string& file);

}  // namespace barograph::server
