#include "server/api/query_service.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "server/api/alert_wire.h"
#include "server/api/call.h"
#include "server/api/limits.h"
#include "server/api/tail_stream.h"
#include "server/api/wire_time.h"
#include "storage/state/outbox.h"

namespace barograph::server {
namespace {

std::size_t PageSize(std::uint32_t asked, std::uint32_t otherwise = kPageSizeDefault) {
  return std::min(asked == 0 ? otherwise : asked, kPageSizeMax);
}

void SetSlo(const rules::SloStatus& status, v1::ListSlosResponse::Slo* out) {
  out->set_rule(status.rule);
  SetLabels(status.labels, out->mutable_labels());
  out->set_objective(static_cast<double>(status.objective_ppb) / 1e9);
  out->set_good(FormatDecimal(status.good, 0));
  out->set_total(FormatDecimal(status.total, 0));
  out->set_budget_remaining(status.budget_remaining);
  out->set_frozen(status.frozen);
  out->set_filling(status.filling);
  out->set_excluded_seconds(static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::seconds>(status.excluded).count()));
  out->set_budget_remaining_with_excluded(status.remaining_with_excluded);
  for (const auto& row : status.rows) {
    auto* const burn = out->add_rows();
    burn->set_condition(row.condition);
    burn->set_factor(row.factor);
    burn->set_long_burn(row.long_burn);
    burn->set_short_burn(row.short_burn);
  }
}

void SetBudget(const rules::BudgetStatus& status, v1::ListBudgetsResponse::Budget* out) {
  out->set_rule(status.rule);
  out->set_kind(status.is_goal ? v1::ListBudgetsResponse::GOAL : v1::ListBudgetsResponse::BUDGET);
  SetLabels(status.labels, out->mutable_labels());
  out->set_measure(status.measure);
  const std::optional<rules::MeasureTraits> traits = rules::FindMeasure(status.measure);
  const int digits = traits && traits->unit == rules::MeasureUnit::kCount ? 0 : 9;
  out->set_amount(FormatDecimal(status.amount, digits));
  out->set_limit(FormatDecimal(status.limit, digits));
  out->set_currency_code(status.currency);
  out->set_calendar(status.calendar);
  if (status.calendar.empty()) out->set_rolling(FormatDuration(status.rolling));
  if (status.period) {
    SetTime(status.period->start, out->mutable_start());
    SetTime(status.period->end, out->mutable_end());
  }
  out->set_expected(static_cast<double>(status.expected_ppb) / 1e9);
  if (status.exhausted_at) SetTime(*status.exhausted_at, out->mutable_exhausted_at());
  out->set_filling(status.filling);
}

bool Wanted(const v1::ListAlertsRequest& request, const rules::AlertStatus& alert) {
  if (!request.rule().empty() && alert.rule != request.rule()) return false;
  if (request.states().empty()) return alert.state != storage::AlertState::kInactive;
  return std::find(request.states().begin(), request.states().end(),
                   static_cast<int>(alert.state)) != request.states().end();
}

bool Wanted(const v1::ListNoticesRequest& request, const std::string& tenant,
            const storage::OutboxRow& row) {
  if (row.tenant != tenant) return false;
  if (!request.receiver().empty() && row.notice.receiver != request.receiver()) return false;
  return request.outcomes().empty() ||
         std::find(request.outcomes().begin(), request.outcomes().end(),
                   static_cast<int>(row.outcome)) != request.outcomes().end();
}

Status ListNoticesOf(const storage::Outbox& outbox, const v1::ListNoticesRequest& request,
                     const std::string& tenant, v1::ListNoticesResponse* response) {
  const std::size_t limit = PageSize(request.page_size(), kNoticesDefault);
  const auto add = [&](const std::vector<storage::OutboxRow>& rows) {
    for (const storage::OutboxRow& row : rows) {
      if (!Wanted(request, tenant, row)) continue;
      if (static_cast<std::size_t>(response->notices_size()) == limit) {
        response->set_truncated(true);
        return;
      }
      SetNotice(row, request.with_body(), response->add_notices());
    }
  };
  BAROGRAPH_ASSIGN(const auto pending, outbox.ListPending({0}, kPageSizeMax));
  BAROGRAPH_ASSIGN(auto ended, outbox.ListEnded(kPageSizeMax));
  std::sort(ended.begin(), ended.end(), [](const auto& a, const auto& b) {
    return std::pair(a.ended_at, a.sequence) > std::pair(b.ended_at, b.sequence);
  });
  add(pending);
  add(ended);
  return {};
}

void SetPrice(const storage::PricesApplied& table, const storage::ModelPrice& price,
              v1::ListPricesResponse::Price* out) {
  out->set_version(table.version);
  SetTime(table.effective_from, out->mutable_effective_from());
  out->set_currency_code(table.currency_code);
  v1::ModelPrice& rates = *out->mutable_price();
  rates.set_model(price.model);
  rates.set_provider(price.provider);
  if (price.input) rates.set_input(*price.input);
  if (price.output) rates.set_output(*price.output);
  if (price.cache_read) rates.set_cache_read(*price.cache_read);
  if (price.cache_write) rates.set_cache_write(*price.cache_write);
  if (price.reasoning) rates.set_reasoning(*price.reasoning);
}

void SetFigures(const PartitionFigures& figures, v1::GetStatusResponse* out) {
  SetTime(figures.log_time, out->mutable_log_time());
  out->mutable_positions()->set_staged_sequence(figures.staged.value);
  out->mutable_positions()->set_durable_sequence(figures.durable.value);
  out->mutable_positions()->set_checkpoint_sequence(figures.checkpoint.value);
  out->set_events(figures.events);
  out->set_batches(figures.batches);
  out->set_groups(figures.groups);
  out->set_duplicates(figures.duplicates);
  out->set_rejected(figures.rejected);
  out->set_evaluations(figures.evaluations);
  out->set_checkpoints(figures.checkpoints);
  out->set_queue_batches(figures.queue_batches);
  out->set_queue_bytes(figures.queue_bytes);
  out->set_notices_pending(figures.outbox_pending);
  SetDuration(figures.writer_absence_max, out->mutable_writer_absence_max());
  SetDuration(figures.writer_absence_p99, out->mutable_writer_absence_p99());
  SetDuration(figures.start_duration, out->mutable_start_duration());
  out->set_tail_events_replayed(figures.tail_events_replayed);
  SetDuration(figures.last_checkpoint_duration, out->mutable_last_checkpoint_duration());
  out->set_last_checkpoint_bytes(figures.last_checkpoint_bytes);
}

}  // namespace

