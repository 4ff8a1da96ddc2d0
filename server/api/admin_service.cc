#include "server/api/admin_service.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "server/api/call.h"
#include "server/api/limits.h"
#include "server/api/wire_time.h"

namespace barograph::server {
namespace {

std::optional<std::int64_t> Rate(bool present, std::int64_t value) {
  return present ? std::optional(value) : std::nullopt;
}

storage::ModelPrice ToPrice(const v1::ModelPrice& price) {
  return {.model = price.model(),
          .provider = price.provider(),
          .input = Rate(price.has_input(), price.input()),
          .output = Rate(price.has_output(), price.output()),
          .cache_read = Rate(price.has_cache_read(), price.cache_read()),
          .cache_write = Rate(price.has_cache_write(), price.cache_write()),
          .reasoning = Rate(price.has_reasoning(), price.reasoning())};
}

/// Errors: kInvalidArgument naming the field.
Result<storage::PricesApplied> ToTable(const v1::PricesApplied& wire) {
  const auto invalid = [](std::string message) {
    return Error(ErrorCode::kInvalidArgument, "table." + std::move(message));
  };
  if (!wire.has_effective_from()) return invalid("effective_from: missing");
  if (!Currency::Parse(wire.currency_code()).ok()) {
    return invalid("currency_code: \"" + wire.currency_code() + "\" is not ISO 4217, e.g. USD");
  }
  if (wire.prices().empty()) return invalid("prices: empty");
  if (static_cast<std::uint32_t>(wire.prices_size()) > kPricesMax) {
    return invalid("prices: more than " + std::to_string(kPricesMax));
  }
  storage::PricesApplied table{.origin = {.actor = "server", .reason = "command"},
                               .effective_from = ToTime(wire.effective_from()),
                               .version = wire.version(),
                               .currency_code = wire.currency_code(),
                               .prices = {}};
  for (const v1::ModelPrice& price : wire.prices()) {
    if (price.model().empty()) return invalid("prices: a price without a model");
    table.prices.push_back(ToPrice(price));
  }
  const auto name = [](const storage::ModelPrice& price) {
    return std::tie(price.model, price.provider);
  };
  std::sort(table.prices.begin(), table.prices.end(),
            [&name](const auto& a, const auto& b) { return name(a) < name(b); });
  return table;
}

}  // namespace

::grpc::ServerUnaryReactor* AdminService::ApplyPrices(::grpc::CallbackServerContext* context,
                                                      const v1::ApplyPricesRequest* request,
                                                      v1::ApplyPricesResponse* response) {
  auto* const reactor = context->DefaultReactor();
  auto peer = ingest::AuthenticateCall(*context, api_.authenticator);
  auto table = peer.ok() ? ToTable(request->table()) : Result<storage::PricesApplied>(peer.error());
  if (!table.ok()) {
    FinishLater(api_, reactor, table.error());
    return reactor;
  }
  if (!peer->principal.empty()) table->origin.actor = peer->principal;
  api_.partition.ApplyPrices(peer->tenant, std::move(table).value(),
                             [this, reactor, response](Status done) {
                               response->set_sequence(api_.partition.figures().durable.value);
                               FinishLater(api_, reactor, std::move(done));
                             });
  return reactor;
}

::grpc::ServerUnaryReactor* AdminService::Checkpoint(::grpc::CallbackServerContext* context,
                                                     const v1::CheckpointRequest* /*request*/,
                                                     v1::CheckpointResponse* response) {
  auto* const reactor = context->DefaultReactor();
  if (!TenantOf(api_, context, reactor)) return reactor;
  api_.partition.Checkpoint([this, reactor, response](Status done) {
    const PartitionFigures figures = api_.partition.figures();
    response->set_sequence(figures.checkpoint.value);
    response->set_bytes(figures.last_checkpoint_bytes);
    SetDuration(figures.last_checkpoint_duration, response->mutable_duration());
    FinishLater(api_, reactor, std::move(done));
  });
  return reactor;
}

::grpc::ServerUnaryReactor* AdminService::EndImport(::grpc::CallbackServerContext* context,
                                                    const v1::EndImportRequest* request,
                                                    v1::EndImportResponse* /*response*/) {
  auto* const reactor = context->DefaultReactor();
  const auto tenant = TenantOf(api_, context, reactor);
  if (!tenant) return reactor;
  storage::ImportEnded ended{.origin = {.actor = "server", .reason = "command"},
                             .producer_id = request->producer_id(),
                             .events = request->events()};
  api_.partition.EndImport(*tenant, std::move(ended), [this, reactor](Status done) {
    FinishLater(api_, reactor, std::move(done));
  });
  return reactor;
}

}  // namespace barograph::server
