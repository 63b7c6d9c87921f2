// What was found damaged, noted where the next sync looks for it.
#include "libsync/base/words.h"
#include "libsync/store/store_impl.h"

namespace libsync::store {
namespace {

constexpr size_t kFindingsAtOnce = 500;  // one transaction, one fsync

Status note_findings(Db& db, const std::vector<ContentRow>& damaged, const std::vector<ContentId>& whole, int64_t now) {
  TB_ASSIGN(auto transaction, Transaction::begin(db));
  for (const ContentRow& row : damaged) {
    // Only if it is where it was read: a sync may have mended it meanwhile.
    TB_ASSIGN(auto s, db.prepare("INSERT OR IGNORE INTO damaged(content, found) SELECT id, ?4 FROM content"
                                 " WHERE id=?1 AND segment=?2 AND offset=?3"));
    TB_TRY(s.bind(row.id, row.place.segment, row.place.offset, now).run());
  }
  for (const ContentId id : whole) TB_TRY(forget_damage(db, id));
  return transaction.commit();
}

}  // namespace

void StoreImpl::found_damaged(const ContentRow& row) {
  damaged_.push_back(row);
  if (damaged_.size() >= kFindingsAtOnce) write_findings();
}

void StoreImpl::found_whole(ContentId id) { whole_.push_back(id); }

void StoreImpl::write_findings() {
  if (db_ == nullptr || (damaged_.empty() && whole_.empty())) return;
  const auto damaged = std::exchange(damaged_, {});
  const auto whole = std::exchange(whole_, {});
  if (!read_only()) {
    (void)note_findings(*db_, damaged, whole, now());
    return;
  }
  const auto writable = Db::open(database_path(directory_), DbMode::ReadWrite, options_.busy_ms);
  if (writable) (void)note_findings(**writable, damaged, whole, now());
}

Result<Damage> StoreImpl::damage() {
  TB_ASSIGN(auto s, db_->prepare("SELECT coalesce(sum(d.lost=0),0), coalesce(sum(d.lost),0) FROM damaged d"
                                 " JOIN message m ON m.content=d.content"));
  TB_TRY(s.step());
  return Damage{.waiting = static_cast<uint64_t>(s.integer(0)), .lost = static_cast<uint64_t>(s.integer(1))};
}

Result<std::vector<Sha256Digest>> StoreImpl::damaged_contents() {
  write_findings();
  // Ordered by the small table: by c.id, SQLite would read all of the large one, at each sync.
  TB_ASSIGN(auto s, db_->prepare("SELECT c.sha256 FROM damaged d JOIN content c ON c.id=d.content ORDER BY d.content"));
  std::vector<Sha256Digest> found;
  while (true) {
    TB_ASSIGN(const bool row, s.step());
    if (!row) return found;
    found.push_back(digest_of(s.text(0)));
  }
}

Result<uint64_t> StoreImpl::note_lost(std::span<const Sha256Digest> lost) {
  TB_TRY(require_writable());
  TB_ASSIGN(auto transaction, Transaction::begin(*db_));
  TB_ASSIGN(const Damage before, damage());
  TB_ASSIGN(auto none, db_->prepare("UPDATE damaged SET lost=0 WHERE lost<>0"));
  TB_TRY(none.run());
  for (const Sha256Digest& digest : lost) {
    TB_ASSIGN(auto s, db_->prepare("UPDATE damaged SET lost=1 WHERE content=(SELECT id FROM content WHERE sha256=?)"));
    TB_TRY(s.bind(Blob{bytes_of(digest)}).run());
  }
  TB_ASSIGN(const Damage after, damage());
  TB_TRY(transaction.commit());
  return after.lost > before.lost ? after.lost - before.lost : 0;
}

uint64_t StoreImpl::restore_headers() {
  uint64_t restored = 0;
  const auto numbers = contents_.on_disk();
  if (!numbers) return 0;
  for (const uint32_t number : *numbers) {
    if (contents_.restore_header(number).value_or(false)) ++restored;
  }
  return restored;
}

}  // namespace libsync::store
