#include "ingest/admission/dedup_table.h"

#include <algorithm>

#include "storage/base/bytes.h"

namespace barograph::ingest {
namespace {

constexpr std::uint32_t kHorizonHours = kDedupHorizon.count();

std::uint32_t HourOf(Time time) {
  return static_cast<std::uint32_t>(
      std::chrono::floor<std::chrono::hours>(time).time_since_epoch().count());
}

}  // namespace

DedupTable::Taken DedupTable::Take(const Batch& batch, Time log_time) {
  Taken taken;
  if (batch.ids.empty()) return taken;
  TenantIds& tenant = tenants_[batch.tenant];
  taken.row.reserve(batch.ids.size() * sizeof(EventIdHash));
  ByteWriter writer(&taken.row);
  for (const OfferedId& id : batch.ids) {
    if (!Remember(&tenant, HourOf(log_time), id.hash)) {
      taken.duplicates.push_back(id);
      continue;
    }
    writer.Fixed(id.hash.low);
    writer.Fixed(id.hash.high);
  }
  taken.known_since = KnownSince(tenant, log_time);
  return taken;
}

std::optional<Time> DedupTable::KnownSince(const TenantIds& tenant, Time log_time) {
  const Time since{std::chrono::hours(tenant.cut_hour)};
  if (since <= log_time - kDedupHorizon) return std::nullopt;
  return since;
}

bool DedupTable::Remember(TenantIds* tenant, std::uint32_t hour, const EventIdHash& id) {
  if (!tenant->known.insert(id).second) return false;
  if (tenant->hours.empty() || tenant->hours.back().hour < hour) {
    tenant->hours.push_back({.hour = hour});
  }
  tenant->hours.back().ids.push_back(id);
  ++size_;
  if (tenant->known.size() > ids_max_) {
    // An hour that lost one id is no longer known as a whole.
    tenant->cut_hour = tenant->hours.front().hour + 1;
    ForgetOldest(tenant);
  }
  return true;
}

void DedupTable::ForgetOldest(TenantIds* tenant) {
  Hour& oldest = tenant->hours.front();
  tenant->known.erase(oldest.ids[oldest.forgotten]);
  --size_;
  if (++oldest.forgotten == oldest.ids.size()) tenant->hours.pop_front();
}

std::string DedupTable::RowKey(Time log_time, std::string_view tenant,
                               std::uint64_t first_sequence) {
  std::string key;
  ByteWriter writer(&key);
  writer.BigEndian32(HourOf(log_time));
  writer.String(tenant);
  writer.BigEndian64(first_sequence);
  return key;
}

std::string DedupTable::OldestKey(Time log_time) {
  std::string key;
  ByteWriter(&key).BigEndian32(HourOf(log_time) - kHorizonHours);
  return key;
}

bool DedupTable::Forget(Time log_time, std::size_t limit) {
  const std::uint32_t oldest = HourOf(log_time) - kHorizonHours;
  for (auto tenant = tenants_.begin(); tenant != tenants_.end();) {
    std::deque<Hour>& hours = tenant->second.hours;
    while (!hours.empty() && hours.front().hour < oldest) {
      if (limit-- == 0) return true;
      ForgetOldest(&tenant->second);
    }
    if (hours.empty()) {
      tenants_.erase(tenant++);
    } else {
      ++tenant;
    }
  }
  return false;
}

Duration DedupTable::Horizon(Time log_time) const {
  Duration horizon = kDedupHorizon;
  for (const auto& [name, tenant] : tenants_) {
    const std::optional<Time> since = KnownSince(tenant, log_time);
    if (since) horizon = std::min(horizon, std::max(Duration(0), log_time - *since));
  }
  return horizon;
}

Status DedupTable::LoadRow(std::string_view key, std::string_view value) {
  ByteReader key_reader(key);
  const std::uint32_t hour = key_reader.BigEndian32();
  const std::string_view tenant = key_reader.String();
  (void)key_reader.BigEndian64();
  if (!key_reader.ok() || !key_reader.done() || value.size() % sizeof(EventIdHash) != 0) {
    return Error(ErrorCode::kCorruption, "dedup: a row cannot be read");
  }
  TenantIds& ids = tenants_[std::string(tenant)];
  for (ByteReader reader(value); !reader.done();) {
    const auto low = reader.Fixed<std::uint64_t>();
    (void)Remember(&ids, hour, {low, reader.Fixed<std::uint64_t>()});
  }
  return {};
}

}  // namespace barograph::ingest
