#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <string>

#include "barograph/v1/alert.pb.h"
#include "server/cli/alert_commands.h"
#include "server/cli/client.h"
#include "server/cli/command.h"
#include "server/cli/output.h"
#include "server/cli/wire_text.h"

namespace barograph::server {
namespace {

using Response = v1::ShowAlertResponse;

struct ShowFlags {
  std::string server, alert;
  OutputFormat format = OutputFormat::kTable;
};

void Line(const char* name, const std::string& text) {
  if (!text.empty()) std::printf("%-12s %s\n", name, text.c_str());
}

std::string StateText(v1::AlertTransition::State state) {
  return Word(v1::AlertTransition::State_Name(state));
}

void PrintLife(const Response& response) {
  const auto& alert = response.alert();
  Line("alert", alert.rule() + " {" + LabelText(alert.labels()) + "}");
  Line("fingerprint", alert.fingerprint() + ", episode " + alert.episode_id());
  Line("state", StateText(alert.state()) + " since " + TimeText(alert.since()) + ", " +
                    Word(v1::Severity_Name(alert.severity())));
  Line("summary", alert.summary());
  Line("condition", alert.condition() + ": " + NumberText(alert.value()) + " against " +
                        NumberText(alert.threshold()));
  if (response.has_pending_from()) Line("pending", "since " + TimeText(response.pending_from()));
  if (alert.has_fired_at()) Line("fired", TimeText(alert.fired_at()));
  if (alert.has_resolved_at()) Line("resolved", TimeText(alert.resolved_at()));
  if (response.has_calm_from())
    Line("calm", "its condition is false since " + TimeText(response.calm_from()));
  if (response.fires_size() > 1) {
    Line("fires", GroupDigits(response.fires_size()) + " times lately, first " +
                      TimeText(response.fires(0)));
  }
}

/// Why nobody is told, or not again.
void PrintHolds(const Response& response) {
  const auto& alert = response.alert();
  if (alert.has_acknowledged()) {
    const auto& acknowledged = alert.acknowledged();
    Line("acknowledged", "by " + acknowledged.author() + " at " + TimeText(acknowledged.at()) +
                             (acknowledged.note().empty() ? "" : ": " + acknowledged.note()) +
                             "; not repeated, not escalated");
  }
  for (const v1::Silence& silence : response.silences()) {
    Line("silenced", "until " + TimeText(silence.ends_at()) + " by " + silence.author() + ", " +
                         MatchersText(silence.matchers()) + ": " + silence.comment() + " (" +
                         silence.id() + ")");
  }
  for (const auto& inhibition : response.inhibitions()) {
    Line("inhibited", "by alert " + inhibition.by() + ", which fires (inhibitions[" +
                          std::to_string(inhibition.row()) + "])");
  }
  if (alert.flapping()) {
    Line("flapping", "since " + TimeText(response.flapping_since()) +
                         "; single steps are not told until it stands still");
  }
}

void PrintReceivers(const Response& response) {
  Table table({"RECEIVER", "WAS TOLD", "LAST", "NEXT", "ESCALATION", "GROUP"});
  for (const auto& standing : response.receivers()) {
    std::string next = TimeText(standing.next_at());
    if (standing.has_muted_until()) next = "muted until " + TimeText(standing.muted_until());
    std::string escalation = standing.escalated() ? "told by it" : "";
    if (standing.steps() > 0) escalation = "step " + std::to_string(standing.steps()) + " taken";
    if (standing.has_escalates_at()) {
      escalation +=
          (escalation.empty() ? "next at " : ", next at ") + TimeText(standing.escalates_at());
    }
    table.Row({standing.receiver(),
               standing.told() == v1::AlertTransition::STATE_UNSPECIFIED
                   ? "nothing yet"
                   : StateText(standing.told()),
               TimeText(standing.told_at()), next, escalation, standing.group_key()});
  }
  const std::string text = table.ToString();
  std::fputs(text.empty() ? "\nno receiver waits for news of it\n" : ("\n" + text).c_str(), stdout);
}

void PrintNotices(const Response& response) {
  if (response.notices_size() == 0) return;
  Table table({"NOTICE", "RECEIVER", "TELLS", "DECIDED", "OUTCOME", "TRIES", "DETAIL"});
  for (const auto& notice : response.notices()) {
    const bool waits = notice.outcome() == v1::Delivery::OUTCOME_UNSPECIFIED;
    table.Row({notice.id(), notice.receiver(), StateText(notice.state()),
               TimeText(notice.decided_at()),
               waits ? "waiting" : Word(v1::Delivery::Outcome_Name(notice.outcome())),
               std::to_string(notice.attempts()), Shorten(notice.detail(), 60)});
  }
  std::fputs(("\n" + table.ToString()).c_str(), stdout);
}

int RunShow(const ShowFlags& flags) {
  auto client = Client::Connect(flags.server);
  if (!client.ok()) return PrintError(client.error());
  v1::ShowAlertRequest request;
  request.set_alert(flags.alert);
  Response response;
  const Status called = (*client)->Call("barograph.v1.AlertService/ShowAlert", request, &response);
  if (!called.ok()) return PrintError(called.error());
  if (flags.format == OutputFormat::kJson) {
    std::puts(ToJson(response).c_str());
    return kExitDone;
  }
  PrintLife(response);
  PrintHolds(response);
  PrintReceivers(response);
  PrintNotices(response);
  return kExitDone;
}

}  // namespace

void AddShowCommand(CLI::App& alerts, int* status) {
  auto flags = std::make_shared<ShowFlags>();
  CLI::App& show = *alerts.add_subcommand(
      "show", "One alert: its life, what holds it back, whom it was told to");
  show.footer(R"(Examples:
  barograph alerts show 8d3f1c0a5be27746
  barograph alerts show 8d3f1c0a5be27746 -o json

`alerts list` shows the fingerprints.)");
  show.add_option("alert", flags->alert, "Fingerprint or episode id")->required();
  AddServerOption(show, &flags->server);
  AddOutputOption(show, &flags->format);
  show.callback([flags, status] { *status = RunShow(*flags); });
}

}  // namespace barograph::server
