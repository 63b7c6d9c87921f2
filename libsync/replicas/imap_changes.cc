#include "libsync/replicas/imap_changes.h"

#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include "libsync/base/text.h"
#include "libsync/base/words.h"
#include "libsync/imap/search.h"
#include "libsync/replicas/imap_facts.h"

namespace libsync::replicas {
namespace {

// A mailbox that is never as it was a moment ago is given up for this run.
constexpr int kMaxAttempts = 4;
// No count: the engine finds a difference, deletes nothing and looks again.
constexpr uint64_t kNoCount = std::numeric_limits<uint64_t>::max();

std::string_view next_word(std::string_view& text) {
  const size_t space = text.find(' ');
  const std::string_view word = text.substr(0, space);
  text.remove_prefix(space == std::string_view::npos ? text.size() : space + 1);
  return word;
}

std::string items(const imap::Capabilities& can) {
  std::string text = "UID FLAGS RFC822.SIZE INTERNALDATE";
  if (can.has("OBJECTID"))
    text += " EMAILID";
  else if (can.gmail())
    text += " X-GM-MSGID";
  return text;
}

bool is_nonexistent(imap::Code code) { return code == imap::Code::NonExistent || code == imap::Code::TryCreate; }

}  // namespace

std::string ImapCursor::text() const {
  return fmt::format("1 {} {} {} {} {}", uid_validity, uid_next, modseq, exists, wire);
}

std::optional<ImapCursor> ImapCursor::parse(std::string_view text) {
  if (next_word(text) != "1") return std::nullopt;
  const auto validity = parse_u64(next_word(text)), next = parse_u64(next_word(text));
  const auto modseq = parse_u64(next_word(text)), exists = parse_u64(next_word(text));
  if (!validity || !next || !modseq || !exists || *validity > UINT32_MAX || *next > UINT32_MAX) return std::nullopt;
  return ImapCursor{.uid_validity = static_cast<uint32_t>(*validity),
                    .uid_next = static_cast<uint32_t>(*next),
                    .modseq = *modseq,
                    .exists = *exists,
                    .wire = std::string(text)};
}

void ImapChanges::keep(Status status) {
  if (status_ && !status) status_ = std::move(status);
}

Status ImapChanges::run(std::span<const sync::BoxCursor> cursors, std::stop_token stop) {
  c_.listen(this);
  for (const sync::BoxCursor& cursor : cursors) keep(plan(cursor));
  while (status_ && (!waiting_.empty() || !looks_.empty())) {
    while (status_ && !waiting_.empty() && flight_.may_open(looks_.size())) {
      Look look = std::move(waiting_.front());
      waiting_.pop_front();
      keep(start(std::move(look)));
    }
    if (status_) keep(c_.step({}, stop));
  }
  c_.listen(nullptr);
  if (!status_) c_.abandon();
  return status_;
}

// Which way to look at a mailbox, or none at all.
Status ImapChanges::plan(const sync::BoxCursor& asked) {
  Look look;
  look.box = asked.box;
  look.cursor = ImapCursor::parse(asked.cursor);
  ImapBox* known = mailboxes_.find(asked.box);
  if (known != nullptr) {
    look.wire = known->wire;
  } else if (look.cursor) {
    look.wire = look.cursor->wire;
  } else if (const auto wire = mailboxes_.guess_wire(asked.box)) {
    look.wire = *wire;
  }
  if (known == nullptr && mailboxes_.was_deleted(asked.box)) return sink_.missing(asked.box);
  if (look.wire.empty()) {
    // Known by an id alone, and not in the list: without its name the server can't be asked.
    return sink_.unreadable(asked.box,
                            {.code = Errc::NotFound, .what = std::string(word("the server does not list it"))});
  }
  if (look.cursor) look.mode = best_mode(*look.cursor);
  if (known != nullptr && known->fresh) {
    const imap::StatusData now = *known->fresh;
    known->fresh.reset();
    const auto& was = look.cursor;
    if (was && was->modseq != 0 && now.highest_modseq == was->modseq && now.uid_next == was->uid_next &&
        now.uid_validity == was->uid_validity && now.messages == was->exists) {
      return {};
    }
    // What there is nothing of is not asked for; if something comes meanwhile, we look again.
    look.always_fetch = look.mode == Mode::Qresync ? now.uid_next != was->uid_next : now.messages != 0U;
  } else {
    look.always_fetch = true;
  }
  waiting_.push_back(std::move(look));
  return {};
}

ImapChanges::Mode ImapChanges::best_mode(const ImapCursor& cursor) const {
  if (cursor.modseq == 0 || cursor.uid_validity == 0) return Mode::Full;
  if (c_.qresync) return Mode::Qresync;
  return c_.can().condstore() ? Mode::Condstore : Mode::Full;
}

Status ImapChanges::start(Look look) {
  imap::SelectOptions options{.condstore = c_.can().condstore()};
  if (look.mode == Mode::Qresync) {
    options.uid_validity = look.cursor->uid_validity;
    options.modseq = look.cursor->modseq;
  }
  TB_TRY(look.send(c_, options));
  TB_TRY(send_fetch(look));
  looks_.push_back(std::move(look));
  return {};
}

Status ImapChanges::send_fetch(Look& look) {
  if (!look.always_fetch) return {};
  if (look.mode == Mode::Qresync) {
    const std::string set = fmt::format("{}:*", std::max(look.cursor->uid_next, 1U));
    TB_ASSIGN(look.fetch, c_.send(imap::uid_fetch(set, items(c_.can()))));
    return {};
  }
  const uint64_t since = look.mode == Mode::Condstore ? look.cursor->modseq : 0;
  TB_ASSIGN(look.fetch, c_.send(imap::uid_fetch("1:*", items(c_.can()), {.changed_since = since})));
  if (look.mode == Mode::Condstore) {
    TB_ASSIGN(look.search, c_.send(imap::uid_search("ALL", c_.can().esearch())));
  }
  return {};
}

// What the server says

void ImapChanges::on_status(const imap::StatusLine& line) {
  ImapListener::on_status(line);
  Look* look = current();
  if (look == nullptr || look->examined) return;
  if (look->take(line)) {
    look->early.clear();
    look->gone = {};
  }
}

void ImapChanges::on_flags(const imap::FlagList& flags) {
  if (Look* look = current()) look->state.take(flags);
}

void ImapChanges::on_exists(uint64_t count) {
  Look* look = current();
  if (look == nullptr) return;
  if (look->examined && count < look->state.exists) look->shrank = true;
  look->state.exists = count;
}

void ImapChanges::on_expunge(uint64_t) {
  Look* look = current();
  if (look != nullptr && look->examined && look->state.exists > 0) --look->state.exists;
}

void ImapChanges::on_vanished(const imap::VanishedData& data) {
  Look* look = current();
  // Before the mailbox is open, only what went earlier can be meant; the rest is the one before's.
  if (look == nullptr || (!look->examined && !data.earlier)) return;
  for (const auto& range : data.uids.ranges()) look->gone.add(range.first, range.last);
  if (!data.earlier) look->state.exists -= std::min(look->state.exists, data.uids.count());
}

void ImapChanges::on_search(const imap::SearchData& data) {
  Look* look = current();
  if (look == nullptr || look->search == 0 || !look->opened || !data.answers(look->search)) return;
  look->searched = true;
  for (const auto& range : data.all.ranges()) look->there.add(range.first, range.last);
}

void ImapChanges::on_fetch(const imap::FetchData& data) {
  Look* look = current();
  if (look == nullptr) return;
  // An answer to our FETCH names the size even where it can't be read; others are news of flags alone.
  const bool whole = data.names_size;
  if (!data.uid || *data.uid == 0) {
    if (whole) on_malformed(fmt::format("* {} FETCH", data.number), "no UID");
    return;
  }
  if (!whole && !data.has_flags) return;
  if (!look->examined) {
    if (look->mode == Mode::Qresync) look->early.push_back({.uid = *data.uid, .flags = to_flags(data.flags)});
    return;
  }
  if (!look->opened) return;
  // "n:*" gives the last message even if it is older than n.
  const bool known = look->cursor && look->mode != Mode::Full && *data.uid < look->cursor->uid_next;
  if (look->mode == Mode::Qresync && whole && known) return;
  // Flags alone of a message not told yet: the full line comes, now or at the next look.
  if (!whole && !known && *data.uid > look->top) return;
  see(*look, *data.uid, to_facts(data));
}

// What such a line said is not known: the mailbox's count shows whether a message is missing, and the user
// is told in any case.
void ImapChanges::on_malformed(std::string_view text, std::string_view why) {
  Look* look = current();
  if (look == nullptr || !status_) return;
  if (look->malformed++ == 0) look->malformed_first = shown_line(text, why);
}

void ImapChanges::on_done(const imap::Completion& done) {
  ImapListener::on_done(done);
  const ImapAnswer answer = c_.take_answer(done.id).value_or(ImapAnswer{});
  Look* look = current();
  if (look == nullptr || !status_) return;
  if (done.id == look->examine) {
    look->settle(c_, done.line);
    if (answer.ok()) {
      examined(*look);
    } else {
      refused(*look, answer);
    }
  } else if (done.id == look->fetch || done.id == look->search) {
    (done.id == look->fetch ? look->fetch : look->search) = 0;
    // Some servers refuse 1:* in an empty mailbox.
    if (!answer.ok() && look->opened && look->state.exists > 0 && !look->trouble) {
      look->trouble = c_.error(Errc::Refused, say("the messages of {} can't be listed", printable(look->wire)), answer);
    }
  }
  while (status_ && !looks_.empty() && looks_.front().answered()) {
    Look finished = std::move(looks_.front());
    looks_.pop_front();
    finish(std::move(finished));
  }
}

// What follows from it

void ImapChanges::examined(Look& look) {
  if (!look.state.uid_next) c_.session().note(imap::Quirk::NoUidNext);
  if (look.state.uid_validity == 0) {
    look.trouble = Error{
        .code = Errc::Protocol,
        .what = say("{}: {} has no UIDVALIDITY: its messages can't be told apart", c_.host(), printable(look.wire))};
    return;
  }
  // Another mailbox has taken the name of one that is known by its MAILBOXID.
  const bool other = c_.can().has("OBJECTID") && !look.state.mailbox_id.empty() && look.state.mailbox_id != look.box;
  if (other && mailboxes_.find(look.box) == nullptr) return keep(sink_.missing(look.box));
  if (!believable(look)) return again(look, Mode::Full);
  if (look.mode == Mode::Qresync) look.gone.cut(look.cursor->uid_next == 0 ? 0 : look.cursor->uid_next - 1);
  if (look.mode == Mode::Qresync && look.gone.count() > kMaxVanishedKeys) return again(look, Mode::Condstore);
  const bool more = look.mode == Mode::Qresync ? look.state.uid_next.value_or(0) > look.cursor->uid_next
                                               : look.mode == Mode::Condstore || look.state.exists > 0;
  if (more && look.fetch == 0) return again(look, look.mode);
  open(look);
}

// Numbers that went backwards since the cursor: only a full look tells.
bool ImapChanges::believable(const Look& look) const {
  if (look.mode == Mode::Full) return true;
  const ImapCursor& was = *look.cursor;
  return look.state.uid_validity == was.uid_validity && look.state.highest_modseq.value_or(0) >= was.modseq &&
         look.state.uid_next.value_or(was.uid_next) >= was.uid_next;
}

void ImapChanges::again(const Look& look, Mode mode) {
  if (look.attempt + 1 >= kMaxAttempts) {
    keep(sink_.unreadable(look.box, Error{.code = Errc::Protocol,
                                          .what = say("{}: {} gives other numbers each time it is opened", c_.host(),
                                                      printable(look.wire)),
                                          .retry = true}));
    return;
  }
  Look next;
  next.box = look.box;
  next.wire = look.wire;
  next.cursor = look.cursor;
  next.mode = mode;
  next.always_fetch = true;
  next.attempt = look.attempt + 1;
  waiting_.push_back(std::move(next));
}

void ImapChanges::refused(Look& look, const ImapAnswer& answer) {
  const bool in_list = mailboxes_.in_list(look.wire);
  const bool says_no = answer.condition == imap::Condition::No;
  const bool plain = answer.code == imap::Code::None || answer.code == imap::Code::Unknown;
  if (says_no && (is_nonexistent(answer.code) || (plain && mailboxes_.listed() && !in_list))) {
    keep(sink_.missing(look.box));
    return;
  }
  look.trouble = c_.error(Errc::Refused, say("{} can't be opened", printable(look.wire)), answer);
}

void ImapChanges::open(Look& look) {
  const imap::SelectData& state = look.state;
  const bool writable = c_.options().writable && !state.read_only;
  // EXAMINE says that nothing can be stored (PERMANENTFLAGS ()); what the mailbox can hold is in FLAGS.
  imap::SelectData can_hold = state;
  if (!writable) can_hold.told_permanent = false;
  const sync::FlagMask storable = to_mask(can_hold);
  if (ImapBox* known = mailboxes_.find(look.box); known != nullptr && writable) known->storable = storable;
  const sync::Rights rights{.read_only = !writable, .add = writable, .remove = writable, .set_flags = writable};
  // HIGHESTMODSEQ alone is lower after an index was made anew.
  const bool rewound = look.cursor && look.cursor->uid_validity == state.uid_validity &&
                       state.uid_next.value_or(look.cursor->uid_next) < look.cursor->uid_next;
  keep(sink_.open(look.box, {.epoch = state.uid_validity,
                             .full = look.mode == Mode::Full,
                             .rewound = rewound,
                             .storable = storable,
                             .rights = rights}));
  look.opened = true;
  for (const Flagged& each : look.early) {
    // New ones come whole by the FETCH.
    if (each.uid < look.cursor->uid_next) see(look, each.uid, {.flags = each.flags, .date = {}});
  }
  look.early.clear();
}

void ImapChanges::see(Look& look, uint32_t uid, const sync::Facts& facts) {
  if (!status_) return;
  look.top = std::max(look.top, uid);
  keep(sink_.seen({.box = look.box, .epoch = look.state.uid_validity, .key = {.number = uid}}, facts));
}

void ImapChanges::report_gone(const Look& look) {
  if (look.mode == Mode::Condstore) {
    std::vector<sync::KeyRange> ranges;
    for (const auto& range : look.there.ranges()) ranges.push_back({range.first, range.last});
    keep(sink_.present(look.box, ranges));
    return;
  }
  if (look.mode == Mode::Full) return;
  for (const auto& range : look.gone.ranges()) {
    for (uint64_t uid = range.first; uid <= range.last && status_; ++uid) {
      keep(sink_.vanished(look.box, look.state.uid_validity, {.number = uid}));
    }
  }
}

void ImapChanges::report_malformed(const Look& look) {
  if (look.malformed == 0 || !status_) return;
  keep(sink_.unreadable(
      look.box,
      Error{.code = Errc::Protocol,
            .what = look.malformed == 1 ? say("{}: an answer in {} can't be read", c_.host(), printable(look.wire))
                                        : say("{}: {} answers in {} can't be read", c_.host(),
                                              with_separators(look.malformed), printable(look.wire)),
            .server = look.malformed_first}));
}

void ImapChanges::finish(Look look) {
  const bool unlisted = look.opened && look.mode == Mode::Condstore && !look.searched && look.state.exists > 0;
  if (unlisted && !look.trouble) {
    look.trouble = Error{.code = Errc::Protocol,
                         .what = say("{}: no answer to UID SEARCH in {}", c_.host(), printable(look.wire))};
  }
  if (look.opened && look.trouble) keep(sink_.close(look.box, "", kNoCount));
  if (look.trouble) return keep(sink_.unreadable(look.box, *look.trouble));
  if (!look.opened) return report_malformed(look);
  // Looked at whole by the next call: fewer messages without a word of which went; or a word only now, of more than
  // can have been there.
  if (look.shrank || (look.mode == Mode::Qresync && look.gone.count() > kMaxVanishedKeys)) {
    keep(sink_.close(look.box, "", kNoCount));
    return report_malformed(look);
  }
  report_gone(look);
  const uint32_t next = std::max(look.state.uid_next.value_or(0), look.top == UINT32_MAX ? look.top : look.top + 1);
  const ImapCursor cursor{.uid_validity = look.state.uid_validity,
                          .uid_next = next,
                          .modseq = look.state.no_modseq ? 0 : look.state.highest_modseq.value_or(0),
                          .exists = look.state.exists,
                          .wire = look.wire};
  // Where something could not be read, the next look is a whole one.
  if (status_) keep(sink_.close(look.box, look.malformed == 0 ? cursor.text() : "", look.state.exists));
  report_malformed(look);
  mailboxes_.looked[look.wire] = {.exists = look.state.exists, .uid_next = look.state.uid_next.value_or(0)};
}

}  // namespace libsync::replicas
