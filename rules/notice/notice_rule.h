#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rules/spec/annotation_template.h"
#include "rules/spec/notice_spec.h"
#include "storage/base/clock.h"
#include "storage/base/ids.h"
#include "storage/event/event_view.h"
#include "storage/event/server_event.h"

namespace barograph::rules {

/// What is said of one event, or of those that the limit held back.
struct EventMessage {
  std::string id;  ///< unique in its tenant: the rule, and the event's sequence or the window
  std::string rule;
  storage::Labels labels;       ///< as an alert of the rule would bear them
  storage::Labels annotations;  ///< `summary` is the text
  Severity severity = Severity::kInfo;
  Time at{};  ///< event time
  friend bool operator==(const EventMessage&, const EventMessage&) = default;
};

/// A notice rule ready to run, shared by all tenants.
///
/// Threads: one at a time.
class NoticeRule {
 public:
  explicit NoticeRule(const NoticeSpec& spec);

  [[nodiscard]] const NoticeSpec& spec() const { return spec_; }
  /// Whether the filters let the event pass; its measure is looked at by who calls.
  [[nodiscard]] bool Passes(const storage::EventView& event) const;
  /// What the event's message bears.
  [[nodiscard]] storage::Labels LabelsOf(const storage::EventView& event) const;
  /// Pure: equal events give equal messages.
  [[nodiscard]] EventMessage Compose(const storage::EventView& event, Time time,
                                     Sequence sequence) const;
  /// "and 35 more", for the window that began at `from`.
  [[nodiscard]] EventMessage ComposeMore(std::uint64_t count, Time from) const;

 private:
  [[nodiscard]] storage::Labels OwnLabels() const;

  NoticeSpec spec_;
  std::vector<std::pair<std::string, std::vector<std::string>>> where_;  ///< name of EventText
  std::vector<std::pair<std::string, std::string>> by_;  ///< label, and its name of EventText
  std::vector<std::string> names_;                       ///< what the templates name of the event
  std::map<std::string, AnnotationTemplate> templates_;  ///< by annotation
};

}  // namespace barograph::rules
