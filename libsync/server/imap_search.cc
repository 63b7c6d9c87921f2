// SEARCH (RFC 9051, section 6.4.4). The keys are in imap_search_keys.cc and in the files of the extensions.
#include "libsync/server/imap_search.h"

#include <algorithm>

#include <fmt/format.h>

#include "libsync/base/text.h"
#include "libsync/mime/body.h"
#include "libsync/mime/date.h"
#include "libsync/mime/encoded_word.h"
#include "libsync/server/imap_commands.h"
#include "libsync/server/imap_text.h"

namespace libsync::server {

// The subject

void SearchSubject::begin(const MessageRow& row, const Columns& columns) {
  target_.begin(row);
  columns_ = columns;
  header_text_.reset();
  body_text_.reset();
}

std::string_view SearchSubject::header() {
  const auto header = target_.header();
  if (header) return *header;
  if (!error_) error_ = header.error();
  return {};
}

std::optional<std::string> SearchSubject::field(std::string_view name) {
  std::optional<std::string> found;
  mime::FieldReader fields(header());
  mime::Field field;
  while (fields.next(field)) {
    if (!iequals(field.name, name)) continue;
    found = found ? *found + "\n" : std::string();
    *found += mime::decode_text(field.value, target_.converters());
  }
  return found;
}

const std::string& SearchSubject::header_text() {
  if (header_text_) return *header_text_;
  std::string& text = header_text_.emplace();
  mime::FieldReader fields(header());
  mime::Field field;
  while (fields.next(field)) {
    text.append(field.name).append(": ").append(mime::decode_text(field.value, target_.converters())).append("\n");
  }
  return text;
}

const std::string& SearchSubject::body_text() {
  if (body_text_) return *body_text_;
  std::string& text = body_text_.emplace();
  const auto message = target_.message();
  if (!message) {
    if (!error_) error_ = message.error();
    return text;
  }
  constexpr uint64_t kAll = 256ULL << 20;
  text = mime::text_of(**message, target_.converters(),
                       {.max_bytes = kAll, .max_source = kAll, .attachments = true, .both_alternatives = true});
  return text;
}

std::optional<int64_t> SearchSubject::sent_day() {
  mime::FieldReader fields(header());
  mime::Field field;
  while (fields.next(field)) {
    if (!iequals(field.name, "Date")) continue;
    const auto date = mime::parse_date(field.value);
    if (!date) return std::nullopt;
    return date->unix_seconds + int64_t{date->zone_minutes} * 60;
  }
  return std::nullopt;
}

// The answer

namespace {

struct SearchPlan {
  SearchKey program{};
  SearchReturn wanted{};
  imap::SequenceSet among{};  // UIDs
  bool uid = false, modseq = false;
  size_t keys = 0;
};

// What of the mailbox can match at all.
imap::SequenceSet candidates(const SearchKey& program, const imap::SequenceSet& all) {
  constexpr int kMostSets = 10;  // the others are asked of each message
  imap::SequenceSet left = all;
  int sets = 0;
  for (const SearchKey& key : program.keys) {
    if (key.matches == match_uids && ++sets <= kMostSets) left = both(left, key.uids);
  }
  return left;
}

class SearchWork final : public Work {
 public:
  SearchWork(Imap& imap, SearchPlan plan) : plan_(std::move(plan)), subject_(imap) {
    const auto cost = plan_.program.cost;
    want_ = cost == SearchKey::Cost::Flags     ? Want::Flags
            : cost == SearchKey::Cost::Columns ? Want::Columns
                                               : Want::Facts;
    reads_ = cost >= SearchKey::Cost::Header;
  }

  bool more(Imap& imap) override {
    if (next_row_ == rows_.size() && !load(imap)) return true;
    // Of what is read a few megabytes a turn, so that others have theirs.
    constexpr uint64_t kOctets = 4 << 20;
    for (uint64_t octets = 0; next_row_ < rows_.size() && octets < kOctets; ++next_row_) {
      octets += rows_[next_row_].size;
      look(rows_[next_row_], {});
    }
    if (!subject_.error()) return false;
    imap.refuse(*subject_.error());
    return true;
  }

 private:
  // The next messages; those of which nothing is read are asked at once. False: it was answered.
  bool load(Imap& imap) {
    constexpr uint64_t kCheap = 50'000, kDear = 100;  // messages a turn
    rows_.clear();
    next_row_ = 0;
    const imap::SequenceSet batch = take(reads_ ? kDear : std::max<uint64_t>(1, kCheap / (1 + plan_.keys / 16)));
    if (batch.empty()) {
      answer(imap);
      return false;
    }
    const Status read =
        imap.mail().rows(imap.selected().id, batch, want_, [&](const MessageRow& row, const Columns& columns) {
          // Nothing may be read in here, and a field that is too long to be at hand has to be.
          const bool all_columns = columns.subject && columns.from && columns.to && columns.cc;
          if (reads_ || (want_ == Want::Columns && !all_columns)) {
            rows_.push_back(row);
          } else {
            look(row, columns);
          }
          return true;
        });
    if (!read) imap.refuse(read.error());
    return read.has_value();
  }

  imap::SequenceSet take(uint64_t most) {
    imap::SequenceSet batch;
    const auto& ranges = plan_.among.ranges();
    while (most > 0 && range_ < ranges.size()) {
      const uint64_t first = std::max<uint64_t>(next_, ranges[range_].first);
      const uint64_t last = std::min<uint64_t>(ranges[range_].last, first + most - 1);
      batch.add(static_cast<uint32_t>(first), static_cast<uint32_t>(last));
      most -= last - first + 1;
      next_ = last + 1;
      if (last == ranges[range_].last) ++range_;
    }
    return batch;
  }

