// LIST-EXTENDED (RFC 5258): what is to be listed, and what is to be told of it.
#include "libsync/base/text.h"
#include "libsync/server/imap_list.h"

namespace libsync::server {

const Extension kListExtended = {.id = Ext::ListExtended, .name = "LIST-EXTENDED"};

bool read_selection(Imap& imap, imap::Parser& in, ListQuery& query) {
  query.extended = true;
  const bool read = in.expect_list([&] {
    const std::string_view name = in.atom();
    if (iequals(name, "SUBSCRIBED")) return query.subscribed = true;
    if (iequals(name, "REMOTE")) return true;  // nothing here is elsewhere
    if (iequals(name, "RECURSIVEMATCH")) return query.recursive = true;
    if (iequals(name, "SPECIAL-USE") && imap.has(Ext::SpecialUse)) return query.special_use = true;
    return in.malformed("no such selection option");
  });
  // Section 3.1: it is of no meaning by itself.
  if (read && query.recursive && !query.subscribed && !query.special_use) {
    return in.malformed("RECURSIVEMATCH needs another option");
  }
  return read;
}

bool read_return(Imap& imap, imap::Parser& in, ListQuery& query) {
  query.extended = true;
  if (!iequals(in.atom(), "RETURN") || !in.space()) return in.malformed("RETURN (options)");
  return in.expect_list([&] {
    const std::string_view name = in.atom();
    if (iequals(name, "SUBSCRIBED")) return query.tell_subscribed = true;
    if (iequals(name, "CHILDREN")) return query.tell_children = true;
    if (iequals(name, "SPECIAL-USE") && imap.has(Ext::SpecialUse)) return true;  // told anyway
    if (iequals(name, "STATUS") && imap.has(Ext::ListStatus)) {
      return in.expect_space() && read_status_items(imap, in, query.status);
    }
    return in.malformed("no such return option");
  });
}

}  // namespace libsync::server
