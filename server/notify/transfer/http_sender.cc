#include "server/notify/transfer/http_sender.h"

namespace barograph::server {
namespace {

class HttpTransfer final : public Transfer {
 public:
  HttpTransfer(std::shared_ptr<const TransferOptions> options, AddressGuard guard, Attempt attempt,
               const HttpHeaders& headers, std::function<void(TryResult)> done)
      : Transfer(std::move(options), std::move(guard), std::move(attempt), std::move(done)) {
    Add("Content-Type: " + this->attempt().content_type);
    for (const auto& [name, value] : headers) {
      // libcurl takes "Name:" for the wish to leave the header out.
      Add(value.empty() ? name + ";" : name + ": " + value);
    }
    Add("Expect:");
  }
  ~HttpTransfer() override { curl_slist_free_all(headers_); }

 protected:
  void Prepare(CURL* handle) override {
    const std::string& body = attempt().body;
    curl_easy_setopt(handle, CURLOPT_POSTFIELDS, body.data());
    curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
    curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers_);
    curl_easy_setopt(handle, CURLOPT_USERAGENT, "Barograph");
    curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  }

  void Judge(CURLcode code, long status, TryResult* result) override {
    if (code != CURLE_OK && !(code == CURLE_WRITE_ERROR && status != 0)) {
      result->detail = Failure(code);
      return;
    }
    result->detail = "HTTP " + std::to_string(status);
    if (status >= 200 && status < 300) {
      result->outcome = TryResult::Outcome::kDelivered;
      return;
    }
    if (const std::string answer = Answer(); !answer.empty()) result->detail += ": " + answer;
    if (status == 408 || status == 425 || status == 429 || status >= 500) {
      curl_off_t seconds = 0;
      curl_easy_getinfo(handle(), CURLINFO_RETRY_AFTER, &seconds);
      result->retry_after = std::chrono::seconds(seconds);
    } else {
      result->outcome = TryResult::Outcome::kRefused;
    }
  }

 private:
  void Add(const std::string& line) { headers_ = curl_slist_append(headers_, line.c_str()); }

  curl_slist* headers_ = nullptr;
};

class HttpSender final : public Sender {
 public:
  HttpSender(TransferLoop& loop, HttpOptions options, AddressGuard guard)
      : loop_(loop),
        transfer_(std::make_shared<const TransferOptions>(std::move(options.transfer))),
        headers_(std::move(options.headers)),
        sign_(std::move(options.sign)),
        seal_(std::move(options.seal)),
        guard_(std::move(guard)) {}

  void Send(Attempt attempt, std::function<void(TryResult)> done) override {
    if (seal_) attempt.body = seal_(attempt.body);
    HttpHeaders headers = headers_;
    if (sign_) {
      for (auto& header : sign_(attempt)) headers.push_back(std::move(header));
    }
    loop_.Submit(std::make_unique<HttpTransfer>(transfer_, guard_, std::move(attempt), headers,
                                                std::move(done)));
  }

 private:
  TransferLoop& loop_;
  std::shared_ptr<const TransferOptions> transfer_;
  HttpHeaders headers_;
  std::function<HttpHeaders(const Attempt&)> sign_;
  std::function<std::string(const std::string&)> seal_;
  AddressGuard guard_;
};

/// What of a secret URL a message could repeat: all of it, and what follows the host.
void HideUrl(HttpOptions* options) {
  if (!options->guard.hide_url) return;
  const std::string& url = options->transfer.url;
  options->transfer.hidden.push_back(url);
  const std::size_t host = url.find("://");
  const std::size_t path = host == std::string::npos ? host : url.find_first_of("/?", host + 3);
  if (path != std::string::npos && path + 1 < url.size()) {
    options->transfer.hidden.push_back(url.substr(path + 1));
  }
}

}  // namespace

Result<std::unique_ptr<Sender>> MakeHttpSender(TransferLoop& loop, HttpOptions options) {
  BAROGRAPH_ASSIGN(AddressGuard guard, AddressGuard::ForUrl(options.transfer.url, options.guard));
  HideUrl(&options);
  return std::unique_ptr<Sender>(
      std::make_unique<HttpSender>(loop, std::move(options), std::move(guard)));
}

}  // namespace barograph::server
