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
inline constexpr char kUpdateRow[] =
    "UPDATE link_row SET home=?2, agreed=?3, dirty=?4, suspect=?5, inferred=?6, size=?7, date=?8, base_flags=?9,"
    " base_keywords=?10, object=?11, print=?12, content=?13,"
    " a_at=?14, a_pair=?15, a_num=?16, a_name=?17, a_flags=?18, a_keywords=?19, a_instance=?20, a_blocked=?21,"
    " b_at=?22, b_pair=?23, b_num=?24, b_name=?25, b_flags=?26, b_keywords=?27, b_instance=?28, b_blocked=?29,"
    " doubt=?30, size_b=?31, leftover=?32, a_asked=?33, a_to=?34, a_asked_look=?35,"
    " b_asked=?36, b_to=?37, b_asked_look=?38, look=?39, a_sent=?40, b_sent=?41, answer=?42"
    " WHERE id=?1";
// Most rows stay where they are on side A: its index need not be touched then.
inline constexpr char kUpdateRowInPlace[] =
    "UPDATE link_row SET home=?2, agreed=?3, dirty=?4, suspect=?5, inferred=?6, date=?8, base_flags=?9,"
    " base_keywords=?10, object=?11, print=?12, content=?13, a_flags=?18, a_keywords=?19, a_instance=?20, "
    "a_blocked=?21,"
    " b_at=?22, b_pair=?23, b_num=?24, b_name=?25, b_flags=?26, b_keywords=?27, b_instance=?28, b_blocked=?29,"
    " doubt=?30, size_b=?31, leftover=?32, a_asked=?33, a_to=?34, a_asked_look=?35,"
    " b_asked=?36, b_to=?37, b_asked_look=?38, look=?39, a_sent=?40, b_sent=?41, answer=?42"
    " WHERE id=?1 AND size=?7 AND a_at=?14 AND a_pair=?15 AND a_num=?16 AND a_name IS ?17";

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
