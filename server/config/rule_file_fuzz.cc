#include <cstdint>
#include <cstdlib>
#include <string>

#include "server/config/rule_file.h"
#include "server/config/rule_json.h"

// Any bytes as a rule file: it is refused with a reason, or it makes a rule set that every later
// step can take, and whose exact text reads back as the same.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace barograph;
  const std::string text(reinterpret_cast<const char*>(bytes), size);
  const Result<rules::RuleSet> rules = server::LoadRuleSet({{"fuzz.yaml", text}});
  if (!rules.ok()) {
    if (rules.error().message().empty()) std::abort();
    return 0;
  }
  const Result<rules::RuleSet> again = rules::DecodeRuleSet(rules::EncodeRuleSet(rules.value()));
  if (!again.ok() || !(again.value() == rules.value())) std::abort();
  static_cast<void>(rules::PlanWindows(rules.value()));
  static_cast<void>(server::RuleSetToJson(rules.value()));
  return 0;
}
