#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "barograph/v1/query.pb.h"
#include "server/cli/alert_commands.h"
#include "server/cli/client.h"
#include "server/cli/command.h"
#include "server/cli/output.h"
#include "server/cli/wire_text.h"

namespace barograph::server {
namespace {

struct AlertFlags {
  std::string server, rule, receiver;
  std::vector<std::string> states;
  std::uint32_t limit = 100;
  OutputFormat format = OutputFormat::kTable;
};

const std::map<std::string, v1::AlertTransition::State>& AlertStates() {
  static const std::map<std::string, v1::AlertTransition::State> kStates{
      {"pending", v1::AlertTransition::PENDING},
      {"firing", v1::AlertTransition::FIRING},
      {"resolved", v1::AlertTransition::RESOLVED}};
  return kStates;
}

const std::map<std::string, v1::Delivery::Outcome>& NoticeStates() {
  static const std::map<std::string, v1::Delivery::Outcome> kStates{
      {"waiting", v1::Delivery::OUTCOME_UNSPECIFIED},
      {"delivered", v1::Delivery::DELIVERED},
      {"superseded", v1::Delivery::SUPERSEDED},
      {"dead", v1::Delivery::DEAD},
      {"dropped", v1::Delivery::DROPPED}};
  return kStates;
}

std::vector<std::string> AllStates() {
  std::vector<std::string> names;
  for (const auto& [name, state] : AlertStates()) names.push_back(name);
  for (const auto& [name, state] : NoticeStates()) names.push_back(name);
  return names;
}

std::string OutcomeText(v1::Delivery::Outcome outcome) {
  for (const auto& [name, state] : NoticeStates()) {
    if (state == outcome) return name;
  }
  return Word(v1::Delivery::Outcome_Name(outcome));
}

/// What was asked for; nothing when no state of that sort was named and others were.
struct AlertRequests {
  std::optional<v1::ListAlertsRequest> alerts;
  std::optional<v1::ListNoticesRequest> notices;
};

AlertRequests BuildRequests(const AlertFlags& flags) {
  v1::ListAlertsRequest alerts;
  v1::ListNoticesRequest notices;
  alerts.set_rule(flags.rule);
  alerts.set_page_size(flags.limit);
  notices.set_receiver(flags.receiver);
  notices.set_page_size(flags.limit);
  for (const std::string& state : flags.states) {
    if (const auto found = AlertStates().find(state); found != AlertStates().end()) {
      alerts.add_states(found->second);
    }
    if (const auto found = NoticeStates().find(state); found != NoticeStates().end()) {
      notices.add_outcomes(found->second);
    }
  }
  AlertRequests requests;
  if (flags.states.empty() || alerts.states_size() != 0) requests.alerts = alerts;
  if (flags.states.empty() || notices.outcomes_size() != 0) requests.notices = notices;
  return requests;
}

/// What is to know of an alert beside its state.
std::string MarksOf(const v1::ListAlertsResponse::Alert& alert) {
  std::string marks;
  const auto add = [&marks](bool holds, const std::string& mark) {
    if (holds) marks += (marks.empty() ? "" : ", ") + mark;
  };
  add(alert.has_acknowledged(), "acknowledged by " + alert.acknowledged().author());
  add(alert.silenced(), "silenced");
  add(alert.inhibited(), "inhibited");
  add(alert.flapping(), "flapping");
  return marks;
}

void PrintAlerts(const v1::ListAlertsResponse& response) {
  Table table({"FINGERPRINT", "STATE", "SEVERITY", "RULE", "LABELS", "SINCE", "MARKS", "SUMMARY"});
  for (const auto& alert : response.alerts()) {
    table.Row({alert.fingerprint(), Word(v1::AlertTransition::State_Name(alert.state())),
               Word(v1::Severity_Name(alert.severity())), alert.rule(), LabelText(alert.labels()),
               TimeText(alert.since()), MarksOf(alert), Shorten(alert.summary(), 100)});
  }
  const std::string text = table.ToString();
  std::fputs(text.empty() ? "no alerts\n" : text.c_str(), stdout);
  if (response.truncated()) std::fputs("(more alerts exist; raise --limit)\n", stderr);
}

void PrintNotices(const v1::ListNoticesResponse& response) {
  Table table({"NOTICE", "RECEIVER", "TELLS", "OUTCOME", "TRIES", "DECIDED", "ENDED", "DETAIL"});
  for (const auto& notice : response.notices()) {
    table.Row({notice.id(), notice.receiver(),
               Word(v1::AlertTransition::State_Name(notice.state())), OutcomeText(notice.outcome()),
               std::to_string(notice.attempts()), TimeText(notice.decided_at()),
               TimeText(notice.ended_at()), Shorten(notice.detail(), 60)});
  }
  const std::string text = table.ToString();
  std::fputs(text.empty() ? "no notices\n" : text.c_str(), stdout);
  if (response.truncated()) std::fputs("(more notices exist; raise --limit)\n", stderr);
}

int RunList(const AlertFlags& flags) {
  const AlertRequests requests = BuildRequests(flags);
  auto client = Client::Connect(flags.server);
  if (!client.ok()) return PrintError(client.error());
  v1::ListAlertsResponse alerts;
  v1::ListNoticesResponse notices;
  if (requests.alerts) {
    const Status called =
        (*client)->Call("barograph.v1.QueryService/ListAlerts", *requests.alerts, &alerts);
    if (!called.ok()) return PrintError(called.error());
  }
  if (requests.notices) {
    const Status called =
        (*client)->Call("barograph.v1.QueryService/ListNotices", *requests.notices, &notices);
    if (!called.ok()) return PrintError(called.error());
  }
  if (flags.format == OutputFormat::kJson) {
    std::printf("{\"alerts\": %s, \"notices\": %s}\n", ToJson(alerts).c_str(),
                ToJson(notices).c_str());
    return kExitDone;
  }
  if (requests.alerts) PrintAlerts(alerts);
  if (requests.alerts && requests.notices) std::fputs("\n", stdout);
  if (requests.notices) PrintNotices(notices);
  return kExitDone;
}

}  // namespace

void AddAlertsCommand(CLI::App& root, int* status) {
  auto flags = std::make_shared<AlertFlags>();
  CLI::App& alerts = *root.add_subcommand("alerts", "Alerts and the notices sent about them");
  alerts.require_subcommand(1);
  CLI::App& list =
      *alerts.add_subcommand("list", "Alerts by state, and what became of their notices");
  list.footer(R"(Examples:
  barograph alerts list
  barograph alerts list --state firing --rule task-success
  barograph alerts list --state dead,waiting -o json

A notice is superseded when a newer one of the same group took its place after a failed try,
dead when its receiver refused it for good or the tries ran out, dropped when its receiver left
the configuration. `alerts send` sends dead and dropped ones again.)");
  list.add_option("--state", flags->states,
                  "pending, firing, resolved; waiting, delivered, superseded, dead, dropped")
      ->delimiter(',')
      ->check(CLI::IsMember(AllStates()));
  list.add_option("--rule", flags->rule, "Only alerts of this rule");
  list.add_option("--receiver", flags->receiver, "Only notices to this receiver");
  list.add_option("--limit", flags->limit, "Alerts, and notices, at most")->capture_default_str();
  AddServerOption(list, &flags->server);
  AddOutputOption(list, &flags->format);
  list.callback([flags, status] { *status = RunList(*flags); });
  AddAckCommand(alerts, status);
  AddShowCommand(alerts, status);
  AddSendCommand(alerts, status);
  AddTestCommand(alerts, status);
}

}  // namespace barograph::server
