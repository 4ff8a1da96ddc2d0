#pragma once

#include "barograph/v1/event.pb.h"
#include "storage/base/result.h"
#include "storage/event/server_event.h"

namespace barograph::storage {

// Forecasts between values and messages. Internal to storage/event; see server_event.h.

void Write(const ForecastIssued& value, v1::Event* event);
[[nodiscard]] Status Read(const v1::ForecastIssued& in, ForecastIssued* out);

}  // namespace barograph::storage
