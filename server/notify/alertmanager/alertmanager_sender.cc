#include "server/notify/alertmanager/alertmanager_sender.h"

#include <utility>

namespace barograph::server {

Result<std::unique_ptr<Sender>> MakeAlertmanagerSender(TransferLoop& loop, HttpOptions options) {
  std::string& url = options.transfer.url;
  while (url.ends_with('/')) url.pop_back();
  url += "/api/v2/alerts";
  return MakeHttpSender(loop, std::move(options));
}

}  // namespace barograph::server