::grpc::ServerUnaryReactor* QueryService::ListSlos(::grpc::CallbackServerContext* context,
                                                   const v1::ListSlosRequest* request,
                                                   v1::ListSlosResponse* response) {
  auto* const reactor = context->DefaultReactor();
  const auto tenant = TenantOf(api_, context, reactor);
  if (!tenant) return reactor;
  const std::size_t limit = PageSize(request->page_size());
  const auto step = [=](const Partition::ReadView& view) {
    const Time at = request->has_at() ? ToTime(request->at()) : view.now;
    SetTime(at, response->mutable_at());
    const auto slos = view.engine.Slos(*tenant, at, request->rule(), limit + 1);
    for (const auto& slo : slos) {
      if (static_cast<std::size_t>(response->slos_size()) == limit) {
        response->set_truncated(true);
        break;
      }
      SetSlo(slo, response->add_slos());
    }
    return false;
  };
  ReadAndFinish(api_, reactor, step,
                [response](Sequence seen) { response->set_sequence(seen.value); });
  return reactor;
}

::grpc::ServerUnaryReactor* QueryService::ListBudgets(::grpc::CallbackServerContext* context,
                                                      const v1::ListBudgetsRequest* request,
                                                      v1::ListBudgetsResponse* response) {
  auto* const reactor = context->DefaultReactor();
  const auto tenant = TenantOf(api_, context, reactor);
  if (!tenant) return reactor;
  const std::size_t limit = PageSize(request->page_size());
  const auto step = [=](const Partition::ReadView& view) {
    SetTime(view.now, response->mutable_at());
    const auto budgets = view.engine.Budgets(*tenant, view.now, request->rule(), limit + 1);
    for (const auto& budget : budgets) {
      if (static_cast<std::size_t>(response->budgets_size()) == limit) {
        response->set_truncated(true);
        break;
      }
      SetBudget(budget, response->add_budgets());
    }
    return false;
  };
  ReadAndFinish(api_, reactor, step,
                [response](Sequence seen) { response->set_sequence(seen.value); });
  return reactor;
}

::grpc::ServerUnaryReactor* QueryService::ListAlerts(::grpc::CallbackServerContext* context,
                                                     const v1::ListAlertsRequest* request,
                                                     v1::ListAlertsResponse* response) {
  auto* const reactor = context->DefaultReactor();
  const auto tenant = TenantOf(api_, context, reactor);
  if (!tenant) return reactor;
  const std::size_t limit = PageSize(request->page_size());
  const auto step = [=](const Partition::ReadView& view) {
    for (const auto& alert : view.engine.Alerts(*tenant)) {
      if (!Wanted(*request, alert)) continue;
      if (static_cast<std::size_t>(response->alerts_size()) == limit) {
        response->set_truncated(true);
        break;
      }
      SetAlert(alert, response->add_alerts());
    }
    return false;
  };
  ReadAndFinish(api_, reactor, step,
                [response](Sequence seen) { response->set_sequence(seen.value); });
  return reactor;
}

