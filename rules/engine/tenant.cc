#include "rules/engine/tenant.h"

#include "rules/burn_rate/burn_rate.h"

namespace barograph::rules {

CompiledRules CompileRules(const RuleSet& rules) {
  CompiledRules compiled;
  for (const SloSpec& spec : rules.slos) {
    CompiledRule& rule = *compiled.emplace_back(
        std::make_unique<CompiledRule>(spec.common, std::make_unique<BurnRate>(spec)));
    rule.slo = &spec;
    rule.slices = spec.slice.has_value();
  }
  return compiled;
}

}  // namespace barograph::rules
