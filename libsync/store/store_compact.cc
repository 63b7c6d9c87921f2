#include <algorithm>

#include "libsync/base/words.h"
#include "libsync/store/schema.h"
#include "libsync/store/store_impl.h"

namespace libsync::store {
namespace {

// A rewrite copies the rest of the segment: worth it from a quarter on.
constexpr uint64_t kWorthwhileShare = 4;

struct Live {
  ContentId id;
  FramePlace place;
};

class Compactor {
 public:
  Compactor(StoreImpl& store, const CompactOptions& options, const ProgressFn& progress, std::stop_token stop)
      : store_(store),
        db_(store.db()),
        options_(options),
        progress_(progress),
        stop_(std::move(stop)),
        target_(store.fs(), contents_path(store.directory()), store.options().segment_bytes) {}

  Result<CompactReport> run() {
    TB_ASSIGN(report_.bytes_before, bytes_on_disk());
    TB_TRY(purge());
    TB_TRY(trim_vanished());
    TB_TRY(unlink_condemned());
    TB_TRY(store_.contents().remove_unfinished());
    TB_TRY(settle_orphans());
    TB_TRY(rewrite_all());
    TB_ASSIGN(report_.bytes_after, bytes_on_disk());
    TB_TRY(db_.exec("PRAGMA wal_checkpoint(TRUNCATE)"));
    return report_;
  }

 private:
  Result<uint64_t> bytes_on_disk() {
    TB_ASSIGN(const auto numbers, store_.contents().on_disk());
    uint64_t bytes = 0;
    for (const uint32_t number : numbers) {
      TB_ASSIGN(auto file, store_.fs().open(store_.contents().path(number), OpenMode::Read));
      TB_ASSIGN(const uint64_t size, file->size());
      bytes += size;
    }
    return bytes;
  }

  // Messages whose time in the quarantine is over, and contents that no message speaks of any more. What a
  // rebuild found was removed by nobody: it waits for a sync, however long that takes.
  Status purge() {
    const int64_t cutoff = store_.now() - options_.quarantine_seconds;
    TB_ASSIGN(auto transaction, Transaction::begin(db_));
    TB_ASSIGN(auto messages, db_.prepare("DELETE FROM message WHERE removed_at<=?"));
    TB_TRY(messages.bind(cutoff).run());
    report_.messages_purged = static_cast<uint64_t>(db_.changes());
    TB_ASSIGN(auto contents, db_.prepare("DELETE FROM content WHERE idle_since IS NULL"
                                         " AND NOT EXISTS (SELECT 1 FROM message WHERE content=content.id)"));
    TB_TRY(contents.run());
    report_.contents_dropped = static_cast<uint64_t>(db_.changes());
    TB_TRY(db_.exec("DELETE FROM damaged WHERE content NOT IN (SELECT id FROM content)"));
    TB_TRY(renew_index());
    return transaction.commit();
  }

  // The index keeps words of contents that are gone, where they cost room and time but never show. Once
  // they are as many as the rest, it is made anew.
  Status renew_index() {
    TB_ASSIGN(auto s, db_.prepare("SELECT (SELECT count(*) FROM words_docsize), (SELECT count(*) FROM content"
                                  " WHERE indexed<>0)"));
    TB_TRY(s.step());
    const int64_t held = s.integer(0), live = s.integer(1);
    s.reset();
    if (held <= 2 * live + 1000) return {};
    TB_TRY(db_.exec("INSERT INTO words(words) VALUES('delete-all')"));
    return db_.exec("UPDATE content SET indexed=0");
  }

  Status trim_vanished() {
    TB_ASSIGN(auto transaction, Transaction::begin(db_));
    TB_ASSIGN(const auto boxes, store_.mailboxes());
    for (const auto& box : boxes) {
      TB_ASSIGN(auto s,
                db_.prepare("SELECT modseq FROM vanished WHERE mailbox=? ORDER BY modseq DESC LIMIT 1 OFFSET ?"));
      TB_ASSIGN(const bool row, s.bind(box.id, kMaxVanished).step());
      if (!row) continue;
      const int64_t floor = s.integer(0);
      TB_ASSIGN(auto gone, db_.prepare("DELETE FROM vanished WHERE mailbox=? AND modseq<=?"));
      TB_TRY(gone.bind(box.id, floor).run());
      TB_ASSIGN(auto update, db_.prepare("UPDATE mailbox SET vanished_floor=? WHERE id=?"));
      TB_TRY(update.bind(floor, box.id).run());
    }
    return transaction.commit();
  }