::grpc::ServerUnaryReactor* QueryService::ListNotices(::grpc::CallbackServerContext* context,
                                                      const v1::ListNoticesRequest* request,
                                                      v1::ListNoticesResponse* response) {
  auto* const reactor = context->DefaultReactor();
  const auto tenant = TenantOf(api_, context, reactor);
  if (!tenant) return reactor;
  response->set_sequence(api_.partition.log().durable_end().sequence.value);
  FinishLater(api_, reactor, ListNoticesOf(api_.partition.outbox(), *request, *tenant, response));
  return reactor;
}

::grpc::ServerWriteReactor<v1::TailResponse>* QueryService::Tail(
    ::grpc::CallbackServerContext* context, const v1::TailRequest* request) {
  return new TailStream(api_, *context, *request);
}

::grpc::ServerUnaryReactor* QueryService::GetStatus(::grpc::CallbackServerContext* context,
                                                    const v1::GetStatusRequest* /*request*/,
                                                    v1::GetStatusResponse* response) {
  auto* const reactor = context->DefaultReactor();
  const auto tenant = TenantOf(api_, context, reactor);
  if (!tenant) return reactor;
  response->set_version(api_.version);
  SetDuration(api_.clock.BootNow() - api_.started, response->mutable_uptime());
  const auto step = [response, tenant](const Partition::ReadView& view) {
    response->set_slo_instances(view.engine.instance_count());
    const auto* const windows = view.engine.windows(*tenant);
    if (windows != nullptr) response->set_series(windows->footprint().series);
    std::uint64_t firing = 0;
    for (const auto& alert : view.engine.Alerts(*tenant)) {
      firing += alert.state == storage::AlertState::kFiring ? 1 : 0;
    }
    response->set_alerts_firing(firing);
    return false;
  };
  ReadAndFinish(api_, reactor, step, [this, response](Sequence) {
    SetFigures(api_.partition.figures(), response);
    const storage::Position end = api_.partition.log().durable_end();
    response->mutable_positions()->set_first_sequence(api_.partition.log().begin().value);
    response->mutable_receipt()->set_sequence(end.sequence.value);
    response->mutable_receipt()->set_link(end.link.data(), end.link.size());
  });
  return reactor;
}

::grpc::ServerUnaryReactor* QueryService::GetDigest(::grpc::CallbackServerContext* context,
                                                    const v1::GetDigestRequest* /*request*/,
                                                    v1::GetDigestResponse* response) {
  auto* const reactor = context->DefaultReactor();
  if (!TenantOf(api_, context, reactor)) return reactor;
  api_.partition.Digest([this, reactor, response](auto answer) {
    if (answer.ok()) {
      response->set_sequence(answer->first.value);
      response->set_digest(answer->second.data(), answer->second.size());
    }
    FinishLater(api_, reactor, answer.ok() ? Status() : Status(answer.error()));
  });
  return reactor;
}

::grpc::ServerUnaryReactor* QueryService::ListPrices(::grpc::CallbackServerContext* context,
                                                     const v1::ListPricesRequest* request,
                                                     v1::ListPricesResponse* response) {
  auto* const reactor = context->DefaultReactor();
  const auto tenant = TenantOf(api_, context, reactor);
  if (!tenant) return reactor;
  const auto tables = std::make_shared<std::vector<storage::PricesApplied>>();
  const auto step = [tables, tenant](const Partition::ReadView& view) {
    *tables = view.engine.PriceTables(*tenant);
    return false;
  };
  ReadAndFinish(api_, reactor, step, [tables, request, response](Sequence seen) {
    response->set_sequence(seen.value);
    const std::size_t limit =
        std::min(request->page_size() == 0 ? kPageSizeDefault : request->page_size(), kPricesMax);
    for (const storage::PricesApplied& table : *tables) {
      for (const storage::ModelPrice& price : table.prices) {
        if (price.model.find(request->model()) == std::string::npos) continue;
        if (static_cast<std::size_t>(response->prices_size()) == limit) {
          response->set_truncated(true);
          return;
        }
        SetPrice(table, price, response->add_prices());
      }
    }
  });
  return reactor;
}

}  // namespace barograph::server
