#pragma once

#include <string>

#include "rules/alert/notice.h"

namespace barograph::server {

/// An alert that fires is said to end so many resends after its notice: Alertmanager takes it for
/// resolved when three messages in a row were lost.
inline constexpr int kResendsUntilEnd = 4;

/// The array that `POST /api/v2/alerts` takes (prometheus/alertmanager api/v2/openapi.yaml).
/// Characters that its label names may not have become '_'; labels without a value are left out.
///
/// A digest of what was over before it was found is one alert with `late="true"` and severity
/// `info`, which ends by itself: Alertmanager tells nobody of alerts that come resolved.
[[nodiscard]] std::string AlertsBody(const rules::Notice& notice, Duration resend,
                                     const std::string& external_url);

}  // namespace barograph::server
