// What an extension brings to the IMAP server: rows of the tables below, in a file of its own. Inside server only.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libsync/imap/parser.h"
#include "libsync/server/imap_section.h"
#include "libsync/server/mail.h"

namespace libsync::server {

class Imap;

enum class Ext : uint8_t {
  None,
  Imap4rev2,
  AppendLimit,
  Binary,
  Children,
  CompressDeflate,
  Condstore,
  CreateSpecialUse,
  Enable,
  Esearch,
  Id,
  Idle,
  ListExtended,
  ListStatus,
  LiteralMinus,
  LiteralPlus,
  Move,
  MultiAppend,
  Namespace,
  Notify,
  ObjectId,
  Preview,
  Qresync,
  SaslIr,
  SaveDate,
  SearchRes,
  SpecialUse,
  StatusSize,
  UidPlus,
  Unselect,
  Utf8Accept,
  Within,
  Count,
};

// --- commands ---

enum States : uint8_t {
  kBeforeLogin = 1,
  kLoggedIn = 2,
  kSelectedOnly = 4,
  kInside = kLoggedIn | kSelectedOnly,
  kAny = 7
};
enum class UidForm : uint8_t { Never, Also, Only };  // UID FETCH

// `in` stands behind the command's name, on a space or at the end. The handler answers with ok(), no() or bad(), or
// leaves work behind that will.
using CommandHandler = void (*)(Imap& imap, imap::Parser& in, bool uid);
struct CommandRow {
  std::string_view name;
  uint8_t states = kAny;
  CommandHandler run = nullptr;
  UidForm uid = UidForm::Never;
  bool keeps_numbers = false;  // no EXPUNGE may be told in it (RFC 9051, section 7.5.1)
};

// --- FETCH ---

struct FetchRow;
struct FetchItem {
  const FetchRow* row = nullptr;
  Section section{};  // of BODY[…] and BINARY[…]
  std::optional<Partial> partial{};
  bool structure = false;  // BODY without brackets
  bool peek = true;        // leaves \Seen alone
};
class FetchTarget;
struct FetchRow {
  std::string_view name;
  // What of the message is needed.
  enum class Of : uint8_t { Flags, Facts, Header, Whole } of = Of::Flags;
  // Reads what stands behind the name; null: nothing does.
  bool (*parse)(imap::Parser& in, FetchItem& item) = nullptr;
  // Writes NAME SP value.
  Status (*write)(FetchTarget& target, const FetchItem& item) = nullptr;
};

// --- SEARCH ---

struct SearchKey;
class SearchSubject;
class SearchReader;
struct SearchRow {
  std::string_view name;
  bool (*parse)(SearchReader& in, SearchKey& key) = nullptr;
};

// --- STATUS ---

struct StatusRow {
  std::string_view name;
  Result<std::string> (*value)(Imap& imap, const Folder& folder) = nullptr;
};

// --- the extension ---

struct Extension {
  Ext id = Ext::None;
  std::string_view name;  // in CAPABILITY, and as `off` has it
  enum class When : uint8_t { Always, LoggedIn, Silent } when = When::LoggedIn;
  std::string (*tell)(const Imap& imap) = nullptr;  // what CAPABILITY says; null: the name
  std::span<const CommandRow> commands{};
  std::span<const FetchRow> fetch{};
  std::span<const SearchRow> search{};
  std::span<const StatusRow> status{};
  bool enabled_by_name = false;  // ENABLE takes it
};

// Every one, by name; the base commands are one of them, with Ext::None.
std::span<const Extension* const> extensions();

extern const Extension kBase, kImap4rev2, kAppendLimit, kBinary, kChildren, kCompressDeflate, kCondstore,
    kCreateSpecialUse, kEnable, kEsearch, kId, kIdle, kListExtended, kListStatus, kLiteralMinus, kLiteralPlus, kMove,
    kMultiAppend, kNamespace, kNotify, kObjectId, kPreview, kQresync, kSaslIr, kSaveDate, kSearchRes, kSpecialUse,
    kStatusSize, kUidPlus, kUnselect, kUtf8Accept, kWithin;

}  // namespace libsync::server
