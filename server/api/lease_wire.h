#pragma once

#include <string>

#include "barograph/v1/guard.pb.h"
#include "rules/engine/engine.h"
#include "storage/base/money.h"
#include "storage/base/result.h"

namespace barograph::server {

// Leases, budgets and gates between values and messages.

/// An amount that is >= 0. Errors: kInvalidArgument naming `field`.
[[nodiscard]] Result<Money> ToMoney(const v1::Money& wire, const std::string& field);
/// Errors: kInvalidArgument naming the field.
[[nodiscard]] Result<storage::LeaseWish> ToWish(const v1::ReserveRequest& request);

void SetMoney(Int128 nanos, const std::string& currency, v1::Money* out);
void SetLease(const rules::Lease& lease, v1::Lease* out);
/// What Reserve was decided.
void SetReserved(const rules::LeaseAnswer& answer, v1::ReserveResponse* out);
void SetOverride(const storage::GateOverridden& overridden, v1::GateOverridden* out);

}  // namespace barograph::server
