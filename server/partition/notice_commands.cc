#include <utility>

#include "server/partition/writer.h"

namespace barograph::server {
namespace {

/// Only what reached nobody is sent again.
Status CheckResend(const storage::OutboxRow& row) {
  using Outcome = storage::DeliveryOutcome;
  if (row.outcome == Outcome::kDead || row.outcome == Outcome::kDropped) return {};
  const std::string state = row.outcome == Outcome::kUnspecified
                                ? "waits for delivery"
                                : "was " + std::string(Name(row.outcome));
  return Error(ErrorCode::kFailedPrecondition, "notice " + row.notice.id + " " + state +
                                                   "; only dead and dropped ones are sent again");
}

}  // namespace

void Writer::ResendNotice(const std::string& tenant, Sequence row, const std::string& actor,
                          std::function<void(Status)> done) {
  const auto refuse = [&](Error error) {
    WhenDurable([done = std::move(done), error = std::move(error)] { done(error); });
  };
  Result<storage::OutboxRow> ended = places_.outbox.Find(row);
  if (!ended.ok()) return refuse(ended.error());
  if (const Status checked = CheckResend(*ended); !checked.ok()) return refuse(checked.error());
  // The row is read from disk: the same command may have moved it in the open group already.
  if (ended->tenant != tenant || !state_.notices.RemoveEnded(tenant, row)) {
    return refuse(
        {ErrorCode::kNotFound, "no ended notice at sequence " + std::to_string(row.value)});
  }
  const storage::NoticeResent resent{.origin = {.actor = actor, .reason = "command"},
                                     .notice_id = ended->notice.id,
                                     .receiver = ended->notice.receiver,
                                     .sequence = row};
  Sequence sequence;
  Append(
      [&] {
        sequence = appender_.last_sequence().Plus(1);
        return state_.engine.Resend(tenant, resent);
      },
      /*evaluate=*/false);
  storage::Outbox::StageResend(*ended, sequence, appender_.last_log_time(),
                               &appender_.group().rows);
  state_.notices.Add(ended->notice.id, sequence);
  ++appender_.group().notices;
  places_.counters.outbox_pending = state_.notices.pending();
  WhenDurable([done = std::move(done)] { done({}); });
}

}  // namespace barograph::server