  // An unlink that a crash forestalled.
  Status unlink_condemned() {
    std::vector<uint32_t> condemned;
    {
      TB_ASSIGN(auto s, db_.prepare("SELECT id FROM segment WHERE length=0"));
      while (true) {
        TB_ASSIGN(const bool row, s.step());
        if (!row) break;
        condemned.push_back(static_cast<uint32_t>(s.integer(0)));
      }
    }
    for (const uint32_t number : condemned) TB_TRY(unlink(number));
    return {};
  }

  // Files without a row: segments from before a restored twin.db. What the store has elsewhere goes; the rest
  // is taken in.
  Status settle_orphans() {
    TB_ASSIGN(const auto numbers, store_.contents().on_disk());
    for (const uint32_t number : numbers) {
      TB_ASSIGN(auto s, db_.prepare("SELECT 1 FROM segment WHERE id=?"));
      TB_ASSIGN(const bool known, s.bind(number).step());
      if (known) continue;
      const auto lock = FileLock::attempt(store_.contents().path(number), false);
      if (!lock || !*lock) continue;  // a writer is about to make its row
      const auto segment = store_.contents().open(number);
      if (!segment) {
        TB_TRY(drop_if_empty(number));
        continue;  // damaged: verify tells of it, and a person decides
      }
      TB_ASSIGN(auto transaction, Transaction::begin(db_));
      TB_TRY(adopt(db_, store_.mail(), **segment, kSegmentHeaderBytes, store_.now()));
      TB_TRY(transaction.commit());
    }
    return {};
  }

  // A writer that died before the header was written: no frame can be in it.
  Status drop_if_empty(uint32_t number) {
    TB_ASSIGN(const auto file, store_.fs().open(store_.contents().path(number), OpenMode::Read));
    TB_ASSIGN(const uint64_t size, file->size());
    return size <= kSegmentHeaderBytes ? unlink(number) : Status{};
  }

  Status rewrite_all() {
    struct Segment {
      uint32_t number;
      uint64_t length, live;
    };
    std::vector<Segment> segments;
    {
      TB_ASSIGN(auto s, db_.prepare("SELECT s.id, s.length, coalesce((SELECT sum(stored) FROM content WHERE"
                                    " segment=s.id),0) FROM segment s ORDER BY s.id"));
      while (true) {
        TB_ASSIGN(const bool row, s.step());
        if (!row) break;
        segments.push_back({static_cast<uint32_t>(s.integer(0)), static_cast<uint64_t>(s.integer(1)),
                            static_cast<uint64_t>(s.integer(2))});
      }
    }
    Progress state{.total = segments.size()};
    for (const Segment& segment : segments) {
      if (stop_.stop_requested()) return {};  // what is done is done
      const uint64_t used = segment.live + kSegmentHeaderBytes;
      const uint64_t hole = segment.length > used ? segment.length - used : 0;
      const bool worth = hole > 0 && (options_.force || hole >= segment.length / kWorthwhileShare);
      if (worth || segment.live == 0) TB_TRY(rewrite(segment.number));
      ++state.done;
      if (progress_) progress_(state);
    }
    return {};
  }

