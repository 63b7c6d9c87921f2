#include "libsync/server/imap_core.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "libsync/base/text.h"
#include "libsync/imap/command.h"
#include "libsync/imap/limits.h"
#include "libsync/imap/names.h"
#include "libsync/server/imap_append.h"
#include "libsync/server/imap_text.h"
#include "libsync/sync/path.h"

namespace libsync::server {
namespace {

const SystemClock kMachineClock;

constexpr std::string_view kSlashWithin = "\xE2\x88\x95";  // U+2215, for a '/' inside a level of a name

std::string_view code_of(const Error& error) {
  if (error.hint == kUnknownEncoding) return kUnknownEncoding;
  switch (error.code) {
    case Errc::NotFound:
      return "NONEXISTENT";
    case Errc::Refused:
      return "NOPERM";
    case Errc::Usage:
      return "CANNOT";
    case Errc::Limit:
      return "LIMIT";
    case Errc::Busy:
      return "INUSE";
    case Errc::Corrupt:
      return "SERVERBUG";
    default:
      return "UNAVAILABLE";
  }
}

}  // namespace

Imap::Imap(ImapOptions options, Steady::time_point now)
    : options_(std::move(options)),
      login_({.context = {.find_password = options_.find_password,
                          .random = options_.random,
                          .bindings = options_.bindings,
                          .host = options_.host,
                          .salt_secret = options_.salt_secret},
              .off = options_.off,
              .asked_for = options_.asked_for,
              .failed_logins = options_.limits.failed_logins,
              .failed_login_delay = options_.limits.failed_login_delay}),
      encrypted_(options_.encrypted),
      now_(now),
      patience_ends_(now + options_.limits.login_timeout) {
  for (const Extension* each : extensions()) on_.set(static_cast<size_t>(each->id), !names_off(each->name));
  // What can't be asked for without another one is not on offer without it.
  constexpr std::pair<Ext, Ext> kNeeds[] = {{Ext::Qresync, Ext::Condstore},          {Ext::Qresync, Ext::Enable},
                                            {Ext::Utf8Accept, Ext::Enable},          {Ext::SearchRes, Ext::Esearch},
                                            {Ext::ListStatus, Ext::ListExtended},    {Ext::Imap4rev2, Ext::Enable},
                                            {Ext::CreateSpecialUse, Ext::SpecialUse}};
  for (const auto& [ext, needed] : kNeeds) {
    if (!has(needed)) on_.reset(static_cast<size_t>(ext));
  }
  // RFC 9051, appendix E: what was an extension of the first and is part of the second.
  for (const Ext part : {Ext::Namespace, Ext::Unselect, Ext::UidPlus, Ext::Esearch, Ext::SearchRes, Ext::Enable,
                         Ext::Idle, Ext::SaslIr, Ext::ListExtended, Ext::ListStatus, Ext::Move, Ext::LiteralMinus,
                         Ext::StatusSize, Ext::Binary, Ext::SpecialUse, Ext::Children}) {
    if (!has(part)) on_.reset(static_cast<size_t>(Ext::Imap4rev2));
  }
  untagged("OK [CAPABILITY " + capabilities() + "] twinbox");
}

Imap::~Imap() = default;

bool Imap::names_off(std::string_view name) const {
  return std::ranges::any_of(options_.off, [&](const std::string& each) { return iequals(each, name); });
}

int64_t Imap::unix_seconds() const {
  return (options_.clock == nullptr ? kMachineClock : *options_.clock).unix_seconds();
}

// Answers

void Imap::trace(TraceKind kind, std::string_view text) {
  if (options_.trace != nullptr) options_.trace->line(kind, text);
}

void Imap::put(std::string_view text, std::string_view shown) {
  output_ += text;
  in_line_ = true;
  if (traces()) traced_ += shown;
}

void Imap::end_line() {
  output_ += "\r\n";
  in_line_ = false;
  trace(TraceKind::Server, traced_);
  traced_.clear();
}

void Imap::untagged(std::string_view text) {
  raw("* ");
  raw(text);
  end_line();
}

void Imap::proceed() {
  raw("+ ready");
  end_line();
}

void Imap::proceed_with(std::string_view challenge) {
  trace(TraceKind::Server, challenge.empty() ? "+ " : "+ ***");
  output_.append("+ ").append(challenge).append("\r\n");
}

void Imap::tagged(std::string_view condition, std::string_view text, std::string_view code) {
  if (closed_) return;
  raw(tag_.empty() ? "*" : tag_);
  raw(" ");
  raw(condition);
  raw(code.empty() ? " " : fmt::format(" [{}] ", code));
  raw(text);
  end_line();
}

void Imap::ok(std::string_view text, std::string_view code) {
  if (selected_) tell_changes(running_ == nullptr || !running_->keeps_numbers || uid_form_);
  tagged("OK", text, code);
  bad_commands_ = 0;
}

void Imap::no(std::string_view text, std::string_view code) {
  if (selected_) tell_changes(running_ == nullptr || !running_->keeps_numbers || uid_form_);
  tagged("NO", text, code);
}

void Imap::bad(std::string_view text, std::string_view code) {
  tagged("BAD", text, code);
  count_bad();
}

void Imap::count_bad() {
  if (++bad_commands_ > limits().bad_commands) bye("too many bad commands");
}

void Imap::refuse(const Error& error) { no(printable(error.what), code_of(error)); }

void Imap::bye(std::string_view text, std::string_view code) {
  if (closed_) return;
  untagged(code.empty() ? fmt::format("BYE {}", text) : fmt::format("BYE [{}] {}", code, text));
  closed_ = true;
}

// In the middle of an answer there is nothing to be said.
void Imap::shut_down(std::string_view why) {
  work_.reset();
  in_line_ ? close() : bye(why, "UNAVAILABLE");
}

// Input

void Imap::feed(std::string_view bytes) {
  if (closed_ || wants_tls_) return;
  input_.erase(0, std::exchange(taken_, 0));
  input_ += bytes;
}

bool Imap::wants_input() const {
  return !closed_ && !wants_tls_ && !wants_deflate_ && input_.size() - taken_ < limits().input;
}

Deadline Imap::deadline() const {
  if (work_) return now_;
  return login_.answer_at() ? std::min(*login_.answer_at(), patience_ends_) : patience_ends_;
}

std::string Imap::take_output(Steady::time_point now) {
  now_ = now;
  while (!closed_ && !wants_tls_ && !wants_deflate_ && output_.size() < limits().output && step()) {
  }
  // A message may have taken longer than that to be sent or stored.
  if (!output_.empty() && mail_ != nullptr) patience_ends_ = now + limits().idle_timeout;
  if (!closed_ && output_.empty() && !work_ && now >= patience_ends_) bye("nothing came for too long");
  if (closed_) {
    // A maildrop or a spool that waits is let go at once.
    work_.reset();
    appending_.reset();
  }
  return std::exchange(output_, {});
}

// One thing at a time; false: nothing can be done now.
bool Imap::step() {
  if (login_.answer_at()) {
    if (!login_.take_answer(now_)) return false;
    no("wrong user name or password", "AUTHENTICATIONFAILED");
    if (login_.too_many()) bye("too many failed logins");
    return true;
  }
  if (work_) {
    const size_t before = output_.size();
    if (work_->more(*this)) {
      work_.reset();
      return true;
    }
    // Work without words lets the connection look whether it is to stop.
    return output_.size() != before;
  }
  if (dialogue_) dialogue_->look(*this);
  if (watching_ && !appending_) {
    watching_->look(*this);
    if (work_ || closed_) return true;
  }
  std::string_view bytes = std::string_view(input_).substr(taken_);
  const size_t had = bytes.size();
  reader_.expect_plain_line(dialogue_ != nullptr);
  const auto found = reader_.next(bytes, mail_ ? limits().command : limits().command_before_login);
  taken_ += had - bytes.size();
  if (reader_.dropped() > limits().discard) {
    bye("the literal is too large", "TOOBIG");
    return true;
  }
  switch (found) {
    case CommandReader::Found::Nothing:
      // Who has not logged in is not listened to until the end of such a line, which may never come.
      if (mail_ == nullptr && reader_.over_long()) {
        bye("the command is too long");
        return true;
      }
      if (mail_ && had > 0) patience_ends_ = now_ + (reader_.idle() ? limits().idle_timeout : limits().command_timeout);
      return false;
    case CommandReader::Found::Literal:
      announced();
      return true;
    case CommandReader::Found::Octets:
      appending_->data(reader_.octets());
      patience_ends_ = now_ + limits().command_timeout;
      return true;
    case CommandReader::Found::End:
      appending_->end(reader_.frame());
      return true;
    case CommandReader::Found::Command:
      command();
      return true;
    case CommandReader::Found::TooLong:
      if (mail_ == nullptr && refused_text_.empty()) {
        bye("the command is too long");
        return true;
      }
      // Without a space behind it, it may be a part of a tag.
      tag_ = std::string(reader_.frame().text.substr(0, reader_.frame().text.find(' ')));
      if (!imap::is_atom(tag_) || tag_.size() == reader_.frame().text.size()) tag_.clear();
      appending_.reset();
      if (dialogue_) dialogue_.reset();
      refused_text_.empty() ? bad("the command is too long", "LIMIT")
                            : refuse_literal(std::exchange(refused_text_, {}), std::exchange(refused_code_, {}));
      return true;
  }
  return false;
}

void Imap::refuse_literal(std::string_view text, std::string_view code) {
  if (code == "BAD") {
    bad(text);
  } else {
    no(text, code);
  }
}

void Imap::announced() {
  const AnnouncedLiteral& literal = reader_.literal();
  const imap::Frame frame = reader_.frame();
  std::optional<LiteralRefused> refused;
  const bool streams = mail_ != nullptr && Appending::announces_message(frame);
  const bool plus_allowed = has(Ext::LiteralPlus) || (has(Ext::LiteralMinus) && literal.size <= imap::kLiteralMinus);
  if (!literal.synchronising && !plus_allowed) {
    refused = LiteralRefused{.text = "such a literal was not offered", .is_bad = true};
  } else if (streams) {
    if (!appending_) appending_ = std::make_unique<Appending>();
    refused = appending_->begin(*this, frame, literal);
  } else if (const size_t limit = mail_ ? limits().command : limits().command_before_login;
             literal.size > limit || frame.text.size() + literal.size > limit ||
             reader_.literals() >= limits().literals) {
    refused = LiteralRefused{.text = "the literal is too large", .code = "TOOBIG"};
  }
  if (refused) {
    appending_.reset();
    tag_ = std::string(frame.text.substr(0, frame.text.find(' ')));
    if (!imap::is_atom(tag_)) tag_.clear();
    refused_text_ = refused->text;
    refused_code_ = refused->is_bad ? "BAD" : refused->code;
    trace(TraceKind::Client, shown(frame.text));
    const bool waits = literal.synchronising;
    reader_.drop();
    if (waits) refuse_literal(std::exchange(refused_text_, {}), std::exchange(refused_code_, {}));
    return;
  }
  streams ? reader_.stream() : reader_.keep();
  if (literal.synchronising) proceed();
}

// What a trace shows of a command: no passwords, no proofs. Before the login what is no command may be either, without
// its tag or behind a literal that was refused.
std::string Imap::shown(std::string_view text) const {
  imap::Quirks quirks;
  imap::Parser in({.text = text, .literals = {}}, quirks);
  const std::string_view tag = in.word();
  in.space();
  const std::string_view name = in.word();
  size_t keep = text.npos;
  if (iequals(tag, "LOGIN") || iequals(tag, "AUTHENTICATE")) keep = 0;
  if (mail_ == nullptr && find(name, false) == nullptr) keep = 0;
  if (iequals(name, "LOGIN")) keep = in.offset();
  if (iequals(name, "AUTHENTICATE")) {
    in.space();
    in.word();
    keep = in.offset();
  }
  if (keep >= text.size()) return std::string(text);
  return std::string(text.substr(0, keep)) + (keep == 0 ? "***" : " ***");
}

void Imap::trace_command() {
  if (options_.trace == nullptr) return;
  if (dialogue_) return trace(TraceKind::Client, dialogue_->secret() ? "***" : reader_.frame().text);
  std::string text;
  const imap::Frame frame = reader_.frame();
  size_t at = 0;
  for (const auto& literal : frame.literals) {
    text += frame.text.substr(at, literal.at - at);
    if (text.ends_with("\r\n")) text.resize(text.size() - 2);
    text += fmt::format(" ({} octets)", with_separators(literal.size));
    at = literal.at + static_cast<size_t>(literal.streamed ? 0 : literal.size);
  }
  text += frame.text.substr(at);
  trace(TraceKind::Client, shown(text));
}

void Imap::command() {
  trace_command();
  const imap::Frame frame = reader_.frame();
  if (dialogue_) {
    auto dialogue = std::move(dialogue_);
    if (!dialogue->line(*this, frame.text)) dialogue_ = std::move(dialogue);
    return;
  }
  imap::Parser in(frame, quirks_);
  tag_ = std::string(in.atom());
  running_ = nullptr;
  if (!imap::is_atom(tag_) || tag_ == "+" || !in.space()) {
    tag_.clear();
    return bad("a tag and a command, as in \"a1 NOOP\"");
  }
  if (mail_ == nullptr && ++commands_ > limits().commands_before_login) return bye("log in first");
  const std::string_view name = in.atom();
  if (appending_) {
    const auto appending = std::move(appending_);
    running_ = nullptr;
    return appending->finish(*this, frame);
  }
  run_command(in, name);
}

const CommandRow* Imap::find(std::string_view name, bool uid) const {
  for (const Extension* each : extensions()) {
    if (!has(each->id)) continue;
    for (const CommandRow& row : each->commands) {
      const bool fits = row.uid == UidForm::Also || uid == (row.uid == UidForm::Only);
      if (fits && iequals(row.name, name)) return &row;
    }
  }
  return nullptr;
}

void Imap::run_command(imap::Parser& in, std::string_view name) {
  uid_form_ = iequals(name, "UID") && in.space();
  if (uid_form_) name = in.atom();
  const CommandRow* row = find(name, uid_form_);
  if (row == nullptr) return bad("no such command");
  const States now = mail_ == nullptr ? kBeforeLogin : selected_ ? kSelectedOnly : kLoggedIn;
  if ((row->states & now) == 0) {
    return bad(mail_ == nullptr              ? "log in first"
               : row->states == kBeforeLogin ? "not now: you are logged in"
                                             : "select a mailbox first");
  }
  running_ = row;
  row->run(*this, in, uid_form_);
}

// Login

void Imap::log_in(const std::string& user) {
  auto mail = options_.open_mail(user);
  if (!mail) return no(printable(mail.error().what), "UNAVAILABLE");
  mail_ = std::move(*mail);
  generation_ = mail_->generation();
  patience_ends_ = now_ + limits().idle_timeout;
  ok("logged in", "CAPABILITY " + capabilities());
}

bool Imap::can_begin_tls() const { return options_.has_tls && !encrypted_ && !names_off("STARTTLS"); }

void Imap::begin_tls() {
  ok("begin TLS");
  // Whoever put something behind it wants it to be read as if it came inside (CVE-2011-0411 and others).
  input_.clear();
  taken_ = 0;
  wants_tls_ = true;
  patience_ends_ = now_ + limits().login_timeout;
}

void Imap::tls_started(std::vector<sasl::ChannelBinding> bindings, Steady::time_point now) {
  wants_tls_ = false;
  encrypted_ = true;
  login_.bind(std::move(bindings));
  patience_ends_ = now + limits().login_timeout;
}

void Imap::begin_deflate() { deflating_ = wants_deflate_ = true; }

std::optional<std::string> Imap::take_deflate() {
  if (!std::exchange(wants_deflate_, false)) return std::nullopt;
  std::string behind = input_.substr(taken_);
  input_.clear();
  taken_ = 0;
  return behind;
}

// Mailboxes

std::string Imap::wire_name(const sync::Path& path) const {
  std::string name;
  for (const std::string& component : path) {
    if (!name.empty()) name += '/';
    for (const char c : component) c == '/' ? name += kSlashWithin : name += c;
  }
  if (utf8()) return name;
  return imap::encode_mutf7(name).value_or(name);
}

std::optional<sync::Path> Imap::path_of(std::string_view wire) const {
  if (wire.empty() || wire.size() > imap::kMaxMailboxName) return std::nullopt;
  while (wire.size() > 1 && wire.ends_with('/')) wire.remove_suffix(1);
  auto split = imap::split_name(wire, '/', utf8());
  if (!split.canonical || !sync::is_plain(split.components)) return std::nullopt;
  return std::move(split.components);
}

Result<std::optional<Folder>> Imap::find_folder(const sync::Path& path) {
  TB_ASSIGN(auto folders, mail_->folders());
  const std::string name = wire_name(path);
  for (Folder& folder : folders) {
    if (folder.path == path) return std::move(folder);
  }
  for (Folder& folder : folders) {
    if (wire_name(folder.path) == name) return std::move(folder);
  }
  return std::nullopt;
}

void Imap::select(Selected selected, uint64_t generation) {
  selected_ = std::move(selected);
  generation_ = generation;
}

void Imap::unselect() { selected_.reset(); }

void Imap::tell_keywords(const sync::Flags& flags) {
  auto& known = selected_->keywords;
  const size_t before = known.size();
  for (const std::string& keyword : flags.keywords) {
    const auto same = [&](const std::string& each) { return iequals(each, keyword); };
    if (known.size() < kMaxToldKeywords && std::ranges::none_of(known, same)) known.push_back(keyword);
  }
  if (known.size() != before) untagged("FLAGS " + flag_list(known));
}

void Imap::tell_flags(const MessageRow& row, bool with_uid) {
  const auto number = selected_->uids.number_of(row.uid);
  if (!number) return;
  tell_keywords(row.flags);
  std::string text = fmt::format("{} FETCH (", *number);
  if (with_uid || enabled(Ext::Qresync) || rev2()) text += fmt::format("UID {} ", row.uid);
  text += "FLAGS " + flag_list(row.flags);
  if (wants_modseq()) text += fmt::format(" MODSEQ ({})", row.modseq);
  untagged(text + ")");
}

void Imap::tell_vanished(const imap::SequenceSet& uids) {
  const imap::SequenceSet gone = selected_->uids.among(uids);
  if (gone.empty()) return;
  if (enabled(Ext::Qresync)) {
    selected_->uids.remove(gone, [](uint32_t, uint32_t) {});
    return untagged("VANISHED " + gone.text());
  }
  selected_->uids.remove(gone, [&](uint32_t number, uint32_t) { untagged(fmt::format("{} EXPUNGE", number)); });
}

void Imap::tell_gone(const imap::SequenceSet& uids) {
  // What went before it by others is told with it, in one order.
  for (const auto& range : uids.ranges()) selected_->vanished.add(range.first, range.last);
  tell_vanished(std::exchange(selected_->vanished, {}));
}

void Imap::take_changes(Mail::Changes changes) {
  Selected& s = *selected_;
  if (changes.whole) {
    const imap::SequenceSet gone = s.uids.among(changes.vanished);
    for (const auto& range : gone.ranges()) s.vanished.add(range.first, range.last);
  } else {
    const imap::SequenceSet gone = minus(s.uids.all(), changes.uids);
    for (const auto& range : gone.ranges()) s.vanished.add(range.first, range.last);
  }
  const uint32_t before = s.uids.count();
  imap::SequenceSet arrived;
  for (const MessageRow& row : changes.rows) {
    if (row.uid <= s.uids.last_uid()) continue;
    s.uids.append(row.uid);
    arrived.add(row.uid);
  }
  if (!arrived.empty()) untagged(fmt::format("{} EXISTS", s.uids.count()));
  if (!arrived.empty() && watching_) watching_->arrived(arrived);
  for (const MessageRow& row : changes.rows) {
    const auto own = s.own.find(row.uid);
    if (own != s.own.end() && own->second >= row.modseq) continue;
    if (const auto number = s.uids.number_of(row.uid); number && *number <= before) tell_flags(row, false);
  }
  s.own.clear();
  s.modseq = changes.folder.highestmodseq;
}

void Imap::tell_changes(bool with_expunged) {
  if (const uint64_t generation = mail_->generation(); generation != generation_) {
    auto changes = mail_->changes(selected_->id, selected_->modseq);
    // Where it can't be told now, what is wrong will show in the next command that reads or writes.
    if (changes && (!*changes || (*changes)->folder.uidvalidity != selected_->uidvalidity)) {
      return bye("the mailbox that was selected is gone");
    }
    if (changes) {
      take_changes(std::move(**changes));
      generation_ = generation;
    }
  }
  if (with_expunged && !selected_->vanished.empty()) tell_vanished(std::exchange(selected_->vanished, {}));
}

}  // namespace libsync::server
