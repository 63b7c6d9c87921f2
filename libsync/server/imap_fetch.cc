// FETCH (RFC 9051, section 6.4.5). The items are in imap_fetch_items.cc and in the files of the extensions.
#include "libsync/server/imap_fetch.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "libsync/base/text.h"
#include "libsync/server/imap_commands.h"
#include "libsync/server/imap_modseq.h"
#include "libsync/server/imap_text.h"

namespace libsync::server {
namespace {

constexpr uint64_t kBatch = 1000;         // rows at a time
constexpr uint64_t kBatchOfOctets = 100;  // the same where \Seen may be set for them
constexpr uint64_t kPiece = 1 << 20;      // where Mail::read() costs least, at multiples of it
constexpr uint64_t kHeaderPiece = 16 * 1024;

}  // namespace

void FetchTarget::begin(const MessageRow& row) {
  row_ = row;
  held_.clear();
  shown_.clear();
  header_.reset();
  message_.reset();
  whole_.reset();
}

void FetchTarget::raw(std::string_view text) {
  held_ += text;
  if (imap_.traces()) shown_ += text;
}

void FetchTarget::text(std::string_view octets) {
  held_ += octets;
  if (imap_.traces()) shown_ += fmt::format("({} octets)", with_separators(octets.size()));
}

void FetchTarget::last() {
  message_.reset();
  whole_.reset();
}

void FetchTarget::put() {
  imap_.put(held_, shown_);
  held_.clear();
  shown_.clear();
}

void FetchTarget::discard() {
  held_.clear();
  shown_.clear();
}

void FetchTarget::stream(mime::Span span) {
  literal_head(fmt::format("{{{}}}\r\n", span.length));
  // What would be held back is to stay small, however often it is asked for.
  if (whole_ && held_.size() + span.length <= imap_.limits().output) {
    return text(std::string_view(*whole_).substr(span.offset, span.length));
  }
  put();
  imap_.put({}, fmt::format("({} octets)", with_separators(span.length)));
  at_ = span.offset;
  left_ = span.length;
}

Status FetchTarget::pump() {
  if (whole_) {
    const uint64_t length = std::min<uint64_t>(left_, imap_.limits().output);
    imap_.put(std::string_view(*whole_).substr(at_, length), {});
    at_ += length;
    left_ -= length;
    return {};
  }
  TB_ASSIGN(const std::string piece, imap_.mail().read(row_.content, at_, std::min(left_, kPiece - at_ % kPiece)));
  if (piece.empty()) return fail(Errc::Corrupt, "the message ends before its size");
  imap_.put(piece, {});
  at_ += piece.size();
  left_ -= std::min<uint64_t>(left_, piece.size());
  return {};
}

// Where mime::parse() has its end, so that BODY[TEXT] is the same whether the message was taken apart or not.
Result<std::string_view> FetchTarget::header() {
  if (header_) return std::string_view(*header_);
  std::string octets;
  std::optional<uint64_t> length;
  while (!length) {
    if (octets.size() > kMaxWhole) return fail(Errc::Limit, "the header is too large");
    const uint64_t most = std::max<uint64_t>(kHeaderPiece, octets.size());
    TB_ASSIGN(const std::string piece, imap_.mail().read(row_.content, octets.size(), most));
    octets += piece;
    length = header_length(octets, piece.empty() || octets.size() >= row_.size);
  }
  octets.resize(static_cast<size_t>(*length));
  header_ = std::move(octets);
  return std::string_view(*header_);
}

Result<const mime::Message*> FetchTarget::message() {
  if (message_) return &*message_;
  if (row_.size > kMaxWhole) return fail(Errc::Limit, "the message is too large to be taken apart");
  std::string octets;
  octets.reserve(static_cast<size_t>(row_.size));
  while (octets.size() < row_.size) {
    TB_ASSIGN(const std::string piece, imap_.mail().read(row_.content, octets.size(), 1 << 20));
    if (piece.empty()) break;
    octets += piece;
  }
  whole_ = std::move(octets);
  message_ = mime::parse(*whole_);
  return &*message_;
}

namespace {

class FetchWork final : public Work {
 public:
  FetchWork(Imap& imap, std::vector<FetchItem> items, imap::SequenceSet uids, bool uid, std::optional<uint64_t> since)
      : target_(imap), items_(std::move(items)), uids_(std::move(uids)), uid_(uid), since_(since) {
    for (const FetchItem& item : items_) {
      if (item.row->of != FetchRow::Of::Flags) want_ = Want::Facts;
      marks_seen_ = marks_seen_ || !item.peek;
    }
    const Selected& s = imap.selected();
    marks_seen_ = marks_seen_ && !s.read_only && imap.mail().writable_in(s.path) != Writable::Nothing;
  }

