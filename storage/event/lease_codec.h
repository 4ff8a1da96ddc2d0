#pragma once

#include "barograph/v1/event.pb.h"
#include "storage/base/result.h"
#include "storage/event/server_event.h"

namespace barograph::storage {

// Leases and gates between values and messages. Internal to storage/event; see server_event.h.

void Write(const LeaseReserved& value, v1::Event* event);
void Write(const LeaseSettled& value, v1::Event* event);
void Write(const LeaseReleased& value, v1::Event* event);
void Write(const LeaseExpired& value, v1::Event* event);
void Write(const LeaseExtended& value, v1::Event* event);
void Write(const LeaseDenied& value, v1::Event* event);
void Write(const GateOverridden& value, v1::Event* event);
void Write(const LeaseCost& value, v1::Event* event);

[[nodiscard]] Status Read(const v1::LeaseReserved& in, LeaseReserved* out);
[[nodiscard]] Status Read(const v1::LeaseSettled& in, LeaseSettled* out);
[[nodiscard]] Status Read(const v1::LeaseReleased& in, LeaseReleased* out);
[[nodiscard]] Status Read(const v1::LeaseExpired& in, LeaseExpired* out);
[[nodiscard]] Status Read(const v1::LeaseExtended& in, LeaseExtended* out);
[[nodiscard]] Status Read(const v1::LeaseDenied& in, LeaseDenied* out);
[[nodiscard]] Status Read(const v1::GateOverridden& in, GateOverridden* out);

}  // namespace barograph::storage
