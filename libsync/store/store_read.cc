#include <algorithm>

#include "libsync/base/words.h"
#include "libsync/store/store_impl.h"
#include "libsync/sync/path.h"

namespace libsync::store {
namespace {

constexpr uint64_t kMaxHeader = 1 << 20;  // what header() gives of one message

template <class Row>
Result<std::optional<Row>> first(Statement& s, Row (*read)(const Statement&)) {
  TB_ASSIGN(const bool row, s.step());
  if (!row) return std::nullopt;
  return read(s);
}

}  // namespace

Result<std::vector<MailboxInfo>> StoreImpl::mailboxes() {
  TB_ASSIGN(auto s, db_->prepare("SELECT " TB_MAILBOX_COLUMNS
                                 " FROM mailbox ORDER BY path<>'INBOX', path COLLATE NOCASE, path"));
  std::vector<MailboxInfo> boxes;
  while (true) {
    TB_ASSIGN(const bool row, s.step());
    if (!row) return boxes;
    boxes.push_back(read_mailbox(s));
  }
}

Result<std::optional<MailboxInfo>> StoreImpl::mailbox(MailboxId id) {
  TB_ASSIGN(auto s, db_->prepare("SELECT " TB_MAILBOX_COLUMNS " FROM mailbox WHERE id=?"));
  s.bind(id);
  return first(s, read_mailbox);
}

Result<std::optional<MailboxInfo>> StoreImpl::find_mailbox(const sync::Path& path) {
  TB_ASSIGN(auto s, db_->prepare("SELECT " TB_MAILBOX_COLUMNS " FROM mailbox WHERE path=?"));
  s.bind(sync::encode_path(path));
  return first(s, read_mailbox);
}

Result<std::optional<MessageInfo>> StoreImpl::message(MessageId id) {
  TB_ASSIGN(auto s,
            db_->prepare("SELECT " TB_MESSAGE_COLUMNS " FROM message m JOIN content c ON c.id=m.content WHERE m.id=?"));
  s.bind(id);
  return first(s, read_message);
}

Status StoreImpl::list(const ListOptions& options, const MessageVisitor& visit) {
  std::string sql = "SELECT id FROM message WHERE ";
  // Each condition is one that an index serves.
  sql += options.removed ? "removed_at IS NOT NULL" : "mailbox IS NOT NULL";
  if (options.mailbox && !options.removed) sql += " AND mailbox=?3";
  const bool by_uid = options.order == ListOrder::Uid && !options.removed;
  sql += by_uid ? " ORDER BY mailbox, uid" : " ORDER BY internaldate DESC, id DESC";
  sql += " LIMIT ?1 OFFSET ?2";
  // The query has ended before the visitor reads a content: while one is open, this connection sees the places
  // of before a compact that goes on beside it.
  std::vector<MessageId> ids;
  {
    TB_ASSIGN(auto s, db_->prepare(sql));
    s.bind(std::min<uint64_t>(options.limit, INT64_MAX), std::min<uint64_t>(options.offset, INT64_MAX));
    if (options.mailbox && !options.removed) s.bind_at(2, *options.mailbox);
    while (true) {
      TB_ASSIGN(const bool row, s.step());
      if (!row) break;
      ids.push_back(s.integer(0));
    }
  }
  for (const MessageId id : ids) {
    TB_ASSIGN(const auto info, message(id));
    if (info && !visit(*info)) return {};
  }
  return {};
}

Result<Store::Sizes> StoreImpl::sizes() {
  TB_ASSIGN(auto s, db_->prepare("SELECT count(*), coalesce(sum(size),0) FROM content"));
  TB_TRY(s.step());
  Sizes sizes{.contents = static_cast<uint64_t>(s.integer(0)), .octets = static_cast<uint64_t>(s.integer(1))};
  TB_ASSIGN(auto lengths, db_->prepare("SELECT coalesce(sum(length),0) FROM segment"));
  TB_TRY(lengths.step());
  sizes.stored = static_cast<uint64_t>(lengths.integer(0));
  return sizes;
}

Status StoreImpl::at_place(ContentId id, const std::function<Status(const ContentRow&, FrameReader&)>& read) {
  TB_ASSIGN(auto row, content_row(*db_, id));
  if (!row) return fail(Errc::NotFound, say("no content {}", id));
  auto reader = contents_.read(row->place);
  if (!reader) {
    // compact may have moved it between the two looks.
    TB_ASSIGN(row, content_row(*db_, id));
    if (!row) return fail(Errc::NotFound, say("no content {}", id));
    reader = contents_.read(row->place);
  }
  Status status;
  if (reader) {
    status = read(*row, **reader);
  } else if (reader.error().code == Errc::NotFound) {
    status = fail(Errc::Corrupt, say("{}: the segment file is missing", contents_.path(row->place.segment)));
  } else {
    status = fail(reader.error());
  }
  // A file that can't be opened now may be tomorrow; one that can't be read where it was read once is damaged.
  const bool damaged =
      !status && (status.error().code == Errc::Corrupt || (reader && status.error().code == Errc::Disk));
  if (damaged) {
    found_damaged(*row);
    if (status.error().hint.empty()) status.error().hint = word("the next sync fetches it again, if the server has it");
  }
  return status;
}

Status StoreImpl::stream(ContentId id, const std::function<bool(std::string_view)>& sink, bool check) {
  return at_place(id, [&](const ContentRow& row, FrameReader& reader) -> Status {
    Sha256 hash;
    while (true) {
      TB_ASSIGN(const auto octets, reader.next());
      if (!octets) break;
      if (check) hash.update(*octets);
      if (!sink(*octets)) return {};
    }
    const bool same = reader.trailer().size == row.size && (!check || hash.finish() == row.sha256);
    if (same) return {};
    return fail(Errc::Corrupt, say("content {}: its octets are not those that were stored", id));
  });
}

Result<std::string> StoreImpl::content(ContentId id, uint64_t max_bytes) {
  TB_ASSIGN(const auto row, content_row(*db_, id));
  if (!row) return fail(Errc::NotFound, say("no content {}", id));
  if (row->size > max_bytes) {
    return fail(Errc::Limit, say("content {}: {} octets, more than the limit of {}", id, row->size, max_bytes));
  }
  std::string whole;
  whole.reserve(std::min<uint64_t>(row->size, kMaxWholeContent));
  TB_TRY(stream(
      id,
      [&](std::string_view octets) {
        whole += octets;
        return whole.size() <= max_bytes;
      },
      true));
  return whole;
}

Result<std::string> StoreImpl::range(ContentId id, uint64_t offset, uint64_t length) {
  std::string out;
  const auto collect = [&](const ContentRow& row, FrameReader& reader) -> Status {
    if (offset >= row.size) return {};
    length = std::min(length, row.size - offset);
    TB_ASSIGN(uint64_t at, reader.skip_to(offset));
    while (out.size() < length) {
      TB_ASSIGN(const auto octets, reader.next());
      if (!octets) break;
      out += octets->substr(offset > at ? offset - at : 0, length - out.size());
      at += octets->size();
    }
    return {};
  };
  TB_TRY(at_place(id, collect));
  return out;
}

Result<std::string> StoreImpl::header(ContentId id) {
  // Most headers are far smaller than a chunk: one read gives both.
  std::string head;
  TB_TRY(stream(
      id,
      [&](std::string_view octets) {
        head += octets.substr(0, kMaxHeader - head.size());
        return head.size() < kMaxHeader && header_of(head).size() == head.size();
      },
      false));
  head.resize(header_of(head).size());
  return head;
}

Result<std::optional<ContentId>> StoreImpl::find_content(const Sha256Digest& sha256) {
  TB_ASSIGN(const auto row, content_row(*db_, sha256));
  if (!row) return std::nullopt;
  return row->id;
}

// Prints are asked for by a sync behind a rebuild, or behind a writer that died, and by no other: it sorts them for
// itself, in a table that goes with the connection. Ids are never given again, so what came since is behind the last.
Status StoreImpl::note_prints() {
  if (!last_print_) {
    TB_TRY(
        db_->exec("CREATE TEMP TABLE print(print BLOB, content INTEGER, PRIMARY KEY(print, content)) WITHOUT ROWID"));
    last_print_ = 0;
  }
  TB_ASSIGN(auto newest, db_->prepare("SELECT coalesce(max(id),0) FROM content"));
  TB_TRY(newest.step());
  const ContentId until = newest.integer(0);
  if (until == *last_print_) return {};
  TB_ASSIGN(auto s, db_->prepare("INSERT OR IGNORE INTO temp.print SELECT print, id FROM content WHERE id>? AND id<=?"
                                 " ORDER BY print"));
  TB_TRY(s.bind(*last_print_, until).run());
  last_print_ = until;
  return {};
}

Result<std::vector<ContentId>> StoreImpl::find_print(const sync::Id& print) {
  std::vector<ContentId> found;
  const std::string bytes = unhex(print);
  if (bytes.empty()) return found;
  TB_TRY(note_prints());
  TB_ASSIGN(auto s, db_->prepare("SELECT c.id FROM temp.print p JOIN content c ON c.id=p.content AND c.print=p.print"
                                 " WHERE p.print=? ORDER BY c.id"));
  s.bind(Blob{bytes});
  while (true) {
    TB_ASSIGN(const bool row, s.step());
    if (!row) return found;
    found.push_back(s.integer(0));
  }
}

#define UNCLAIMED                                     \
  "FROM content c WHERE c.idle_since IS NOT NULL AND" \
  " NOT EXISTS (SELECT 1 FROM message m WHERE m.content=c.id)"

Result<std::optional<int64_t>> StoreImpl::unclaimed_since() {
  TB_ASSIGN(auto s, db_->prepare("SELECT min(c.idle_since) " UNCLAIMED));
  TB_TRY(s.step());
  return s.is_null(0) ? std::nullopt : std::optional(s.integer(0));
}

Result<uint64_t> StoreImpl::recover_unclaimed(const sync::Path& path) {
  std::vector<ContentId> contents;
  {
    TB_ASSIGN(auto s, db_->prepare("SELECT c.id " UNCLAIMED " ORDER BY c.id"));
    while (true) {
      TB_ASSIGN(const bool row, s.step());
      if (!row) break;
      contents.push_back(s.integer(0));
    }
  }
  TB_ASSIGN(auto write, begin());
  if (!contents.empty()) {
    TB_ASSIGN(const auto there, find_mailbox(path));
    MailboxId mailbox = there ? there->id : 0;
    if (mailbox == 0) {
      TB_ASSIGN(mailbox, write->create_mailbox(path));
    }
    for (const ContentId content : contents) TB_TRY(write->add_known(mailbox, content, {}, std::nullopt));
  }
  TB_TRY(db_->exec("UPDATE content SET idle_since=NULL WHERE idle_since IS NOT NULL"));
  TB_TRY(write->commit());
  return contents.size();
}

// --- runs ---

namespace {

#define RUN_COLUMNS                                                                                         \
  "id, started, finished, ok, error_code, error_text, added, flags, moved, removed, skipped, held, octets," \
  " bytes_in, bytes_out, round_trips, error_server, error_hint, error_retry, suspect, doubtful, refused"

Run read_run(const Statement& s) {
  const auto count = [&](int column) { return static_cast<uint64_t>(s.integer(column)); };
  return {.id = s.integer(0),
          .started = s.integer(1),
          .finished = s.integer(2),
          .ok = s.integer(3) != 0,
          .error = {.code = static_cast<Errc>(s.integer(4)),
                    .what = std::string(s.text(5)),
                    .server = std::string(s.text(16)),
                    .hint = std::string(s.text(17)),
                    .retry = s.integer(18) != 0},
          .added = count(6),
          .flags = count(7),
          .moved = count(8),
          .removed = count(9),
          .skipped = count(10),
          .held = count(11),
          .suspect = count(19),
          .doubtful = count(20),
          .refused = count(21),
          .octets = count(12),
          .bytes_in = count(13),
          .bytes_out = count(14),
          .round_trips = count(15)};
}

}  // namespace

Status StoreImpl::record_run(const Run& run) {
  TB_ASSIGN(auto transaction, Transaction::begin(*db_));
  TB_ASSIGN(auto s,
            db_->prepare("INSERT INTO run(" RUN_COLUMNS ") VALUES(NULL,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"));
  const Error& error = run.error;
  s.bind(run.started, run.finished, run.ok ? 1 : 0, run.ok ? 0 : static_cast<int>(error.code), error.what, run.added,
         run.flags, run.moved, run.removed, run.skipped, run.held, run.octets, run.bytes_in, run.bytes_out,
         run.round_trips, error.server, error.hint, error.retry ? 1 : 0, run.suspect, run.doubtful, run.refused);
  TB_TRY(s.run());
  TB_ASSIGN(auto trim, db_->prepare("DELETE FROM run WHERE id<=(SELECT max(id) FROM run)-?1"
                                    " AND id<>coalesce((SELECT max(id) FROM run WHERE ok=1),0)"));
  TB_TRY(trim.bind(kMaxRuns).run());
  return transaction.commit();
}

Result<std::vector<Run>> StoreImpl::runs(size_t limit) {
  TB_ASSIGN(auto s, db_->prepare("SELECT " RUN_COLUMNS " FROM run ORDER BY id DESC LIMIT ?"));
  s.bind(limit);
  std::vector<Run> runs;
  while (true) {
    TB_ASSIGN(const bool row, s.step());
    if (!row) return runs;
    runs.push_back(read_run(s));
  }
}

Result<std::optional<Run>> StoreImpl::last_success() {
  TB_ASSIGN(auto s, db_->prepare("SELECT " RUN_COLUMNS " FROM run WHERE ok=1 ORDER BY id DESC LIMIT 1"));
  return first(s, read_run);
}

}  // namespace libsync::store
