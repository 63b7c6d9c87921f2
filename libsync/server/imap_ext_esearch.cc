// ESEARCH (RFC 4731): what is wanted of a search.
#include "libsync/base/text.h"
#include "libsync/server/imap_search.h"

namespace libsync::server {

const Extension kEsearch = {.id = Ext::Esearch, .name = "ESEARCH"};

bool read_search_return(Imap& imap, imap::Parser& in, SearchReturn& wanted) {
  wanted.extended = true;
  const bool read = in.expect_list([&] {
    const std::string_view name = in.atom();
    if (iequals(name, "MIN")) return wanted.min = true;
    if (iequals(name, "MAX")) return wanted.max = true;
    if (iequals(name, "ALL")) return wanted.all = true;
    if (iequals(name, "COUNT")) return wanted.count = true;
    if (iequals(name, "SAVE") && imap.has(Ext::SearchRes)) return wanted.save = true;
    return in.malformed("no such result option");
  });
  // RFC 4731, section 3.1: "()" is ALL.
  if (read && !wanted.min && !wanted.max && !wanted.count && !wanted.save) wanted.all = true;
  return read;
}

}  // namespace libsync::server