  void without_answer() { answers_ = false; }

  bool more(Imap& imap) override {
    if (target_.streams()) return pump(imap);
    if (item_ == 0 && next_ == rows_.size() && !load(imap)) return true;
    write(imap);
    return imap.over();
  }

 private:
  // The next rows; false: that was all, and it was answered.
  bool load(Imap& imap) {
    rows_.clear();
    next_ = 0;
    while (rows_.empty()) {
      const imap::SequenceSet batch = take(marks_seen_ ? kBatchOfOctets : kBatch);
      if (batch.empty()) {
        finish(imap);
        return false;
      }
      uint64_t found = 0;
      const Status read =
          imap.mail().rows(imap.selected().id, batch, want_, [&](const MessageRow& row, const Columns&) {
            ++found;
            if (!since_ || row.modseq > *since_) rows_.push_back(row);
            return true;
          });
      if (!read) {
        failed_ = read.error();
        finish(imap);
        return false;
      }
      if (found != batch.count()) some_gone_ = true;
      if (marks_seen_ && !mark_seen(imap)) return false;
    }
    return true;
  }

  imap::SequenceSet take(uint64_t most) {
    imap::SequenceSet batch;
    const auto& ranges = uids_.ranges();
    for (; most > 0 && range_ < ranges.size(); ++range_, offset_ = 0) {
      const uint64_t first = ranges[range_].first + offset_;
      const uint64_t last = std::min<uint64_t>(ranges[range_].last, first + most - 1);
      batch.add(static_cast<uint32_t>(first), static_cast<uint32_t>(last));
      most -= last - first + 1;
      if (last < ranges[range_].last) {
        offset_ = last + 1 - ranges[range_].first;
        break;
      }
    }
    return batch;
  }

  // RFC 9051, section 6.4.5: who reads a message without PEEK has seen it, and is told so with it.
  bool mark_seen(Imap& imap) {
    imap::SequenceSet unseen;
    for (const MessageRow& row : rows_) {
      if ((row.flags.system & sync::kSeen) == 0) unseen.add(row.uid);
    }
    if (unseen.empty()) return true;
    const auto stored =
        imap.mail().change_flags(imap.selected().id, unseen, FlagChange::Add, {.system = sync::kSeen}, std::nullopt);
    if (!stored) {
      failed_ = stored.error();
      finish(imap);
      return false;
    }
    for (const MessageRow& now : stored->rows) {
      const auto row = std::ranges::lower_bound(rows_, now.uid, {}, &MessageRow::uid);
      if (row == rows_.end() || row->uid != now.uid) continue;
      row->flags = now.flags;
      row->modseq = now.modseq;
      imap.selected().own[now.uid] = now.modseq;
      newly_seen_.add(now.uid);
    }
    return true;
  }

  void write(Imap& imap) {
    const MessageRow& row = rows_[next_];
    if (item_ == 0) {
      const auto number = imap.selected().uids.number_of(row.uid);
      if (!number) {
        ++next_;
        return;
      }
      target_.begin(row);
      imap.tell_keywords(row.flags);
      target_.raw(fmt::format("* {} FETCH (", *number));
    }
    while (item_ < items_.size()) {
      const FetchItem& item = items_[item_];
      if (item_++ > 0) target_.raw(" ");
      if (const Status written = item.row->write(target_, item); !written) return give_up(imap, written.error());
      if (target_.streams()) {
        if (item_ == items_.size()) target_.last();
        return;
      }
      // Many items of a large message: what is ready goes out before there is more.
      if (target_.held() > kPiece) return target_.put();
    }
    if (newly_seen_.contains(row.uid) && !asks(items_, "FLAGS")) {
      target_.raw(" FLAGS " + flag_list(row.flags));
      if (imap.wants_modseq() && !asks(items_, "MODSEQ")) target_.raw(fmt::format(" MODSEQ ({})", row.modseq));
    }
    target_.raw(")");
    target_.put();
    imap.end_line();
    ++next_;
    item_ = 0;
  }

  bool pump(Imap& imap) {
    if (const Status pumped = target_.pump(); !pumped) {
      imap.close();
      return true;
    }
    return false;
  }

  // Of a message whose octets can't be had: what went out of it already can't be taken back.
  void give_up(Imap& imap, const Error& error) {
    if (!failed_) failed_ = error;
    target_.discard();
    if (imap.in_line()) return imap.close();
    ++next_;
    item_ = 0;
  }

