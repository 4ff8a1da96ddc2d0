#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "barograph/v1/alert.pb.h"
#include "rules/spec/label_matcher.h"
#include "server/cli/alert_commands.h"
#include "server/cli/client.h"
#include "server/cli/command.h"
#include "server/cli/output.h"
#include "server/cli/wire_text.h"

namespace barograph::server {
namespace {

struct AckFlags {
  std::string server, note, author = DefaultAuthor();
  std::vector<std::string> alerts, matchers;
  OutputFormat format = OutputFormat::kTable;
};

int RunAck(const AckFlags& flags) {
  v1::AckAlertsRequest request;
  for (const std::string& alert : flags.alerts) request.add_alerts(alert);
  const Status read = ReadMatchers(flags.matchers, request.mutable_matchers());
  if (!read.ok()) {
    PrintError(read.error());
    return kExitUsage;
  }
  request.set_note(flags.note);
  request.set_author(flags.author);
  auto client = Client::Connect(flags.server);
  if (!client.ok()) return PrintError(client.error());
  v1::AckAlertsResponse response;
  const Status called = (*client)->Call("barograph.v1.AlertService/AckAlerts", request, &response);
  if (!called.ok()) return PrintError(called.error());
  if (flags.format == OutputFormat::kJson) {
    std::puts(ToJson(response).c_str());
  } else if (response.acknowledged() == 0) {
    std::puts("somebody looks after them already");
  } else {
    std::printf("acknowledged %s alert%s\n", GroupDigits(response.acknowledged()).c_str(),
                response.acknowledged() == 1 ? "" : "s");
  }
  return kExitDone;
}

}  // namespace

Status ReadMatchers(const std::vector<std::string>& texts,
                    google::protobuf::RepeatedPtrField<v1::LabelMatcher>* out) {
  for (const std::string& text : texts) {
    BAROGRAPH_ASSIGN(const rules::LabelMatcher matcher, rules::ParseMatcher(text));
    v1::LabelMatcher* copy = out->Add();
    copy->set_name(matcher.name);
    copy->set_op(static_cast<v1::LabelMatcher::Op>(matcher.op));
    copy->set_value(matcher.value);
  }
  return {};
}

std::string MatchersText(const google::protobuf::RepeatedPtrField<v1::LabelMatcher>& matchers) {
  std::vector<rules::LabelMatcher> copies;
  for (const v1::LabelMatcher& matcher : matchers) {
    copies.push_back(
        {matcher.name(), static_cast<rules::LabelMatcher::Op>(matcher.op()), matcher.value()});
  }
  return rules::MatchersText(copies);
}

std::string DefaultAuthor() {
  for (const char* variable : {"BAROGRAPH_AUTHOR", "USER"}) {
    const char* name = std::getenv(variable);
    if (name != nullptr && *name != '\0') return name;
  }
  return "";
}

void AddAckCommand(CLI::App& alerts, int* status) {
  auto flags = std::make_shared<AckFlags>();
  CLI::App& ack = *alerts.add_subcommand("ack", "Say that somebody looks after firing alerts");
  ack.footer(R"(Examples:
  barograph alerts ack 8d3f1c0a5be27746 --note "rolling back"
  barograph alerts ack --match rule=task-success --match 'agent=~"CMO|CFO"'

An alert that is acknowledged is not repeated and not escalated until it resolves or becomes more
severe; that it resolved is told. `alerts list` shows the fingerprints.)");
  CLI::Option_group& which = *ack.add_option_group("Which");
  which.add_option("alerts", flags->alerts, "Fingerprints or episode ids");
  which.add_option("--match", flags->matchers,
                   "All firing alerts that fit: =, !=, =~, !~; may be given several times");
  which.require_option(1, 2);
  ack.add_option("--note", flags->note, "What is being done");
  ack.add_option("--author", flags->author, "Who looks after it; also BAROGRAPH_AUTHOR")
      ->capture_default_str();
  AddServerOption(ack, &flags->server);
  AddOutputOption(ack, &flags->format);
  ack.callback([flags, status] { *status = RunAck(*flags); });
}

}  // namespace barograph::server
