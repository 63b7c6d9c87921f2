// OBJECTID (RFC 8474): ids that survive renames and moves. EMAILID is made of the octets' digest: the same octets, the
// same id. There are no threads (THREADID NIL).
#include <fmt/format.h>

#include "libsync/base/text.h"
#include "libsync/server/imap_fetch.h"
#include "libsync/server/imap_search.h"

namespace libsync::server {
namespace {

// Section 7: at most 255 of [A-Za-z0-9_-].
std::string email_id(const MessageRow& row) {
  constexpr size_t kOctets = 20;
  const std::string_view digest(reinterpret_cast<const char*>(row.digest.data()), kOctets);
  return "M" + to_hex(digest);
}

Status write_email_id(FetchTarget& target, const FetchItem&) {
  target.raw(fmt::format("EMAILID ({})", email_id(target.row())));
  return {};
}

Status write_thread_id(FetchTarget& target, const FetchItem&) {
  target.raw("THREADID NIL");
  return {};
}

constexpr FetchRow kFetch[] = {
    {.name = "EMAILID", .of = FetchRow::Of::Facts, .write = write_email_id},
    {.name = "THREADID", .of = FetchRow::Of::Flags, .write = write_thread_id},
};

bool parse_email_id(SearchReader& in, SearchKey& key) {
  if (!in.text().expect_space() || !in.text().expect_astring(key.text)) return false;
  key.cost = SearchKey::Cost::Facts;
  key.matches = [](const SearchKey& k, SearchSubject& subject) { return email_id(subject.row()) == k.text; };
  return true;
}

bool parse_thread_id(SearchReader& in, SearchKey& key) {
  if (!in.text().expect_space() || !in.text().expect_astring(key.text)) return false;
  key.matches = [](const SearchKey&, SearchSubject&) { return false; };
  return true;
}

constexpr SearchRow kSearch[] = {{.name = "EMAILID", .parse = parse_email_id},
                                 {.name = "THREADID", .parse = parse_thread_id}};

constexpr StatusRow kStatus[] = {{.name = "MAILBOXID", .value = [](Imap&, const Folder& folder) -> Result<std::string> {
                                    return fmt::format("(F{})", folder.id);
                                  }}};

}  // namespace

const Extension kObjectId = {
    .id = Ext::ObjectId, .name = "OBJECTID", .fetch = kFetch, .search = kSearch, .status = kStatus};

}  // namespace libsync::server
