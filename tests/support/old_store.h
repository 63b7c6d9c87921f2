// Stores as older versions made them.
#pragma once

#include <string>

namespace twinbox::test {

// The link's tables as version 6 had them.
inline std::string undo_version_7() {
  std::string sql =
      "DROP INDEX link_row_a_lost; DROP INDEX link_row_b_lost; DROP INDEX link_row_a_asked;"
      "DROP INDEX link_row_b_asked; DROP INDEX link_row_object; DROP INDEX link_row_answer; DROP TABLE link_event;";
  for (const char* column : {"size_b", "leftover", "a_asked", "a_to", "b_asked", "b_to", "a_asked_look", "b_asked_look",
                             "look", "answer", "a_sent", "b_sent"})
    sql += std::string("ALTER TABLE link_row DROP COLUMN ") + column + ";";
  for (const char* column : {"a_base", "a_subscribed", "a_mask", "a_read_only", "b_base", "b_subscribed", "b_mask",
                             "b_read_only", "subscribed", "a_renaming", "b_renaming"})
    sql += std::string("ALTER TABLE link_pair DROP COLUMN ") + column + ";";
  return sql +
         "CREATE INDEX link_row_a_lost ON link_row(size) WHERE a_at IN (2, 3);"
         "CREATE INDEX link_row_b_lost ON link_row(size) WHERE b_at IN (2, 3);";
}

}  // namespace twinbox::test
