// SEARCHRES (RFC 5182): SEARCH RETURN (SAVE), and "$" for what it found. read_set() reads it (imap_text.h).
#include "libsync/server/imap_search.h"

namespace libsync::server {

const Extension kSearchRes = {.id = Ext::SearchRes, .name = "SEARCHRES"};

// Section 2.1: with MIN or MAX alone these are what is saved.
imap::SequenceSet saved_of(const SearchReturn& wanted, const imap::SequenceSet& found) {
  if ((!wanted.min && !wanted.max) || wanted.all || wanted.count || found.empty()) return found;
  imap::SequenceSet ends;
  if (wanted.min) ends.add(found.ranges().front().first);
  if (wanted.max) ends.add(found.ranges().back().last);
  return ends;
}

}  // namespace libsync::server
