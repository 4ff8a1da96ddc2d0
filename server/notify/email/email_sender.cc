#include "server/notify/email/email_sender.h"

#include <algorithm>
#include <utility>

#include "server/notify/webhook/signature.h"

namespace barograph::server {
namespace {

using Tls = rules::MailSpec::Tls;

class EmailTransfer final : public Transfer {
 public:
  EmailTransfer(std::shared_ptr<const EmailOptions> options, AddressGuard guard, Attempt attempt,
                std::function<void(TryResult)> done)
      : Transfer(std::shared_ptr<const TransferOptions>(options, &options->transfer),
                 std::move(guard), std::move(attempt), std::move(done)),
        options_(std::move(options)) {
    for (const std::string& to : options_->mail.to) {
      recipients_ = curl_slist_append(recipients_, ("<" + to + ">").c_str());
    }
  }
  ~EmailTransfer() override { curl_slist_free_all(recipients_); }

 protected:
  void Prepare(CURL* handle) override {
    const rules::MailSpec& mail = options_->mail;
    curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    curl_easy_setopt(handle, CURLOPT_USE_SSL,
                     static_cast<long>(mail.tls == Tls::kNone ? CURLUSESSL_NONE : CURLUSESSL_ALL));
    if (!mail.username.empty()) {
      curl_easy_setopt(handle, CURLOPT_USERNAME, mail.username.c_str());
      curl_easy_setopt(handle, CURLOPT_PASSWORD, options_->password.c_str());
    }
    curl_easy_setopt(handle, CURLOPT_MAIL_FROM, ("<" + mail.from + ">").c_str());
    curl_easy_setopt(handle, CURLOPT_MAIL_RCPT, recipients_);
    curl_easy_setopt(handle, CURLOPT_MAIL_RCPT_ALLLOWFAILS, 1L);
    curl_easy_setopt(handle, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(handle, CURLOPT_READFUNCTION, &ReadBody);
    curl_easy_setopt(handle, CURLOPT_READDATA, this);
    curl_easy_setopt(handle, CURLOPT_INFILESIZE_LARGE,
                     static_cast<curl_off_t>(attempt().body.size()));
  }

  void Judge(CURLcode code, long status, TryResult* result) override {
    if (code == CURLE_OK) {
      result->outcome = TryResult::Outcome::kDelivered;
      result->detail = "SMTP " + std::to_string(status);
      return;
    }
    result->detail = Failure(code);
    if (status >= 400 && result->detail.find(std::to_string(status)) == std::string::npos) {
      result->detail += " (SMTP " + std::to_string(status) + ")";
    }
    // What an operator may mend (a password, a certificate) says nothing of the message.
    const bool judged =
        code == CURLE_SEND_ERROR || code == CURLE_RECV_ERROR || code == CURLE_WEIRD_SERVER_REPLY;
    if (judged && status >= 500 && status != 530 && status != 534 && status != 535) {
      result->outcome = TryResult::Outcome::kRefused;
    }
  }

 private:
  static std::size_t ReadBody(char* out, std::size_t size, std::size_t count, void* self) {
    auto* const transfer = static_cast<EmailTransfer*>(self);
    const std::string& body = transfer->attempt().body;
    const std::size_t bytes = std::min(size * count, body.size() - transfer->read_);
    std::copy_n(body.data() + transfer->read_, bytes, out);
    transfer->read_ += bytes;
    return bytes;
  }

  std::shared_ptr<const EmailOptions> options_;
  curl_slist* recipients_ = nullptr;
  std::size_t read_ = 0;
};

class EmailSender final : public Sender {
 public:
  EmailSender(TransferLoop& loop, std::shared_ptr<const EmailOptions> options, AddressGuard guard)
      : loop_(loop), options_(std::move(options)), guard_(std::move(guard)) {}

  void Send(Attempt attempt, std::function<void(TryResult)> done) override {
    loop_.Submit(
        std::make_unique<EmailTransfer>(options_, guard_, std::move(attempt), std::move(done)));
  }

 private:
  TransferLoop& loop_;
  std::shared_ptr<const EmailOptions> options_;
  AddressGuard guard_;
};

}  // namespace

Result<std::unique_ptr<Sender>> MakeEmailSender(TransferLoop& loop, EmailOptions options) {
  options.guard.schemes = {"smtp", "smtps"};
  std::string& url = options.transfer.url;
  if (options.mail.tls == Tls::kTls && url.starts_with("smtp://")) url.insert(4, "s");
  BAROGRAPH_ASSIGN(AddressGuard guard, AddressGuard::ForUrl(url, options.guard));
  // libcurl greets with what follows the host; its default would be the machine's name.
  while (url.ends_with('/')) url.pop_back();
  const std::string& from = options.mail.from;
  url += "/" + from.substr(std::min(from.find('@') + 1, from.size()));
  if (!options.password.empty()) {
    options.transfer.hidden.push_back(options.password);
    options.transfer.hidden.push_back(Base64(options.password));
  }
  return std::unique_ptr<Sender>(std::make_unique<EmailSender>(
      loop, std::make_shared<const EmailOptions>(std::move(options)), std::move(guard)));
}

}  // namespace barograph::server
