#include "server/notify/body/notice_body.h"

#include <utility>

#include "server/notify/alertmanager/alerts_body.h"
#include "server/notify/console/console_line.h"
#include "server/notify/email/email_body.h"
#include "server/notify/pagerduty/pagerduty_body.h"
#include "server/notify/slack/slack_body.h"
#include "server/notify/webhook/body_template.h"

namespace barograph::server {
namespace {

using rules::ReceiverSpec;

constexpr std::string_view kJson = "application/json";

rules::NoticeBody WebhookBody(const rules::Notice& notice, const ReceiverSpec& receiver,
                              const std::string& url) {
  switch (receiver.format) {
    case ReceiverSpec::Format::kAlertmanager:
      return {AlertmanagerBody(notice, url), std::string(kJson)};
    case ReceiverSpec::Format::kBarograph:
      return {BarographBody(notice, url), std::string(kJson)};
    case ReceiverSpec::Format::kTemplate:
      return {TemplateBody(notice, receiver.body_template, receiver.content_type, url),
              receiver.content_type};
  }
  return {};
}

}  // namespace

rules::NoticeFormat MakeNoticeFormat(std::string external_url) {
  return [url = std::move(external_url)](const rules::Notice& notice,
                                         const ReceiverSpec& receiver) -> rules::NoticeBody {
    switch (receiver.type) {
      case ReceiverSpec::Type::kWebhook:
      case ReceiverSpec::Type::kFile:
        return WebhookBody(notice, receiver, url);
      case ReceiverSpec::Type::kSlack:
        return {SlackBody(notice, url), std::string(kJson)};
      case ReceiverSpec::Type::kPagerDuty:
        return {PagerDutyBody(notice, url), std::string(kJson)};
      case ReceiverSpec::Type::kAlertmanager:
        return {AlertsBody(notice, receiver.resend, url), std::string(kJson)};
      case ReceiverSpec::Type::kEmail:
        return {EmailBody(notice, receiver.mail, url), std::string(kMailContentType)};
      case ReceiverSpec::Type::kConsole:
        return {ConsoleLine(notice), "text/plain; charset=utf-8"};
    }
    return {};
  };
}

}  // namespace barograph::server
