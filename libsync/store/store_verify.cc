#include <set>

#include "libsync/base/text.h"
#include "libsync/base/words.h"
#include "libsync/store/store_impl.h"
#include "libsync/sync/path.h"

namespace libsync::store {
namespace {

constexpr size_t kMaxMessagesNamed = 100;

class Verifier {
 public:
  Verifier(StoreImpl& store, const ProgressFn& progress, std::stop_token stop)
      : store_(store), db_(store.db()), progress_(progress), stop_(std::move(stop)) {}

  Result<VerifyReport> run() {
    TB_TRY(check_database());
    TB_TRY(check_segments());
    TB_TRY(check_contents());
    TB_TRY(check_messages());
    TB_TRY(check_counts());
    return std::move(report_);
  }

 private:
  void add(ProblemKind kind, std::string text, std::vector<MessageId> messages = {}, bool harmless = false) {
    ++report_.problems_total;
    if (report_.problems.size() >= kMaxProblems) return;
    report_.problems.push_back(
        {.kind = kind, .harmless = harmless, .text = std::move(text), .messages = std::move(messages)});
  }

  Status check_database() {
    TB_ASSIGN(auto s, db_.prepare("PRAGMA integrity_check(20)"));
    while (true) {
      TB_ASSIGN(const bool row, s.step());
      if (!row) return {};
      if (s.text(0) != "ok") add(ProblemKind::Database, say("twin.db: {}", s.text(0)));
    }
  }

  Status check_segments() {
    std::set<uint32_t> known;
    TB_ASSIGN(auto s, db_.prepare("SELECT id, length FROM segment ORDER BY id"));
    while (true) {
      TB_ASSIGN(const bool row, s.step());
      if (!row) break;
      const auto number = static_cast<uint32_t>(s.integer(0));
      known.insert(number);
      if (s.integer(1) == 0) continue;  // condemned by a compact that did not come to its end
      check_segment(number, static_cast<uint64_t>(s.integer(1)));
    }
    TB_ASSIGN(const auto there, store_.contents().on_disk());
    for (const uint32_t number : there) {
      if (known.contains(number)) continue;
      add(ProblemKind::OrphanSegment, say("{}: nothing points into it", store_.contents().path(number)), {}, true);
    }
    return {};
  }

  void check_segment(uint32_t number, uint64_t length) {
    const std::string path = store_.contents().path(number);
    const auto segment = store_.contents().open(number);
    if (!segment && segment.error().code == Errc::NotFound) {
      return add(ProblemKind::MissingSegment, say("{}: missing", path));
    }
    if (!segment) return add(ProblemKind::Frame, segment.error().text());
    if ((*segment)->header_damaged) {
      add(ProblemKind::Frame, say("{}: its header is damaged; the messages in it can be read", path));
    }
    const auto size = (*segment)->file->size();
    if (!size) return add(ProblemKind::Frame, size.error().text());
    if (*size < length) add(ProblemKind::Frame, say("{}: its end is missing, {}", path, human_size(length - *size)));
    if (*size > length) {
      add(ProblemKind::TornTail, say("{}: {} behind its last message", path, human_size(*size - length)), {}, true);
    }
  }

  Status check_contents() {
    Progress progress;
    {
      TB_ASSIGN(auto s, db_.prepare("SELECT count(*), coalesce(sum(size),0) FROM content"));
      TB_TRY(s.step());
      progress.total = static_cast<uint64_t>(s.integer(0));
      progress.octets_total = static_cast<uint64_t>(s.integer(1));
    }
    // In the order of the disk. The query has ended before a content is read: while one is open, this connection
    // sees the places of before a compact that goes on beside it.
    std::vector<std::pair<ContentId, uint64_t>> contents;
    {
      TB_ASSIGN(auto s, db_.prepare("SELECT id, size FROM content ORDER BY segment, offset"));
      while (true) {
        TB_ASSIGN(const bool row, s.step());
        if (!row) break;
        contents.emplace_back(s.integer(0), static_cast<uint64_t>(s.integer(1)));
      }
    }
    for (const auto& [id, size] : contents) {
      if (stop_.stop_requested()) return fail(Errc::Cancelled, std::string(word("stopped")));
      TB_TRY(check_content(id));
      progress.octets += size;
      report_.octets = progress.octets;
      report_.contents = ++progress.done;
      if (progress_) progress_(progress);
    }
    return {};
  }

  Status check_content(ContentId id) {
    const auto read = store_.stream(id, [&](std::string_view) { return !stop_.stop_requested(); }, true);
    if (read || read.error().code == Errc::NotFound) return {};  // compacted away meanwhile
    TB_ASSIGN(auto messages, messages_of(id));
    const auto row = content_row(db_, id);
    const bool segment_there = row && *row && store_.fs().exists(store_.contents().path((*row)->place.segment));
    add(segment_there ? ProblemKind::Hash : ProblemKind::MissingSegment, read.error().text(), std::move(messages));
    return {};
  }

  Result<std::vector<MessageId>> messages_of(ContentId id) {
    TB_ASSIGN(auto s, db_.prepare("SELECT id FROM message WHERE content=? ORDER BY id LIMIT ?"));
    s.bind(id, kMaxMessagesNamed);
    std::vector<MessageId> messages;
    while (true) {
      TB_ASSIGN(const bool row, s.step());
      if (!row) return messages;
      messages.push_back(s.integer(0));
    }
  }

  Status check_messages() {
    TB_ASSIGN(auto count, db_.prepare("SELECT count(*) FROM message"));
    TB_TRY(count.step());
    report_.messages = static_cast<uint64_t>(count.integer(0));
    TB_ASSIGN(auto s, db_.prepare("SELECT id FROM message WHERE content NOT IN (SELECT id FROM content)"));
    while (true) {
      TB_ASSIGN(const bool row, s.step());
      if (!row) return {};
      add(ProblemKind::MissingContent, say("message {}: its content is not known", s.integer(0)), {s.integer(0)});
    }
  }

  Status check_counts() {
    TB_ASSIGN(auto s,
              db_.prepare("SELECT b.path, b.messages, count(m.id) FROM mailbox b"
                          " LEFT JOIN message m ON m.mailbox=b.id GROUP BY b.id"
                          " HAVING b.messages<>count(m.id) OR b.unseen<>count(m.id)-coalesce(sum(m.flags&1),0)"));
    while (true) {
      TB_ASSIGN(const bool row, s.step());
      if (!row) return {};
      add(ProblemKind::Counts,
          say("folder {}: the number of its messages should be {} and is {}", s.text(0), s.integer(2), s.integer(1)));
    }
  }

  StoreImpl& store_;
  Db& db_;
  const ProgressFn& progress_;
  std::stop_token stop_;
  VerifyReport report_;
};

}  // namespace

bool VerifyReport::ok() const {
  for (const Problem& problem : problems) {
    if (!problem.harmless) return false;
  }
  return problems_total == problems.size();
}

Result<VerifyReport> StoreImpl::verify(const ProgressFn& progress, std::stop_token stop) {
  return Verifier(*this, progress, std::move(stop)).run();
}

}  // namespace libsync::store
