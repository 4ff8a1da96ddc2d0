#pragma once

#include <string>

#include "rules/alert/notice.h"

namespace barograph::server {

/// Turns decided notices into the bytes to send, in the receiver's format. Pure: equal notices give
/// equal bytes, so that a replay decides the same NoticeDecided events. `external_url` is where
/// people reach this server; it may be empty.
[[nodiscard]] rules::NoticeFormat MakeNoticeFormat(std::string external_url);

/// Alertmanager's webhook JSON, version "4" (prometheus/alertmanager template/template.go,
/// notify/webhook/webhook.go): receivers written for Alertmanager work unchanged.
[[nodiscard]] std::string AlertmanagerBody(const rules::Notice& notice,
                                           const std::string& external_url);

/// Our own format, docs/schemas/notice.v1.schema.json: what Alertmanager's has no place for
/// (episode, value, threshold, condition).
[[nodiscard]] std::string BarographBody(const rules::Notice& notice,
                                        const std::string& external_url);

}  // namespace barograph::server
