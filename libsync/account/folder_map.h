// What an account's rules make of the folders of its server and of its store: which take part, in which mode, and what
// each is called on the other side. Names here and there are one to one: where two folders would get one name, one of
// them takes no part and is told of. Pure: no errors, any thread.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libsync/account/config.h"
#include "libsync/sync/link.h"
#include "libsync/sync/replica.h"

namespace libsync::account {

// The name of a rule with `rename`, taken apart: levels as of a path, and whether what is below is meant ("A/**").
struct RenamePattern {
  sync::Path path{};
  bool below = false;
};
// Nothing for a text that is neither a name nor one with "/**" behind it, and for "".
std::optional<RenamePattern> rename_pattern(std::string_view text);

// By which a folder of the server is known to its rules: its name when both sides last agreed on one.
const sync::Path& agreed_name(const sync::Pair::End& there);

class FolderMap {
 public:
  explicit FolderMap(const Account& account);

  // Folders that were synced already keep their names, if the rules changed meanwhile: of those that are there on both
  // sides.
  void know(std::span<const sync::Pair> pairs);
  // All that the server lists. Of folders that would have one name here, the one that was synced already has it, else
  // the one of the first rule that gives it, else the one that is called so on the server.
  void list(std::span<const sync::Path> server);

  Mode mode(const sync::Path& server) const;
  // In words. Empty: it does take part.
  std::string why_skipped(const sync::Path& server) const;
  // By patterns and rules alone, whatever it would be called here.
  bool is_wanted(const sync::Path& server) const { return why_unwanted(server).empty(); }
  // Another folder has the name that it would have here, and nothing else speaks against it.
  bool clashes(const sync::Path& server) const;
  bool takes_part(const sync::Path& server) const { return why_skipped(server).empty(); }
  // The name here. INBOX is INBOX. Of one that takes part, there() gives it back.
  sync::Path here(const sync::Path& server) const;
  // The name on the server; empty: no folder there can be called so here, it is for this side alone.
  sync::Path there(const sync::Path& local) const;
  // What the rules alone say: where that is not here(), the folder was synced before the rule was made.
  sync::Path by_rules(const sync::Path& server) const;

  bool renames() const { return renames_; }
  bool has_modes() const { return has_modes_; }
  // Whether any folder may have that mode.
  bool any(Mode mode) const;
  // A sync may change the server.
  bool changes_server() const;

 private:
  struct Rule {
    RenamePattern from{}, to{};
  };
  std::string why_unwanted(const sync::Path& server) const;

  const Account& account_;
  std::vector<Rule> rules_;                   // those that rename
  std::map<sync::Path, sync::Path> kept_;     // server → here, of those that the rules would call otherwise
  std::map<sync::Path, sync::Path> claimed_;  // here → server
  bool renames_ = false, has_modes_ = false;
};

}  // namespace libsync::account
