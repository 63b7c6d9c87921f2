#include "libsync/imap/status_response.h"

#include <algorithm>
#include <array>

#include "libsync/base/text.h"

namespace libsync::imap {
namespace {

enum class Shape : uint8_t { Bare, Number, Words, AppendUid, CopyUid, Set };

struct Row {
  std::string_view name;
  Code code;
  Shape shape = Shape::Bare;
};

constexpr Row kCodes[] = {
    {"ALERT", Code::Alert},
    {"ALREADYEXISTS", Code::AlreadyExists},
    {"APPENDUID", Code::AppendUid, Shape::AppendUid},
    {"AUTHENTICATIONFAILED", Code::AuthenticationFailed},
    {"AUTHORIZATIONFAILED", Code::AuthorizationFailed},
    {"BADCHARSET", Code::BadCharset, Shape::Words},
    {"BADCOMPARATOR", Code::BadComparator},
    {"BADEVENT", Code::BadEvent},
    {"BADURL", Code::BadUrl},
    {"CANNOT", Code::Cannot},
    {"CAPABILITY", Code::Capability, Shape::Words},
    {"CLIENTBUG", Code::ClientBug},
    {"CLOSED", Code::Closed},
    {"COMPRESSIONACTIVE", Code::CompressionActive},
    {"CONTACTADMIN", Code::ContactAdmin},
    {"COPYUID", Code::CopyUid, Shape::CopyUid},
    {"CORRUPTION", Code::Corruption},
    {"EXPIRED", Code::Expired},
    {"EXPUNGEISSUED", Code::ExpungeIssued},
    {"HASCHILDREN", Code::HasChildren},
    {"HIGHESTMODSEQ", Code::HighestModSeq, Shape::Number},
    {"INUSE", Code::InUse},
    {"LIMIT", Code::Limit},
    {"MAILBOXID", Code::MailboxId, Shape::Words},
    {"MAXCONVERTMESSAGES", Code::MaxConvertMessages, Shape::Number},
    {"METADATA", Code::Metadata},
    {"MODIFIED", Code::Modified, Shape::Set},
    {"NOMODSEQ", Code::NoModSeq},
    {"NONEXISTENT", Code::NonExistent},
    {"NOPERM", Code::NoPerm},
    {"NOTIFICATIONOVERFLOW", Code::NotificationOverflow},
    {"NOTSAVED", Code::NotSaved},
    {"NOUPDATE", Code::NoUpdate},
    {"OVERQUOTA", Code::OverQuota},
    {"PARSE", Code::Parse},
    {"PERMANENTFLAGS", Code::PermanentFlags, Shape::Words},
    {"PRIVACYREQUIRED", Code::PrivacyRequired},
    {"READ-ONLY", Code::ReadOnly},
    {"READ-WRITE", Code::ReadWrite},
    {"REFERRAL", Code::Referral},
    {"SERVERBUG", Code::ServerBug},
    {"TEMPFAIL", Code::TempFail},
    {"THROTTLED", Code::Throttled},
    {"TOOBIG", Code::TooBig},
    {"TRYCREATE", Code::TryCreate},
    {"UIDNEXT", Code::UidNext, Shape::Number},
    {"UIDNOTSTICKY", Code::UidNotSticky},
    {"UIDVALIDITY", Code::UidValidity, Shape::Number},
    {"UNAVAILABLE", Code::Unavailable},
    {"UNDEFINED-FILTER", Code::UndefinedFilter},
    {"UNKNOWN-CTE", Code::UnknownCte},
    {"UNSEEN", Code::Unseen, Shape::Number},
    {"URLMECH", Code::UrlMech},
    {"USEATTR", Code::UseAttr},
};

const Row* find(std::string_view name) {
  for (const Row& row : kCodes) {
    if (iequals(row.name, name)) return &row;
  }
  return nullptr;
}

// Where the code that starts behind '[' ends: the first ']' outside a quoted string.
size_t code_end(std::string_view text) {
  bool inside = false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') inside = !inside;
    if (inside && text[i] == '\\') ++i;
    if (!inside && i < text.size() && text[i] == ']') return i;
  }
  return text.find(']');
}

std::string_view next_word(std::string_view& text) {
  const size_t start = text.find_first_not_of(" ()");
  if (start == std::string_view::npos) {
    text = {};
    return {};
  }
  text.remove_prefix(start);
  const std::string_view word = text.substr(0, text.find_first_of(" ()"));
  text.remove_prefix(word.size());
  return word;
}

bool read_set(std::string_view text, SequenceSet& out, Quirks& quirks) {
  auto set = SequenceSet::parse(text, quirks);
  if (!set) return false;
  out = *std::move(set);
  return !out.empty();
}

bool read_number(std::string_view text, uint64_t& out) {
  const auto value = parse_u64(text);
  out = value.value_or(0);
  return value.has_value();
}

bool read_arguments(Shape shape, std::string_view text, StatusLine& out, Quirks& quirks) {
  switch (shape) {
    case Shape::Bare:
      return true;
    case Shape::Number:
      return read_number(next_word(text), out.number);
    case Shape::Set:
      return read_set(next_word(text), out.from, quirks);
    case Shape::AppendUid:
      return read_number(next_word(text), out.number) && read_set(next_word(text), out.to, quirks);
    case Shape::CopyUid:
      return read_number(next_word(text), out.number) && read_set(next_word(text), out.from, quirks) &&
             read_set(next_word(text), out.to, quirks);
    case Shape::Words:
      for (std::string_view word = next_word(text); !word.empty(); word = next_word(text)) out.words.push_back(word);
      return true;
  }
  return false;
}

void read_code(std::string_view code, StatusLine& out, Quirks& quirks) {
  out.code_name = code.substr(0, code.find(' '));
  out.arguments = trim(code.substr(out.code_name.size()));
  const Row* row = find(out.code_name);
  const bool good = row != nullptr && read_arguments(row->shape, out.arguments, out, quirks);
  out.code = good ? row->code : Code::Unknown;
}

}  // namespace

