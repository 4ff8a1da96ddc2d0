#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "rules/alert/notice.h"

namespace barograph::server {

// PagerDuty's limits (developer.pagerduty.com, Events API v2).
inline constexpr std::size_t kPagerDutySummaryMax = 1'024;
/// Its 512 KB in thousands, as Alertmanager counts them, less the routing key.
inline constexpr std::size_t kPagerDutyBodyMax = 512'000 - 512;

/// An event of PagerDuty's Events API v2 without its routing key, which is a secret and is put in
/// when the event is sent (WithRoutingKey): the log holds bodies.
///
/// One incident a group: `dedup_key` is a digest of tenant and group key. `trigger` while an alert
/// of the group fires, `acknowledge` for a notice of that reason, `resolve` when the whole group is
/// calm. A digest of what was over before it was found triggers with severity `info`, because
/// PagerDuty drops a resolve that it knows no trigger of.
[[nodiscard]] std::string PagerDutyBody(const rules::Notice& notice,
                                        const std::string& external_url);

/// The bytes to send. `body` is an object, as PagerDutyBody makes it.
[[nodiscard]] std::string WithRoutingKey(std::string_view body, std::string_view routing_key);

}  // namespace barograph::server
