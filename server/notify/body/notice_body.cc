#include "server/notify/body/notice_body.h"

#include <utility>

namespace barograph::server {

rules::NoticeFormat MakeNoticeFormat(std::string external_url) {
  return [url = std::move(external_url)](const rules::Notice& notice,
                                         const rules::ReceiverSpec& receiver) {
    rules::NoticeBody body;
    body.content_type = "application/json";
    switch (receiver.format) {
      case rules::ReceiverSpec::Format::kAlertmanager:
        body.bytes = AlertmanagerBody(notice, url);
        break;
      case rules::ReceiverSpec::Format::kBarograph:
        body.bytes = BarographBody(notice, url);
        break;
    }
    return body;
  };
}

}  // namespace barograph::server