bool parse_status_line(Parser& in, StatusLine& out) {
  static constexpr std::array<std::pair<std::string_view, Condition>, 5> kConditions{{{"OK", Condition::Ok},
                                                                                      {"NO", Condition::No},
                                                                                      {"BAD", Condition::Bad},
                                                                                      {"BYE", Condition::Bye},
                                                                                      {"PREAUTH", Condition::Preauth}}};
  const std::string_view name = in.word();
  bool known = false;
  for (const auto& [text, condition] : kConditions) {
    if (!iequals(text, name)) continue;
    out.condition = condition;
    known = true;
  }
  if (!known) return in.malformed("neither OK, NO, BAD, BYE nor PREAUTH");
  if (!in.at_end() && !in.expect_space()) return false;
  std::string_view rest = in.rest();
  in.seek(in.offset() + rest.size());
  if (rest.starts_with('[')) {
    const size_t end = code_end(rest.substr(1));
    if (end != std::string_view::npos) {
      read_code(rest.substr(1, end), out, in.quirks());
      rest.remove_prefix(end + 2);
    }
  }
  out.text = trim(rest);
  if (out.text.empty()) in.note(Quirk::MissingText);
  return true;
}

namespace {

bool names_one_twice(std::vector<uint32_t> uids) {
  std::ranges::sort(uids);
  return std::ranges::adjacent_find(uids) != uids.end();
}

std::optional<uint32_t> validity_of(const StatusLine& line) {
  if (line.number == 0 || line.number > UINT32_MAX) return std::nullopt;
  return static_cast<uint32_t>(line.number);
}

}  // namespace

std::optional<AppendedUids> appended_uids(const StatusLine& line, size_t most) {
  const auto validity = validity_of(line);
  if (line.code != Code::AppendUid || !validity) return std::nullopt;
  std::string_view text = line.arguments;
  next_word(text);
  auto uids = numbers_in_order(next_word(text), most);
  if (!uids || names_one_twice(*uids)) return std::nullopt;
  return AppendedUids{.uid_validity = *validity, .uids = *std::move(uids)};
}

std::optional<CopiedUids> copied_uids(const StatusLine& line, size_t most) {
  const auto validity = validity_of(line);
  if (line.code != Code::CopyUid || !validity) return std::nullopt;
  std::string_view text = line.arguments;
  next_word(text);
  const auto from = numbers_in_order(next_word(text), most), to = numbers_in_order(next_word(text), most);
  if (!from || !to || from->size() != to->size() || names_one_twice(*from) || names_one_twice(*to)) return std::nullopt;
  CopiedUids copied{.uid_validity = *validity};
  for (size_t i = 0; i < from->size(); ++i) copied.uids.emplace_back((*from)[i], (*to)[i]);
  return copied;
}

}  // namespace libsync::imap
