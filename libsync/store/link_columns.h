// The columns of the link's tables, and what stands in them. Internal to store/.
#pragma once

#include "libsync/store/db.h"
#include "libsync/sync/link.h"

namespace libsync::store {

// In this order in every statement that reads or writes a whole row.
#define ROW_COLUMNS                                                                                             \
  "id, home, agreed, dirty, suspect, inferred, size, date, base_flags, base_keywords, object, print, content, " \
  "a_at, a_pair, a_num, a_name, a_flags, a_keywords, a_instance, a_blocked, "                                   \
  "b_at, b_pair, b_num, b_name, b_flags, b_keywords, b_instance, b_blocked, doubt, "                            \
  "size_b, leftover, a_asked, a_to, a_asked_look, b_asked, b_to, b_asked_look, look, a_sent, b_sent, answer"

inline constexpr char kInsertRow[] =
    "INSERT INTO link_row(" ROW_COLUMNS
    ") VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)";
// What the large indexes have of a row, and its reading: the other members are as in a new Row.
inline constexpr char kIndexedOfRow[] =
    "SELECT a_at, a_pair, a_num, a_name, b_at, b_pair, b_num, b_name, object, content FROM link_row WHERE id=?";
sync::Row read_indexed(const Statement& s);

// The UPDATE of a row of which the table has this. SQLite takes out of an index and puts into it again what an UPDATE
// names, be it the same: an index in which nothing changes is not named, or it would cost a page a row.
std::string_view update_of(const sync::Row& indexed, const sync::Row& row);

void bind_row(Statement& statement, const sync::Row& row);
sync::Row read_row(const Statement& s);

// Of one side of a pair; `x` is its letter.
#define END_COLUMNS(x)                                                                                     \
  #x "_box, " #x "_path, " #x "_epoch, " #x "_cursor, " #x "_missing, " #x "_base, " #x "_subscribed, " #x \
     "_mask, " #x "_read_only, " #x "_renaming"
inline constexpr int kEndColumns = 10;

void bind_end(Statement& s, int at, const sync::Pair::End& end);
sync::Pair::End read_end(const Statement& s, int at);

}  // namespace libsync::store
