#include <algorithm>
#include <map>
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
    TB_TRY(load_noted());
    TB_TRY(check_segments());
    TB_TRY(check_contents());
    TB_TRY(check_messages());
    TB_TRY(check_counts());
    return std::move(report_);
  }

 private:
  void add(Problem problem) {
    ++report_.problems_total;
    if (report_.problems.size() < kMaxProblems) report_.problems.push_back(std::move(problem));
  }
  void add(ProblemKind kind, std::string text, bool harmless = false) {
    add({.kind = kind, .harmless = harmless, .text = std::move(text)});
  }

  // What was found damaged before, and whether the server had it no more.
  Status load_noted() {
    TB_ASSIGN(auto s, db_.prepare("SELECT content, lost FROM damaged"));
    while (true) {
      TB_ASSIGN(const bool row, s.step());
      if (!row) return {};
      noted_.emplace(s.integer(0), s.integer(1) != 0);
    }
  }

  // The end of the last frame that a row points at; 0 if none does.
  Result<uint64_t> reach_of(uint32_t number) {
    TB_ASSIGN(auto s, db_.prepare("SELECT coalesce(max(offset+stored),0) FROM content WHERE segment=?"));
    TB_TRY(s.bind(number).step());
    return static_cast<uint64_t>(s.integer(0));
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
      TB_TRY(check_segment(number, static_cast<uint64_t>(s.integer(1))));
    }
    TB_ASSIGN(const auto there, store_.contents().on_disk());
    for (const uint32_t number : there) {
      if (!known.contains(number)) TB_TRY(check_orphan(number));
    }
    return {};
  }

  // Damage to what no row points at any more (it was fetched again) is harmless; compact takes it away.
  Status check_segment(uint32_t number, uint64_t length) {
    const std::string path = store_.contents().path(number);
    const auto segment = store_.contents().open(number);
    const auto size = segment ? (*segment)->file->size() : Result<uint64_t>(0);
    const bool sound = segment && !(*segment)->header_damaged && size && *size >= length;
    if (sound && *size == length) return {};
    TB_ASSIGN(const uint64_t reach, reach_of(number));
    if (!segment && segment.error().code == Errc::NotFound) {
      add(ProblemKind::MissingSegment, say("{}: missing", path), reach == 0);
      return {};
    }
    if (!segment || !size) {
      add(ProblemKind::Frame, (segment ? size.error() : segment.error()).what, reach == 0);
      return {};
    }
    if ((*segment)->header_damaged) {
      add(ProblemKind::Frame, say("{}: its header is damaged; the messages in it can be read", path), reach == 0);
    }
    if (*size < length) {
      add(ProblemKind::Frame, say("{}: its end is missing, {}", path, human_size(length - *size)), reach <= *size);
    }
    if (*size > length) {
      add(ProblemKind::TornTail, say("{}: {} behind its last message", path, human_size(*size - length)), true);
    }
    return {};
  }

  // What nobody knows of may be the only copy of something.
  Status check_orphan(uint32_t number) {
    const std::string path = store_.contents().path(number);
    const auto segment = store_.contents().open(number);
    if (segment) {
      add(ProblemKind::OrphanSegment, say("{}: nothing points into it", path), true);
      return {};
    }
    if (segment.error().code == Errc::NotFound) return {};  // compacted away meanwhile
    const auto file = store_.fs().open(path, OpenMode::Read);
    const auto size = file ? (*file)->size() : Result<uint64_t>(0);
    const bool nothing_in_it = file && size && *size <= kSegmentHeaderBytes;  // a writer died while it made the file
    add(ProblemKind::OrphanSegment,
        say("{}; the index does not know what was in it{}", segment.error().what,
            nothing_in_it ? ""
                          : say(": once a sync has brought what the server still has, "
                                "move it away: mv {0} {0}.unreadable",
                                path)),
        nothing_in_it);
    return {};
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
    const auto noted = noted_.find(id);
    if (read && noted != noted_.end() && !stop_.stop_requested()) store_.found_whole(id);
    if (read || read.error().code == Errc::NotFound) return {};  // compacted away meanwhile
    TB_ASSIGN(auto messages, messages_of(id));
    const auto row = content_row(db_, id);
    const bool segment_there = row && *row && store_.fs().exists(store_.contents().path((*row)->place.segment));
    add({.kind = segment_there ? ProblemKind::Hash : ProblemKind::MissingSegment,
         .text = read.error().what,
         .messages = std::move(messages),
         .lost = noted != noted_.end() && noted->second});
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
      add({.kind = ProblemKind::MissingContent,
           .text = say("message {}: its content is not known", s.integer(0)),
           .messages = {s.integer(0)}});
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
  std::map<ContentId, bool> noted_;  // as damaged; true: and as lost
  VerifyReport report_;
};

}  // namespace

bool VerifyReport::ok() const {
  for (const Problem& problem : problems) {
    if (!problem.harmless) return false;
  }
  return problems_total == problems.size();
}

bool VerifyReport::index_damaged() const {
  return std::ranges::any_of(problems, [](const Problem& problem) {
    return problem.kind == ProblemKind::Database || problem.kind == ProblemKind::MissingContent ||
           problem.kind == ProblemKind::Counts;
  });
}

Result<VerifyReport> StoreImpl::verify(const ProgressFn& progress, std::stop_token stop) {
  auto report = Verifier(*this, progress, std::move(stop)).run();
  write_findings();
  return report;
}

}  // namespace libsync::store
