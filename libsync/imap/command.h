// A command on its way to the server: text, and strings in the form they need (RFC 9051, section 4).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libsync/base/result.h"
#include "libsync/base/secret.h"

namespace libsync::imap {

// Which command of the session, in the order of submission; its tag is made of it.
using CommandId = uint64_t;
std::string tag_of(CommandId id);
std::optional<CommandId> id_of(std::string_view tag);  // nothing for a tag that is none of ours

enum class CommandKind : uint8_t {
  Capability,
  Id,
  StartTls,
  Login,
  Authenticate,
  Enable,
  Namespace,
  List,
  Lsub,
  Status,
  Select,
  Examine,
  Fetch,
  Search,
  Store,
  Copy,
  Move,
  Expunge,
  Append,
  Create,
  Rename,
  Delete,
  Subscribe,
  Unsubscribe,
  Idle,
  Compress,
  Unselect,
  Close,
  Noop,
  Logout,
};

// The octets of a literal that is too large to be held, made while they go out.
class LiteralSource {
 public:
  virtual ~LiteralSource() = default;
  // The next stretch, never empty before all that was announced has come; valid until the next call.
  virtual Result<std::string_view> next() = 0;
};

// One stretch of a command. Literals are sent as non-synchronising ones where the server takes them.
struct Piece {
  std::string text{};
  bool literal = false;
  bool secret = false;                      // *** in traces
  bool binary = false;                      // literal8, "~{n}": NUL octets may be in it (RFC 3516, section 4.4)
  uint64_t size = 0;                        // with `source`: exactly so many octets come
  std::shared_ptr<LiteralSource> source{};  // instead of `text`; its command must be exclusive
  uint64_t octets() const { return source != nullptr ? size : text.size(); }
};

struct Command {
  CommandKind kind = CommandKind::Noop;
  std::vector<Piece> pieces{};
  // Nothing may be sent behind it before it is done: its answer changes how bytes are read.
  bool exclusive = false;
};

// Builds a command and holds its strings against the grammar: what is no atom is refused where an atom
// must be, CR and LF go into literals, NUL is refused (Errc::Usage, told by build()).
class CommandBuilder {
 public:
  CommandBuilder(CommandKind kind, std::string_view name) : command_{.kind = kind} { raw(name); }

  CommandBuilder& raw(std::string_view text);      // our own words, trusted
  CommandBuilder& atom(std::string_view text);     // " " atom
  CommandBuilder& string(std::string_view text);   // " " quoted or literal
  CommandBuilder& astring(std::string_view text);  // " " atom where it can be one
  CommandBuilder& secret(const Secret& text);      // " " string, hidden
  CommandBuilder& literal(Piece piece);            // as it is
  CommandBuilder& exclusive();
  Result<Command> build();

 private:
  void add(std::string text, bool literal, bool secret);
  CommandBuilder& put_string(std::string_view text, bool secret);
  Command command_;
  std::string error_;
};

Command simple_command(CommandKind kind, std::string_view text, bool exclusive = false);

bool is_atom(std::string_view text);
// As a quoted string, or nothing if it can't be one.
std::string quoted(std::string_view text);

}  // namespace libsync::imap
