#include "server/app/receivers.h"

#include <unistd.h>

#include <memory>
#include <utility>

#include "server/config/secret.h"
#include "server/notify/alertmanager/alertmanager_sender.h"
#include "server/notify/console/console_sender.h"
#include "server/notify/email/email_sender.h"
#include "server/notify/file/file_sender.h"
#include "server/notify/pagerduty/pagerduty_sender.h"
#include "server/notify/slack/slack_sender.h"
#include "server/notify/webhook/webhook_sender.h"

namespace barograph::server {
namespace {

using Type = rules::ReceiverSpec::Type;

/// The secret as a header can carry it.
Result<std::string> HeaderSecret(const std::string& name, const std::string& reference) {
  BAROGRAPH_ASSIGN(const Secret secret, ResolveSecret(reference));
  for (const unsigned char c : secret.Reveal()) {
    if (c >= 0x20 && c != 0x7F) continue;
    return Error(ErrorCode::kInvalidArgument,
                 "headers." + name + ": the secret holds a control character");
  }
  return secret.Reveal();
}

Result<HttpOptions> HttpOptionsOf(const rules::ReceiverSpec& receiver,
                                  const std::vector<Network>& allow_private) {
  HttpOptions options;
  options.transfer = {.url = receiver.target,
                      .timeout = receiver.timeout,
                      .ca_file = receiver.ca_file,
                      .hidden = {}};
  options.guard.allow_private = allow_private;
  if (!receiver.url_reference.empty()) {
    BAROGRAPH_ASSIGN(const Secret url, ResolveSecret(receiver.url_reference));
    options.transfer.url = url.Reveal();
    options.guard.hide_url = true;
  }
  options.headers.assign(receiver.headers.begin(), receiver.headers.end());
  for (const auto& [name, reference] : receiver.secret_headers) {
    BAROGRAPH_ASSIGN(std::string value, HeaderSecret(name, reference));
    options.transfer.hidden.push_back(value);
    options.headers.emplace_back(name, std::move(value));
  }
  return options;
}

Result<std::unique_ptr<Sender>> MakeEmail(const rules::ReceiverSpec& receiver,
                                          const std::vector<Network>& allow_private,
                                          const std::string& password, TransferLoop& loop) {
  EmailOptions options;
  options.transfer = {.url = receiver.target,
                      .timeout = receiver.timeout,
                      .ca_file = receiver.ca_file,
                      .hidden = {}};
  options.guard.allow_private = allow_private;
  options.mail = receiver.mail;
  options.password = password;
  return MakeEmailSender(loop, std::move(options));
}

Result<std::unique_ptr<Sender>> MakeSender(const rules::ReceiverSpec& receiver,
                                           const std::vector<Network>& allow_private,
                                           TransferLoop& loop) {
  if (receiver.type == Type::kFile) return MakeFileSender(receiver.target);
  if (receiver.type == Type::kConsole) {
    return MakeConsoleSender(receiver.target == "stderr" ? STDERR_FILENO : STDOUT_FILENO);
  }
  BAROGRAPH_ASSIGN(const Secret secret, ResolveSecret(receiver.secret_reference));
  if (receiver.type == Type::kEmail) {
    return MakeEmail(receiver, allow_private, secret.Reveal(), loop);
  }
  BAROGRAPH_ASSIGN(HttpOptions http, HttpOptionsOf(receiver, allow_private));
  switch (receiver.type) {
    case Type::kSlack:
      return MakeSlackSender(loop, std::move(http));
    case Type::kPagerDuty:
      return MakePagerDutySender(loop, secret.Reveal(), std::move(http));
    case Type::kAlertmanager:
      return MakeAlertmanagerSender(loop, std::move(http));
    default:
      break;
  }
  WebhookOptions options{.http = std::move(http), .secrets = {}};
  if (!secret.empty()) options.secrets = {secret.Reveal()};
  return MakeWebhookSender(loop, std::move(options));
}

}  // namespace

Result<OutboxWorker::Senders> MakeSenders(const std::vector<rules::ReceiverSpec>& receivers,
                                          const std::vector<std::string>& allow_private,
                                          TransferLoop& loop) {
  BAROGRAPH_ASSIGN(const std::vector<Network> networks, ParseNetworks(allow_private));
  OutboxWorker::Senders senders;
  for (const rules::ReceiverSpec& receiver : receivers) {
    auto sender = MakeSender(receiver, networks, loop);
    if (!sender.ok()) return sender.error().WithContext("receiver \"" + receiver.name + "\"");
    senders[receiver.name] = std::move(sender).value();
  }
  return senders;
}

OutboxWorker::Limits LimitsOf(const std::vector<rules::ReceiverSpec>& receivers) {
  OutboxWorker::Limits limits;
  for (const rules::ReceiverSpec& receiver : receivers) {
    if (receiver.rate_limit) limits.emplace(receiver.name, *receiver.rate_limit);
  }
  return limits;
}

}  // namespace barograph::server