  // Copy, sync, move the rows, then unlink: a crash anywhere leaves every row pointing at its octets.
  Status rewrite(uint32_t number) {
    TB_ASSIGN(const auto live, live_of(number));
    const auto lock = FileLock::attempt(store_.contents().path(number), false);
    // Missing, and all that was in it has been fetched again, or is gone.
    if (!lock && lock.error().code == Errc::NotFound && live.empty()) return unlink(number);
    if (!lock || !*lock) return {};  // another process appends to it, or it is missing: verify tells
    std::vector<FramePlace> places;
    auto copied = copy_all(live, places);
    if (!copied) {
      target_.roll_back();
      // Damage stays where it is, whole segment and all: what can be read of it still can.
      return copied.error().code == Errc::Corrupt ? Status{} : copied;
    }
    TB_ASSIGN(auto transaction, Transaction::begin(db_));
    for (size_t i = 0; i < live.size(); ++i) {
      TB_ASSIGN(auto s, db_.prepare("UPDATE content SET segment=?, offset=?, stored=? WHERE id=?"));
      TB_TRY(s.bind(places[i].segment, places[i].offset, places[i].stored, live[i].id).run());
    }
    if (!live.empty()) TB_TRY(set_segment_length(db_, target_.current()->number(), target_.current()->length()));
    // Length 0 condemns it: killed before the unlink, what was purged from it does not come back.
    TB_TRY(set_segment_length(db_, number, 0));
    TB_TRY(transaction.commit());
    if (!live.empty()) target_.committed(target_.current()->length());
    store_.contents().forget(number);
    ++report_.segments_rewritten;
    return unlink(number);
  }

  Status unlink(uint32_t number) {
    if (store_.fs().exists(store_.contents().path(number))) {
      TB_TRY(store_.fs().remove(store_.contents().path(number)));
      TB_TRY(store_.fs().sync_dir(contents_path(store_.directory())));
    }
    TB_ASSIGN(auto gone, db_.prepare("DELETE FROM segment WHERE id=?"));
    return gone.bind(number).run();
  }

  Result<std::vector<Live>> live_of(uint32_t number) {
    TB_ASSIGN(auto s, db_.prepare("SELECT id, offset, stored, codec FROM content WHERE segment=? ORDER BY offset"));
    s.bind(number);
    std::vector<Live> live;
    while (true) {
      TB_ASSIGN(const bool row, s.step());
      if (!row) return live;
      live.push_back({.id = s.integer(0),
                      .place = {.segment = number,
                                .offset = static_cast<uint64_t>(s.integer(1)),
                                .stored = static_cast<uint64_t>(s.integer(2)),
                                .codec = static_cast<Codec>(s.integer(3))}});
    }
  }

  Status copy_all(const std::vector<Live>& live, std::vector<FramePlace>& places) {
    if (live.empty()) return {};
    TB_ASSIGN(SegmentWriter * writer, target_.writer(db_, store_.mail(), store_.now()));
    for (const Live& each : live) {
      // Reading it whole first: a damaged frame must not pass for a sound one in a new place.
      TB_TRY(store_.stream(each.id, [](std::string_view) { return true; }, true));
      TB_TRY(copy_frame(*writer, each.place));
      places.push_back(writer->end_raw());
    }
    return writer->sync();
  }

  Status copy_frame(SegmentWriter& writer, const FramePlace& place) {
    TB_ASSIGN(Contents::Open * segment, store_.contents().open(place.segment));
    TB_TRY(writer.begin_raw(place.codec));
    std::string piece;
    for (uint64_t at = kFrameHeaderBytes; at < place.stored; at += piece.size()) {
      piece.resize(std::min<uint64_t>(kChunkBytes, place.stored - at));
      TB_ASSIGN(const size_t got, segment->file->read_at(place.offset + at, piece));
      if (got != piece.size()) return fail(Errc::Corrupt, say("{}: ends too early", segment->path));
      TB_TRY(writer.add_raw(piece));
    }
    return {};
  }

  StoreImpl& store_;
  Db& db_;
  CompactOptions options_;
  const ProgressFn& progress_;
  std::stop_token stop_;
  Contents target_;  // a writer of its own: it never gets a segment that is being rewritten
  CompactReport report_;
};

}  // namespace

Result<CompactReport> StoreImpl::compact(const CompactOptions& options, const ProgressFn& progress,
                                         std::stop_token stop) {
  TB_TRY(require_writable());
  TB_ASSIGN(const auto lock, lock_for_sync(std::chrono::milliseconds(0), stop));
  discard_staged();
  contents_.abandon();
  return Compactor(*this, options, progress, std::move(stop)).run();
}

}  // namespace libsync::store