  void look(const MessageRow& row, const Columns& columns) {
    subject_.begin(row, columns);
    if (!plan_.program.matches(plan_.program, subject_)) return;
    if (found_.empty() || row.uid < first_uid_) first_uid_ = row.uid, first_modseq_ = row.modseq;
    if (found_.empty() || row.uid > last_uid_) last_uid_ = row.uid, last_modseq_ = row.modseq;
    found_.add(row.uid);
    modseq_ = std::max(modseq_, row.modseq);
  }

  void answer(Imap& imap) {
    Selected& s = imap.selected();
    const SearchReturn& wanted = plan_.wanted;
    if (wanted.save) s.saved = saved_of(wanted, found_);
    const imap::SequenceSet shown = plan_.uid ? found_ : s.uids.numbers_of(found_);
    if (wanted.extended || imap.rev2()) {
      const bool any = wanted.min || wanted.max || wanted.all || wanted.count;
      if (any || !wanted.save) tell_extended(imap, shown);
    } else {
      tell_plain(imap, shown);
    }
    imap.ok("done");
  }

  void tell_extended(Imap& imap, const imap::SequenceSet& shown) const {
    const SearchReturn& wanted = plan_.wanted;
    std::string text = fmt::format("ESEARCH (TAG \"{}\")", imap.tag());
    if (plan_.uid) text += " UID";
    const bool all = wanted.all || !wanted.extended;
    if (!shown.empty()) {
      if (wanted.min) text += fmt::format(" MIN {}", shown.ranges().front().first);
      if (wanted.max) text += fmt::format(" MAX {}", shown.ranges().back().last);
      if (all) text += " ALL " + shown.text();
    }
    if (wanted.count) text += fmt::format(" COUNT {}", shown.count());
    if (plan_.modseq && !shown.empty()) text += fmt::format(" MODSEQ {}", told_modseq(all || wanted.count));
    imap.untagged(text);
  }

  // RFC 4731, section 3.2: of the messages that are told.
  uint64_t told_modseq(bool of_all) const {
    const SearchReturn& wanted = plan_.wanted;
    if (of_all || (!wanted.min && !wanted.max)) return modseq_;
    return std::max(wanted.min ? first_modseq_ : 0, wanted.max ? last_modseq_ : 0);
  }

  void tell_plain(Imap& imap, const imap::SequenceSet& shown) const {
    std::string text = "SEARCH";
    for (const auto& range : shown.ranges()) {
      for (uint64_t number = range.first; number <= range.last; ++number) text += fmt::format(" {}", number);
    }
    // RFC 7162, section 3.1.5.
    if (plan_.modseq && !shown.empty()) text += fmt::format(" (MODSEQ {})", modseq_);
    imap.untagged(text);
  }

  SearchPlan plan_;
  SearchSubject subject_;
  Want want_ = Want::Flags;
  bool reads_ = false;
  std::vector<MessageRow> rows_;
  size_t next_row_ = 0, range_ = 0;
  uint64_t next_ = 0;
  imap::SequenceSet found_;
  uint32_t first_uid_ = 0, last_uid_ = 0;
  uint64_t modseq_ = 0, first_modseq_ = 0, last_modseq_ = 0;
};

// "CHARSET" SP name; false: it was answered.
bool read_charset(Imap& imap, imap::Parser& in, std::string& charset) {
  imap::Parser ahead = in;
  if (!ahead.space() || !iequals(ahead.atom(), "CHARSET")) return true;
  in.seek(ahead.offset());
  if (!in.space() || !in.astring(charset)) {
    imap.bad("CHARSET name");
    return false;
  }
  // RFC 6855, section 3: UTF-8 it is, and nothing else may be asked for.
  if (imap.enabled(Ext::Utf8Accept)) {
    imap.bad("everything is UTF-8 here");
    return false;
  }
  std::string probe;
  mime::Converters converters;
  if (converters.append(charset, "a", probe) == mime::Fit::Unknown) {
    imap.no("not known",
            "BADCHARSET (UTF-8 US-ASCII ISO-8859-1 GB18030 BIG5 ISO-2022-JP EUC-JP SHIFT_JIS EUC-KR KOI8-R)");
    return false;
  }
  return true;
}

}  // namespace

void run_search(Imap& imap, imap::Parser& in, bool uid) {
  SearchPlan plan{.uid = uid};
  imap::Parser ahead = in;
  if (imap.has(Ext::Esearch) && ahead.space() && iequals(ahead.atom(), "RETURN")) {
    in.seek(ahead.offset());
    if (!in.space() || !read_search_return(imap, in, plan.wanted)) return imap.bad(in.why());
  }
  std::string charset = "UTF-8";
  if (!read_charset(imap, in, charset)) return;
  SearchReader reader(imap, in, charset);
  if (!in.space() || !reader.keys(plan.program)) return imap.bad(in.why());
  if (!expect_end(imap, in)) return;
  plan.modseq = reader.wants_modseq();
  plan.keys = reader.count();
  if (plan.modseq) imap.enable(Ext::Condstore);
  plan.among = candidates(plan.program, imap.selected().uids.all());
  // RFC 5182, section 2.1: nothing is saved until there is a result.
  if (plan.wanted.save) imap.selected().saved.clear();
  imap.work(std::make_unique<SearchWork>(imap, std::move(plan)));
}

}  // namespace libsync::server
