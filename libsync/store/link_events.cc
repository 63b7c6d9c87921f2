#include "libsync/store/link_events.h"

#include <algorithm>

namespace libsync::store {
namespace {

using sync::Event;

// How many entries are written between two looks at how many there are.
constexpr int64_t kLookEvery = 1000;

std::optional<std::string_view> or_null(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional<std::string_view>(text);
}

bool repeats(Event::What what) { return what == Event::What::Refused || what == Event::What::PutOff; }

// The last entry of its row says the same, perhaps in other words: Dovecot has the time in them.
Result<bool> count_again(Db& db, const Event& event) {
  TB_ASSIGN(auto s, db.prepare("UPDATE link_event SET time=?1, times=times+1, words=?6 WHERE what=?3 AND op=?4"
                               " AND side=?5 AND key IS ?7 AND flags IS ?8 AND id=(SELECT max(id) FROM link_event"
                               " WHERE link_row=?2 AND what IN (1, 2))"));
  s.bind(event.time, event.row, static_cast<int>(event.what), static_cast<int>(event.op), index(event.on));
  s.bind_at(5, or_null(event.words));
  s.bind_at(6, or_null(event.key));
  s.bind_at(7, or_null(event.flags));
  TB_TRY(s.run());
  return db.changes() > 0;
}

Event read_event(const Statement& s) {
  return {.id = s.integer(0),
          .time = s.integer(1),
          .first = s.integer(2),
          .times = static_cast<uint64_t>(s.integer(3)),
          .what = static_cast<Event::What>(s.integer(4)),
          .op = static_cast<sync::Op>(s.integer(5)),
          .on = static_cast<sync::Side>(s.integer(6)),
          .reason = static_cast<sync::Reason>(s.integer(7)),
          .row = s.integer(8),
          .message = std::string(s.text(9)),
          .folder = std::string(s.text(10)),
          .to_folder = std::string(s.text(11)),
          .key = std::string(s.text(12)),
          .flags = std::string(s.text(13)),
          .words = std::string(s.text(14)),
          .by = std::string(s.text(15))};
}

}  // namespace

Status record_event(Db& db, const Event& event) {
  if (event.row != 0 && repeats(event.what)) {
    TB_ASSIGN(const bool again, count_again(db, event));
    if (again) return {};
  }
  TB_ASSIGN(auto s, db.prepare("INSERT INTO link_event(time, first, times, what, op, side, reason, link_row, message,"
                               " folder, to_folder, key, flags, words, by) VALUES(?,?,1,?,?,?,?,?,?,?,?,?,?,?,?)"));
  s.bind(event.time, event.time, static_cast<int>(event.what), static_cast<int>(event.op), index(event.on),
         static_cast<int>(event.reason), event.row);
  int at = 7;
  for (const std::string* text :
       {&event.message, &event.folder, &event.to_folder, &event.key, &event.flags, &event.words, &event.by}) {
    s.bind_at(at++, or_null(*text));
  }
  TB_TRY(s.run());
  const int64_t id = db.last_insert_rowid();
  if (id % kLookEvery != 0) return {};
  TB_ASSIGN(auto oldest, db.prepare("DELETE FROM link_event WHERE id<=?"));
  return oldest.bind(id - sync::kMaxEvents + kLookEvery).run();
}

Result<std::vector<Event>> last_events(Db& db, const sync::Id& message, int64_t since, size_t limit) {
  constexpr std::string_view kAll =
      "SELECT id, time, first, times, what, op, side, reason, link_row, message, folder, to_folder, key, flags, words,"
      " by FROM link_event WHERE time>=?1 ORDER BY id DESC LIMIT ?2";
  constexpr std::string_view kOfMessage =
      "SELECT id, time, first, times, what, op, side, reason, link_row, message, folder, to_folder, key, flags, words,"
      " by FROM link_event WHERE time>=?1 AND message=?3 ORDER BY id DESC LIMIT ?2";
  TB_ASSIGN(auto s, db.prepare(message.empty() ? kAll : kOfMessage));
  s.bind(since, std::min<size_t>(limit, sync::kMaxEvents));
  if (!message.empty()) s.bind_at(2, message);
  std::vector<Event> events;
  while (true) {
    TB_ASSIGN(const bool row, s.step());
    if (!row) break;
    events.push_back(read_event(s));
  }
  std::ranges::reverse(events);
  return events;
}

// Entries are in order of time, unless a clock was set: those are looked at only when the first is too old.
Status drop_events(Db& db, int64_t before) {
  {
    TB_ASSIGN(auto first, db.prepare("SELECT time FROM link_event ORDER BY id LIMIT 1"));
    TB_ASSIGN(const bool any, first.step());
    if (!any || first.integer(0) >= before) return {};
  }
  TB_ASSIGN(auto s, db.prepare("DELETE FROM link_event WHERE time<?"));
  return s.bind(before).run();
}

}  // namespace libsync::store
