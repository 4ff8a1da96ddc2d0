#include "rules/alert/row_codec.h"

namespace barograph::rules {

void WriteTime(Time time, ByteWriter* writer) {
  writer->Fixed(static_cast<std::int64_t>(time.time_since_epoch().count()));
}

Time ReadTime(ByteReader* reader) { return Time(Duration(reader->Fixed<std::int64_t>())); }

void WriteLabels(const storage::Labels& labels, ByteWriter* writer) {
  writer->Varint(labels.size());
  for (const auto& [name, value] : labels) {
    writer->String(name);
    writer->String(value);
  }
}

storage::Labels ReadLabels(ByteReader* reader) {
  storage::Labels labels;
  for (std::uint64_t left = reader->Varint(); left > 0 && reader->ok(); --left) {
    std::string name(reader->String());
    labels.emplace(std::move(name), reader->String());
  }
  return labels;
}

void WriteMember(const NoticeMember& member, ByteWriter* writer) {
  WriteLabels(member.labels, writer);
  WriteLabels(member.annotations, writer);
  writer->Fixed(member.state);
  writer->Fixed(member.severity);
  WriteTime(member.starts_at, writer);
  WriteTime(member.ends_at, writer);
  writer->String(member.fingerprint);
  writer->String(member.episode_id);
  writer->Fixed(member.value);
  writer->Fixed(member.threshold);
  writer->String(member.summary);
  writer->String(member.condition);
}

NoticeMember ReadMember(ByteReader* reader) {
  NoticeMember member;
  member.labels = ReadLabels(reader);
  member.annotations = ReadLabels(reader);
  member.state = reader->Fixed<storage::AlertState>();
  member.severity = reader->Fixed<Severity>();
  member.starts_at = ReadTime(reader);
  member.ends_at = ReadTime(reader);
  member.fingerprint = reader->String();
  member.episode_id = reader->String();
  member.value = reader->Fixed<double>();
  member.threshold = reader->Fixed<double>();
  member.summary = reader->String();
  member.condition = reader->String();
  return member;
}

}  // namespace barograph::rules
