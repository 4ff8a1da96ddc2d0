#include "server/notify/slack/slack_sender.h"

#include <utility>

namespace barograph::server {

Result<std::unique_ptr<Sender>> MakeSlackSender(TransferLoop& loop, HttpOptions options) {
  options.guard.hide_url = true;
  return MakeHttpSender(loop, std::move(options));
}

}  // namespace barograph::server
