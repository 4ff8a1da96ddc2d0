#include <algorithm>
#include <limits>
#include <tuple>

#include "rules/budget/budget.h"
#include "rules/engine/engine_state.h"
#include "rules/spec/number_text.h"

// Gates: whether a pipeline may go on, by what is left of an error budget or of a budget. And the
// hours that an error budget does not count.

namespace barograph::rules {
namespace {

constexpr Int128 kBillion = 1'000'000'000;

std::string PercentText(double share) { return NumberText(share * 100) + "%"; }

std::string LabelsText(const storage::Labels& labels) {
  std::string text;
  for (const auto& [name, value] : labels) text += (text.empty() ? "" : ", ") + name + "=" + value;
  return text.empty() ? "" : " (" + text + ")";
}

bool Fits(const storage::Labels& labels, const storage::Labels& by) {
  return std::all_of(by.begin(), by.end(), [&](const auto& wanted) {
    const auto found = labels.find(wanted.first);
    return found != labels.end() && found->second == wanted.second;
  });
}

/// What a gate found in the instance with least left.
struct Least {
  bool any = false;
  bool enough = true;
  double remaining = 1;
  storage::Labels labels;
  std::string actual;
  std::optional<Time> resets_at;
};

std::string Command(const GateQuestion& question) {
  std::string text =
      "barograph gate --" + std::string(question.of_slo ? "slo " : "budget ") + question.rule;
  return text + " --override REASON --for 1h";
}

std::string Advice(const GateQuestion& question, const Least& least) {
  std::string text = question.of_slo
                         ? "ship only what makes it better until the error budget recovers"
                         : "spend no more";
  if (!question.of_slo && least.resets_at)
    text += " until " + FormatTime(*least.resets_at) + ", when its period ends, or raise the limit";
  return text + "; to pass all the same: " + Command(question);
}

}  // namespace

Result<const CompiledRule*> Engine::State::GatedRule(const GateQuestion& question) const {
  const auto found = rule_by_name.find(question.rule);
  const CompiledRule* const rule = found == rule_by_name.end() ? nullptr : found->second;
  const bool fits =
      rule != nullptr && (question.of_slo ? rule->slo != nullptr : rule->budget != nullptr);
  if (!fits) {
    return Error(ErrorCode::kNotFound, "no " + std::string(question.of_slo ? "SLO" : "budget") +
                                           " '" + question.rule + "'; `config print` shows all");
  }
  for (const auto& [name, value] : question.by) {
    const auto& by = rule->projection.by;
    if (std::find(by.begin(), by.end(), name) != by.end()) continue;
    return Error(ErrorCode::kInvalidArgument,
                 "by: '" + question.rule + "' has no instances by '" + name + "'");
  }
  if (question.min_remaining_ppb < 0 || question.min_remaining_ppb > kBillion) {
    return Error(ErrorCode::kInvalidArgument, "min_remaining: must be from 0% to 100%");
  }
  return rule;
}

namespace {

Least LeastOf(const std::vector<SloStatus>& statuses, const GateQuestion& question) {
  Least least;
  for (const SloStatus& status : statuses) {
    if (!Fits(status.labels, question.by)) continue;
    if (least.any && status.budget_remaining >= least.remaining) continue;
    least.any = true;
    least.remaining = status.budget_remaining;
    least.labels = status.labels;
    least.actual = PercentText(status.budget_remaining) + " is left" + LabelsText(status.labels) +
                   ": " + FormatDecimal(status.good, 0) + " of " + FormatDecimal(status.total, 0) +
                   " were good";
  }
  const double wanted =
      static_cast<double>(question.min_remaining_ppb) / static_cast<double>(kBillion);
  least.enough = least.remaining >= wanted;
  return least;
}

void Consider(const BudgetStatus& status, Int128 held, const GateQuestion& question, Least* least) {
  const Int128 left = status.limit - status.amount - held;
  const double remaining = static_cast<double>(left) / static_cast<double>(status.limit);
  least->enough &= left * kBillion >= status.limit * question.min_remaining_ppb;
  if (least->any && remaining >= least->remaining) return;
  const auto text = [&](Int128 value) {
    return QuantityText(status.measure, status.currency, value);
  };
  least->any = true;
  least->remaining = remaining;
  least->labels = status.labels;
  least->resets_at = status.period ? std::optional(status.period->end) : std::nullopt;
  least->actual = text(left) + " of " + text(status.limit) + " is left (" + PercentText(remaining) +
                  ")" + LabelsText(status.labels) + ": " + text(status.amount) + " spent";
  if (held > 0) least->actual += ", " + text(held) + " held by leases";
}

}  // namespace

Result<GateAnswer> Engine::CheckGate(std::string_view tenant_name, const GateQuestion& question,
                                     Time now) const {
  BAROGRAPH_ASSIGN(const CompiledRule* rule, state_->GatedRule(question));
  constexpr std::size_t kAll = std::numeric_limits<std::size_t>::max();
  const auto found = state_->tenants.find(tenant_name);
  const Tenant* const tenant = found == state_->tenants.end() ? nullptr : found->second.get();
  Least least;
  if (question.of_slo) {
    least = LeastOf(Slos(tenant_name, now, question.rule, kAll), question);
  } else {
    for (const BudgetStatus& status : Budgets(tenant_name, now, question.rule, kAll)) {
      if (!Fits(status.labels, question.by)) continue;
      Int128 held = 0;
      if (rule->budget->enforce && status.period && tenant != nullptr)
        held = tenant->leases.HeldOf(AccountKey(question.rule, status.labels, *status.period));
      Consider(status, held, question, &least);
    }
  }
  GateAnswer answer;
  const std::string share = ShareText(question.min_remaining_ppb);
  answer.criterion = "at least " + share + " of the " +
                     (question.of_slo ? "error budget of " : "budget ") + question.rule +
                     " is left";
  answer.passed = least.enough;
  answer.remaining = least.remaining;
  answer.labels = least.labels;
  answer.actual = least.any ? least.actual : "100% is left: nothing was counted yet";
  if (!least.enough) answer.advice = Advice(question, least);
  if (tenant == nullptr) return answer;
  if (const auto* overridden = tenant->gates.InForce(question.gate(), now); overridden != nullptr) {
    answer.passed = true;
    answer.overridden = *overridden;
  }
  return answer;
}

Result<std::vector<Engine::Decided>> Engine::OverrideGate(std::string_view tenant_name,
                                                          const GateQuestion& question,
                                                          storage::GateOverridden wish,
                                                          std::chrono::seconds length,
                                                          Time now) const {
  BAROGRAPH_TRY(state_->GatedRule(question));
  const auto found = state_->tenants.find(tenant_name);
  const GateBook none;
  const GateBook& book = found == state_->tenants.end() ? none : found->second->gates;
  wish.gate = question.gate();
  BAROGRAPH_ASSIGN(storage::GateOverridden overridden, book.Decide(std::move(wish), length, now));
  return std::vector<Decided>{{std::string(tenant_name), {std::move(overridden)}}};
}

Result<std::vector<Engine::Decided>> Engine::Exclude(std::string_view tenant_name,
                                                     storage::Exclusion wish, Time now) const {
  const auto rule = state_->rule_by_name.find(wish.slo);
  if (rule == state_->rule_by_name.end() || rule->second->slo == nullptr)
    return Error(ErrorCode::kNotFound, "no SLO '" + wish.slo + "'; `config print` shows all");
  const auto tenant = state_->tenants.find(tenant_name);
  const ExclusionBook none;
  const ExclusionBook& book = tenant == state_->tenants.end() ? none : tenant->second->exclusions;
  BAROGRAPH_ASSIGN(storage::Exclusion exclusion, book.Decide(std::move(wish), state_->head, now));
  return std::vector<Decided>{{std::string(tenant_name), {std::move(exclusion)}}};
}

Result<std::vector<Engine::Decided>> Engine::WithdrawExclusion(std::string_view tenant_name,
                                                               const std::string& id,
                                                               const storage::Origin& origin,
                                                               Time now) const {
  const auto tenant = state_->tenants.find(tenant_name);
  const ExclusionBook none;
  const ExclusionBook& book = tenant == state_->tenants.end() ? none : tenant->second->exclusions;
  BAROGRAPH_ASSIGN(storage::Exclusion end, book.DecideEnd(id, origin, now));
  return std::vector<Decided>{{std::string(tenant_name), {std::move(end)}}};
}

std::vector<storage::Exclusion> Engine::Exclusions(std::string_view tenant_name) const {
  std::vector<storage::Exclusion> all;
  const auto tenant = state_->tenants.find(tenant_name);
  if (tenant == state_->tenants.end()) return all;
  for (const auto& [id, exclusion] : tenant->second->exclusions.exclusions())
    all.push_back(exclusion);
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) {
    return std::tie(a.from, a.slo, a.id) < std::tie(b.from, b.slo, b.id);
  });
  return all;
}

}  // namespace barograph::rules
