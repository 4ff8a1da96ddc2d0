#include "rules/alert/row_codec.h"
#include "rules/engine/engine_state.h"
#include "storage/base/digest.h"

// Rows: 'e' and a letter for what the engine keeps itself; 't', the tenant's name with its length,
// a letter for the part, and the part's own key.

namespace barograph::rules {
namespace {

constexpr char kOwn = 'e';
constexpr char kOfTenant = 't';
constexpr char kHead = 'h';
constexpr char kConfig = 'c';
constexpr char kLate = 'l';
constexpr char kMessages = 'e';
constexpr char kGates = 'g';
constexpr char kExclusions = 'x';
constexpr char kOutlooks = 'f';
constexpr char kAccuracy = 'F';
/// Parts of a tenant in the order of their rows.
enum Part : char {
  kAlerts = 'a',
  kMeasures = 'm',
  kNotices = 'n',
  kLeases = 'r',
  kSilences = 's',
  kWindows = 'w'
};
constexpr Part kParts[] = {kAlerts, kMeasures, kNotices, kLeases, kSilences, kWindows};

std::string TenantKey(const Tenant& tenant, char part, std::string_view key) {
  std::string row_key(1, kOfTenant);
  ByteWriter writer(&row_key);
  writer.String(tenant.name);
  row_key.push_back(part);
  row_key.append(key);
  return row_key;
}

std::string EncodeTenantHead(const Tenant& tenant) {
  std::string row;
  ByteWriter writer(&row);
  for (const Time time : {tenant.first_at, tenant.last_at, tenant.first_event_at})
    WriteTime(time, &writer);
  writer.String(tenant.prices_digest);
  writer.Varint(tenant.open_levels.size());
  for (const auto& [measure, currency] : tenant.open_levels) {
    writer.String(measure);
    writer.String(currency);
  }
  return row;
}

/// Emits rows of one part while the budget lasts; true when the part is complete.
bool ContinuePart(Tenant& tenant, char part, std::size_t* budget,
                  const WindowStore::RowSink& sink) {
  std::size_t rows = 0;
  const auto framed = [&](std::string_view key, std::string_view value) {
    ++rows;
    sink(TenantKey(tenant, part, key), value);
  };
  const std::size_t most = *budget;
  if (part == kAlerts) return tenant.alerts.ContinueCheckpoint(budget, framed);
  if (part == kNotices) return tenant.notices.ContinueCheckpoint(budget, framed);
  if (part == kLeases) return tenant.leases.ContinueCheckpoint(budget, framed);
  if (part == kSilences) return tenant.silences.ContinueCheckpoint(budget, framed);
  const bool complete = part == kMeasures ? tenant.measures.ContinueCheckpoint(most, framed)
                                          : tenant.windows.ContinueCheckpoint(most, framed);
  *budget -= std::min(rows, most);
  return complete;
}

}  // namespace

void Engine::State::AttachColdReader(Tenant& tenant) const {
  if (!cold_reader) return;
  tenant.windows.SetColdReader([reader = cold_reader, &tenant](std::string_view key) {
    return reader(TenantKey(tenant, kWindows, key));
  });
}

void Engine::SetColdReader(WindowStore::ColdReader reader) {
  state_->cold_reader = std::move(reader);
  for (const auto& [name, tenant] : state_->tenants) state_->AttachColdReader(*tenant);
}

std::string Engine::State::EncodeHead() const {
  std::string row;
  ByteWriter writer(&row);
  writer.Varint(head.value);
  for (const Time time : {last_log_time, stopped_at, resumed_at}) WriteTime(time, &writer);
  return row;
}

std::string Engine::State::EncodeConfig() const {
  std::string row;
  ByteWriter writer(&row);
  writer.String(config_hash);
  writer.Varint(config_at.value);
  writer.String(rules_text);
  writer.Varint(since.size());
  for (const auto& [projection, time] : since) {
    writer.String(projection);
    WriteTime(time, &writer);
  }
  return row;
}

void Engine::BeginCheckpoint() {
  State& state = *state_;
  state.own_rows.clear();
  state.tenant_parts.clear();
  state.own_rows.emplace_back(std::string{kOwn, kHead}, state.EncodeHead());
  if (std::exchange(state.config_changed, false)) {
    state.own_rows.emplace_back(std::string{kOwn, kConfig}, state.EncodeConfig());
  }
  for (const auto& [name, tenant] : state.tenants) {
    state.own_rows.emplace_back(TenantKey(*tenant, kHead, ""), EncodeTenantHead(*tenant));
    if (tenant->late.TakeChanged())
      state.own_rows.emplace_back(TenantKey(*tenant, kLate, ""), tenant->late.Encode());
    if (tenant->messages.TakeChanged())
      state.own_rows.emplace_back(TenantKey(*tenant, kMessages, ""), tenant->messages.Encode());
    if (tenant->gates.TakeChanged())
      state.own_rows.emplace_back(TenantKey(*tenant, kGates, ""), tenant->gates.Encode());
    if (tenant->exclusions.TakeChanged())
      state.own_rows.emplace_back(TenantKey(*tenant, kExclusions, ""), tenant->exclusions.Encode());
    for (auto& [key, value] : tenant->outlooks.TakeChanged())
      state.own_rows.emplace_back(TenantKey(*tenant, kOutlooks, key), std::move(value));
    for (auto& [key, value] : tenant->accuracy.TakeChanged())
      state.own_rows.emplace_back(TenantKey(*tenant, kAccuracy, key), std::move(value));
    tenant->windows.BeginCheckpoint();
    tenant->measures.BeginCheckpoint();
    tenant->alerts.BeginCheckpoint();
    tenant->notices.BeginCheckpoint();
    tenant->leases.BeginCheckpoint();
    tenant->silences.BeginCheckpoint();
    for (const Part part : kParts) state.tenant_parts.emplace_back(tenant.get(), part);
  }
}

bool Engine::ContinueCheckpoint(std::size_t rows_max, const WindowStore::RowSink& sink) {
  State& state = *state_;
  std::size_t budget = std::max<std::size_t>(rows_max, 1);
  for (; budget > 0 && !state.own_rows.empty(); --budget) {
    sink(state.own_rows.back().first, state.own_rows.back().second);
    state.own_rows.pop_back();
  }
  while (budget > 0 && !state.tenant_parts.empty()) {
    const auto [tenant, part] = state.tenant_parts.back();
    if (!ContinuePart(*tenant, static_cast<char>(part), &budget, sink)) break;
    state.tenant_parts.pop_back();
  }
  return state.own_rows.empty() && state.tenant_parts.empty();
}

Status Engine::State::LoadOwnRow(std::string_view key, std::string_view value) {
  ByteReader reader(value);
  if (key == std::string_view(&kHead, 1)) {
    head = Sequence{reader.Varint()};
    for (Time* time : {&last_log_time, &stopped_at, &resumed_at}) *time = ReadTime(&reader);
  } else if (key == std::string_view(&kConfig, 1)) {
    config_hash = reader.String();
    config_at = Sequence{reader.Varint()};
    rules_text = reader.String();
    for (std::uint64_t left = reader.Varint(); left > 0 && reader.ok(); --left) {
      std::string projection(reader.String());
      since[std::move(projection)] = ReadTime(&reader);
    }
    if (reader.ok() && !config_hash.empty()) {
      if (Bytes(Sha256(rules_text)) != config_hash)
        return Error(ErrorCode::kCorruption, "checkpoint: the rules do not have their digest");
      BAROGRAPH_ASSIGN(rules, DecodeRuleSet(rules_text));
    }
  } else {
    return Error(ErrorCode::kCorruption, "checkpoint: unknown row of the engine");
  }
  if (!reader.ok() || !reader.done())
    return Error(ErrorCode::kCorruption, "checkpoint: broken row of the engine");
  return {};
}

Status Engine::State::LoadTenantRow(std::string_view key, std::string_view value) {
  ByteReader reader(key);
  const std::string name(reader.String());
  const std::string_view rest = reader.rest();
  if (!reader.ok() || rest.empty())
    return Error(ErrorCode::kCorruption, "checkpoint: broken key of a tenant's row");
  const auto found = tenants.find(name);
  Tenant* tenant = found != tenants.end() ? found->second.get() : &Create(name);
  const std::string_view part_key = rest.substr(1);
  switch (rest.front()) {
    case kHead: {
      ByteReader times(value);
      for (Time* time : {&tenant->first_at, &tenant->last_at, &tenant->first_event_at})
        *time = ReadTime(&times);
      tenant->prices_digest = times.String();
      tenant->open_levels.clear();
      for (std::uint64_t left = times.Varint(); left > 0 && times.ok(); --left) {
        std::string measure(times.String());
        tenant->open_levels.emplace(std::move(measure), times.String());
      }
      if (!times.ok() || !times.done())
        return Error(ErrorCode::kCorruption, "checkpoint: broken head of a tenant");
      return {};
    }
    case kLate:
      return tenant->late.Load(value);
    case kMessages:
      return tenant->messages.Load(value);
    case kGates:
      return tenant->gates.Load(value);
    case kExclusions:
      return tenant->exclusions.Load(value);
    case kOutlooks:
      return tenant->outlooks.Load(part_key, value);
    case kAccuracy:
      return tenant->accuracy.Load(part_key, value);
    case kLeases:
      return tenant->leases.LoadRow(part_key, value);
    case kAlerts:
      return tenant->alerts.LoadRow(part_key, value);
    case kNotices:
      return tenant->notices.LoadRow(part_key, value);
    case kSilences:
      return tenant->silences.LoadRow(part_key, value);
    case kMeasures:
      return tenant->measures.LoadRow(part_key, value);
    case kWindows:
      return tenant->windows.LoadRow(part_key, value);
    default:
      return Error(ErrorCode::kCorruption, "checkpoint: unknown part of a tenant");
  }
}

Status Engine::LoadRow(std::string_view key, std::string_view value) {
  if (key.empty()) return Error(ErrorCode::kCorruption, "checkpoint: empty key");
  if (key.front() == kOwn) return state_->LoadOwnRow(key.substr(1), value);
  if (key.front() == kOfTenant) return state_->LoadTenantRow(key.substr(1), value);
  return Error(ErrorCode::kCorruption, "checkpoint: unknown row");
}

Status Engine::FinishLoad() {
  State& state = *state_;
  state.Compile();
  for (const auto& [name, tenant] : state.tenants) {
    BAROGRAPH_TRY(tenant->windows.FinishLoad());
    state.ConfigureInhibitions(*tenant);
    tenant->notices.FinishLoad(state.routing);
    if (!state.config_hash.empty()) state.Configure(*tenant);
  }
  return {};
}

Digest Engine::StateDigest() const {
  const State& state = *state_;
  Sha256Stream stream;
  const auto sink = [&](std::string_view piece) {
    // Each piece with its length, so that no two states read alike.
    std::string size;
    ByteWriter(&size).Varint(piece.size());
    stream.Update(size);
    stream.Update(piece);
  };
  sink(state.EncodeHead());
  sink(state.EncodeConfig());
  for (const auto& [name, tenant] : state.tenants) {
    sink(name);
    sink(EncodeTenantHead(*tenant));
    tenant->windows.Canonical(sink);
    tenant->measures.Canonical(sink);
    tenant->alerts.Canonical(sink);
    tenant->notices.Canonical(sink);
    tenant->silences.Canonical(sink);
    sink(tenant->late.Encode());
    sink(tenant->messages.Encode());
    tenant->leases.Canonical(sink);
    if (!tenant->gates.empty()) sink(tenant->gates.Encode());
    if (!tenant->exclusions.exclusions().empty()) sink(tenant->exclusions.Encode());
    tenant->outlooks.Canonical(sink);
    tenant->accuracy.Canonical(sink);
  }
  return stream.Finish();
}

}  // namespace barograph::rules
