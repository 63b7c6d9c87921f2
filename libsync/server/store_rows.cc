#include "libsync/server/store_rows.h"

#include <vector>

#include "libsync/store/rows.h"

namespace libsync::server {
namespace {

// To pass over a row costs less than to look for the next one's place in the index.
constexpr uint32_t kNear = 5;

}  // namespace

Status select_in(store::Db& db, std::string_view sql, FolderId folder, const imap::SequenceSet& uids,
                 const RowVisit& visit) {
  const auto& ranges = uids.ranges();
  TB_ASSIGN(auto s, db.prepare(sql));
  for (size_t first = 0; first < ranges.size();) {
    size_t last = first;
    while (last + 1 < ranges.size() && ranges[last + 1].first - ranges[last].last <= kNear) ++last;
    s.bind(folder, ranges[first].first, ranges[last].last);
    while (true) {
      TB_ASSIGN(const bool row, s.step());
      if (!row) break;
      const auto uid = static_cast<uint32_t>(s.integer(0));
      while (ranges[first].last < uid) ++first;
      if (ranges[first].first <= uid && !visit(s)) return {};
    }
    s.reset();
    first = last + 1;
  }
  return {};
}

Result<std::vector<Found>> find_in(store::Db& db, FolderId folder, const imap::SequenceSet& uids) {
  std::vector<Found> found;
  TB_TRY(select_in(db,
                   "SELECT uid, id, modseq, flags, keywords FROM message WHERE mailbox=?1 AND uid BETWEEN ?2 AND ?3"
                   " ORDER BY uid",
                   folder, uids, [&](const store::Statement& s) {
                     found.push_back({.id = s.integer(1),
                                      .uid = static_cast<uint32_t>(s.integer(0)),
                                      .modseq = static_cast<uint64_t>(s.integer(2)),
                                      .flags = store::read_flags(s.integer(3), s.text(4))});
                     return true;
                   }));
  return found;
}

}  // namespace libsync::server
