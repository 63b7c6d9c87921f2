// CONDSTORE (RFC 7162, section 3.1): modification sequences in FETCH, STORE, SEARCH and STATUS.
#include <fmt/format.h>

#include "libsync/base/text.h"
#include "libsync/server/imap_fetch.h"
#include "libsync/server/imap_modseq.h"
#include "libsync/server/imap_search.h"
#include "libsync/server/imap_text.h"

namespace libsync::server {
namespace {

Status write_modseq(FetchTarget& target, const FetchItem&) {
  target.raw(fmt::format("MODSEQ ({})", target.row().modseq));
  return {};
}

constexpr FetchRow kFetch[] = {{.name = "MODSEQ", .of = FetchRow::Of::Flags, .write = write_modseq}};

// MODSEQ ["/flags/\\name" ("priv" | "shared" | "all")] n: there is one modseq for a whole message.
bool parse_modseq(SearchReader& in, SearchKey& key) {
  imap::Parser& text = in.text();
  if (!text.expect_space()) return false;
  if (text.peek() == '"') {
    std::string entry;
    if (!text.string(entry) || !text.expect_space() || text.atom().empty() || !text.expect_space()) {
      return text.malformed("MODSEQ \"/flags/name\" type number");
    }
  }
  const auto modseq = read_modseq(text);
  if (!modseq) return text.malformed("a modseq is missing");
  key.number = *modseq;
  key.matches = [](const SearchKey& k, SearchSubject& subject) { return subject.row().modseq >= k.number; };
  in.asks_modseq();
  return true;
}

constexpr SearchRow kSearch[] = {{.name = "MODSEQ", .parse = parse_modseq}};

constexpr StatusRow kStatus[] = {
    {.name = "HIGHESTMODSEQ", .value = [](Imap&, const Folder& folder) -> Result<std::string> {
       return fmt::format("{}", folder.highestmodseq);
     }}};

}  // namespace

const Extension kCondstore = {.id = Ext::Condstore,
                              .name = "CONDSTORE",
                              .fetch = kFetch,
                              .search = kSearch,
                              .status = kStatus,
                              .enabled_by_name = true};

std::optional<uint64_t> read_modseq(imap::Parser& in) {
  const auto modseq = in.number();
  return modseq && *modseq <= INT64_MAX ? modseq : std::nullopt;
}

bool read_changed_since(Imap& imap, imap::Parser& in, bool uid, std::optional<ChangedSince>& since) {
  if (!imap.has(Ext::Condstore)) return in.malformed("more arguments than it takes");
  ChangedSince read;
  bool has_modseq = false;
  const bool good = in.expect_list([&] {
    const std::string_view name = in.atom();
    if (iequals(name, "CHANGEDSINCE") && in.space()) {
      const auto modseq = read_modseq(in);
      read.modseq = modseq.value_or(0);
      return has_modseq = modseq.has_value();
    }
    if (iequals(name, "VANISHED")) return read.vanished = uid && imap.enabled(Ext::Qresync);
    return false;
  });
  if (!good || !has_modseq) return in.malformed("CHANGEDSINCE modseq [VANISHED]");
  imap.enable(Ext::Condstore);
  since = read;
  return true;
}

bool read_unchanged_since(Imap& imap, imap::Parser& in, std::optional<uint64_t>& since) {
  if (!imap.has(Ext::Condstore)) return in.malformed("FLAGS, +FLAGS or -FLAGS");
  const bool good = in.ch('(') && iequals(in.atom(), "UNCHANGEDSINCE") && in.space() &&
                    (since = read_modseq(in)).has_value() && in.ch(')');
  if (!good) return in.malformed("UNCHANGEDSINCE modseq");
  imap.enable(Ext::Condstore);
  return true;
}

}  // namespace libsync::server
