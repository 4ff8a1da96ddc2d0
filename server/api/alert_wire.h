#pragma once

#include "barograph/v1/query.pb.h"
#include "rules/engine/engine.h"
#include "storage/state/outbox.h"

namespace barograph::server {

// Alerts and notices as all services of this folder show them.

void SetAlert(const rules::AlertStatus& alert, v1::ListAlertsResponse::Alert* out);
/// `with_body`: the frozen bytes too.
void SetNotice(const storage::OutboxRow& row, bool with_body, v1::ListNoticesResponse::Notice* out);

}  // namespace barograph::server
