// SAVEDATE (RFC 8514): when a message came into its mailbox.
#include "libsync/server/imap_fetch.h"
#include "libsync/server/imap_search.h"
#include "libsync/server/imap_text.h"

namespace libsync::server {
namespace {

Status write_save_date(FetchTarget& target, const FetchItem&) {
  const auto saved = target.row().saved;
  target.raw("SAVEDATE " + (saved ? internal_date(*saved) : "NIL"));
  return {};
}

constexpr FetchRow kFetch[] = {{.name = "SAVEDATE", .of = FetchRow::Of::Facts, .write = write_save_date}};

// Section 4.3: without a save date, INTERNALDATE stands in.
int64_t saved_at(const SearchSubject& subject) { return subject.row().saved.value_or(subject.row().date); }

bool parse(SearchReader& in, SearchKey& key) {
  key.cost = SearchKey::Cost::Facts;
  return in.date(key.from);
}

bool parse_before(SearchReader& in, SearchKey& key) {
  key.matches = [](const SearchKey& k, SearchSubject& subject) { return saved_at(subject) < k.from; };
  return parse(in, key);
}
bool parse_on(SearchReader& in, SearchKey& key) {
  key.matches = [](const SearchKey& k, SearchSubject& subject) {
    return saved_at(subject) >= k.from && saved_at(subject) < k.from + kDaySeconds;
  };
  return parse(in, key);
}
bool parse_since(SearchReader& in, SearchKey& key) {
  key.matches = [](const SearchKey& k, SearchSubject& subject) { return saved_at(subject) >= k.from; };
  return parse(in, key);
}
// Every mailbox here keeps it.
bool parse_supported(SearchReader&, SearchKey& key) {
  key.matches = [](const SearchKey&, SearchSubject&) { return true; };
  return true;
}

constexpr SearchRow kSearch[] = {{.name = "SAVEDBEFORE", .parse = parse_before},
                                 {.name = "SAVEDON", .parse = parse_on},
                                 {.name = "SAVEDSINCE", .parse = parse_since},
                                 {.name = "SAVEDATESUPPORTED", .parse = parse_supported}};

}  // namespace

const Extension kSaveDate = {.id = Ext::SaveDate, .name = "SAVEDATE", .fetch = kFetch, .search = kSearch};

}  // namespace libsync::server
