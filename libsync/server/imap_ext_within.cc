// WITHIN (RFC 5032): OLDER and YOUNGER, in seconds.
#include "libsync/server/imap_search.h"

namespace libsync::server {
namespace {

bool parse(SearchReader& in, SearchKey& key) {
  if (!in.text().expect_space()) return false;
  const auto seconds = in.text().number();
  // Section 2: no zero.
  if (!seconds || *seconds == 0 || *seconds > UINT32_MAX) return in.text().malformed("a number of seconds is missing");
  key.cost = SearchKey::Cost::Facts;
  key.from = in.imap().unix_seconds() - static_cast<int64_t>(*seconds);
  return true;
}

bool parse_older(SearchReader& in, SearchKey& key) {
  key.matches = [](const SearchKey& k, SearchSubject& subject) { return subject.row().date <= k.from; };
  return parse(in, key);
}
bool parse_younger(SearchReader& in, SearchKey& key) {
  key.matches = [](const SearchKey& k, SearchSubject& subject) { return subject.row().date >= k.from; };
  return parse(in, key);
}

constexpr SearchRow kSearch[] = {{.name = "OLDER", .parse = parse_older}, {.name = "YOUNGER", .parse = parse_younger}};

}  // namespace

const Extension kWithin = {.id = Ext::Within, .name = "WITHIN", .search = kSearch};

}  // namespace libsync::server
