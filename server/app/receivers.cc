#include "server/app/receivers.h"

#include <memory>
#include <utility>

#include "server/config/secret.h"
#include "server/notify/file/file_sender.h"

namespace barograph::server {

namespace {

Result<std::unique_ptr<Sender>> MakeSender(const rules::ReceiverSpec& receiver,
                                           WebhookClient& client) {
  if (receiver.type == rules::ReceiverSpec::Type::kFile) return MakeFileSender(receiver.target);
  WebhookOptions options;
  options.url = receiver.target;
  if (!receiver.secret_reference.empty()) {
    BAROGRAPH_ASSIGN(const Secret secret, ResolveSecret(receiver.secret_reference));
    options.secrets = {secret.Reveal()};
  }
  return client.MakeSender(options);
}

}  // namespace

Result<OutboxWorker::Senders> MakeSenders(const std::vector<rules::ReceiverSpec>& receivers,
                                          WebhookClient& client) {
  OutboxWorker::Senders senders;
  for (const rules::ReceiverSpec& receiver : receivers) {
    auto sender = MakeSender(receiver, client);
    if (!sender.ok()) return sender.error().WithContext("receiver \"" + receiver.name + "\"");
    senders[receiver.name] = std::move(sender).value();
  }
  return senders;
}

}  // namespace barograph::server