  void finish(Imap& imap) {
    if (!answers_) return;
    if (failed_) return imap.refuse(*failed_);
    // RFC 2180, section 4.1.2: numbers are still those of messages that went.
    if (some_gone_ && !uid_) return imap.no("some of them are gone", "EXPUNGEISSUED");
    imap.ok("done");
  }

  FetchTarget target_;
  std::vector<FetchItem> items_;
  imap::SequenceSet uids_;
  bool uid_;
  bool answers_ = true;
  std::optional<uint64_t> since_;
  Want want_ = Want::Flags;
  bool marks_seen_ = false, some_gone_ = false;
  size_t range_ = 0;
  uint64_t offset_ = 0;
  std::vector<MessageRow> rows_;
  size_t next_ = 0, item_ = 0;
  imap::SequenceSet newly_seen_;
  std::optional<Error> failed_;
};

const FetchRow* find(const Imap& imap, std::string_view name) {
  for (const Extension* each : extensions()) {
    if (!imap.has(each->id)) continue;
    for (const FetchRow& row : each->fetch) {
      if (iequals(row.name, name)) return &row;
    }
  }
  return nullptr;
}

bool add_item(Imap& imap, std::string_view name, imap::Parser* in, std::vector<FetchItem>& items) {
  FetchItem item{.row = find(imap, name)};
  if (item.row == nullptr || items.size() >= kMaxFetchItems) return false;
  if (item.row->parse != nullptr && in != nullptr && !item.row->parse(*in, item)) return false;
  items.push_back(std::move(item));
  return true;
}

bool read_item(Imap& imap, imap::Parser& in, std::vector<FetchItem>& items) {
  const std::string_view rest = in.rest();
  const std::string_view name = rest.substr(0, rest.find_first_of(" []()<"));
  in.seek(in.offset() + name.size());
  return add_item(imap, name, &in, items) || in.malformed("no such item");
}

bool read_macro(Imap& imap, imap::Parser& in, std::vector<FetchItem>& items) {
  const std::string_view name = in.rest().substr(0, in.rest().find(' '));
  const bool full = iequals(name, "FULL");
  const bool all = full || iequals(name, "ALL");
  if (!all && !iequals(name, "FAST")) return false;
  in.seek(in.offset() + name.size());
  for (const char* each : {"FLAGS", "INTERNALDATE", "RFC822.SIZE"}) add_item(imap, each, nullptr, items);
  if (all) add_item(imap, "ENVELOPE", nullptr, items);
  if (full && add_item(imap, "BODY", nullptr, items)) items.back().structure = true;
  return true;
}

}  // namespace

bool asks(const std::vector<FetchItem>& items, std::string_view name) {
  return std::ranges::any_of(items, [&](const FetchItem& item) { return item.row->name == name; });
}

bool read_fetch_items(Imap& imap, imap::Parser& in, std::vector<FetchItem>& items) {
  if (in.peek() == '(') return in.expect_list([&] { return read_item(imap, in, items); });
  return read_macro(imap, in, items) || read_item(imap, in, items);
}

std::unique_ptr<Work> fetch_untagged(Imap& imap, const std::vector<FetchItem>& items, imap::SequenceSet uids) {
  std::vector<FetchItem> all = items;
  if (!asks(all, "UID")) all.insert(all.begin(), FetchItem{.row = find(imap, "UID")});
  auto work = std::make_unique<FetchWork>(imap, std::move(all), std::move(uids), true, std::nullopt);
  work->without_answer();
  return work;
}

void run_fetch(Imap& imap, imap::Parser& in, bool uid) {
  if (!in.space()) return imap.bad("FETCH set (items)");
  imap::SequenceSet named;
  const auto uids = read_messages(imap, in, uid, &named);
  if (!uids) return;
  std::vector<FetchItem> items;
  if (!in.space() || !read_fetch_items(imap, in, items)) return imap.bad(in.why());
  std::optional<ChangedSince> since;
  if (in.space() && !read_changed_since(imap, in, uid, since)) return imap.bad(in.why());
  if (!expect_end(imap, in)) return;
  if (items.empty()) return imap.bad("which items?");
  if (asks(items, "MODSEQ")) imap.enable(Ext::Condstore);
  if (uid && !asks(items, "UID")) items.insert(items.begin(), FetchItem{.row = find(imap, "UID")});
  if (since && !asks(items, "MODSEQ")) items.push_back({.row = find(imap, "MODSEQ")});
  if (since && since->vanished) tell_vanished_since(imap, named, since->modseq);
  imap.work(std::make_unique<FetchWork>(imap, std::move(items), *uids, uid,
                                        since ? std::optional(since->modseq) : std::nullopt));
}

}  // namespace libsync::server
