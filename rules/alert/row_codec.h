#pragma once

#include "rules/alert/notice.h"
#include "storage/base/bytes.h"
#include "storage/base/clock.h"
#include "storage/event/server_event.h"

namespace barograph::rules {

// Parts that the checkpoint rows of alerts, groups and late breaches share. Reads never throw: a
// broken row leaves the reader not ok().

void WriteTime(Time time, ByteWriter* writer);
[[nodiscard]] Time ReadTime(ByteReader* reader);
void WriteLabels(const storage::Labels& labels, ByteWriter* writer);
[[nodiscard]] storage::Labels ReadLabels(ByteReader* reader);
void WriteMember(const NoticeMember& member, ByteWriter* writer);
[[nodiscard]] NoticeMember ReadMember(ByteReader* reader);

}  // namespace barograph::rules
