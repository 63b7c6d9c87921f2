// QRESYNC (RFC 7162, section 3.2): what changed and what went since a client looked last, with SELECT.
#include <algorithm>

#include <fmt/format.h>

#include "libsync/server/imap_modseq.h"
#include "libsync/server/imap_text.h"

namespace libsync::server {
namespace {

// Section 3.2.5.2: the largest UID up to which the client's view and this one are the same; what is below it can't have
// vanished without the client knowing.
uint32_t agreed_up_to(const Selected& s, const QresyncKnown& known) {
  if (!known.matches) return 0;
  uint32_t agreed = 0;
  const auto& [numbers, uids] = *known.matches;
  auto uid = uids.ranges().begin();
  uint64_t offset = 0;
  for (const auto& range : numbers.ranges()) {
    for (uint64_t number = range.first; number <= range.last; ++number) {
      if (uid == uids.ranges().end()) return agreed;
      const auto each = static_cast<uint32_t>(uid->first + offset);
      if (s.uids.number_of(each) != static_cast<uint32_t>(number)) return agreed;
      agreed = each;
      if (each == uid->last) {
        ++uid;
        offset = 0;
      } else {
        ++offset;
      }
    }
  }
  return agreed;
}

}  // namespace

const Extension kQresync = {.id = Ext::Qresync, .name = "QRESYNC", .enabled_by_name = true};

bool read_qresync(imap::Parser& in, QresyncKnown& known) {
  if (!in.expect_space() || !in.expect_ch('(')) return false;
  const auto uidvalidity = in.number();
  if (!uidvalidity || *uidvalidity == 0 || *uidvalidity > UINT32_MAX || !in.space()) return in.malformed("UIDVALIDITY");
  known.uidvalidity = static_cast<uint32_t>(*uidvalidity);
  const auto modseq = read_modseq(in);
  if (!modseq) return in.malformed("a modseq is missing");
  known.modseq = *modseq;
  if (in.space() && in.peek() != '(') {
    known.uids = read_set(in, {.last = UINT32_MAX});
    if (!known.uids) return in.malformed("not a set of UIDs");
    in.space();
  }
  if (in.ch('(')) {
    auto numbers = read_set(in, {.last = UINT32_MAX});
    if (!numbers || !in.space()) return in.malformed("not a set of message numbers");
    auto uids = read_set(in, {.last = UINT32_MAX});
    if (!uids || !in.ch(')')) return in.malformed("not a set of UIDs");
    known.matches.emplace(std::move(*numbers), std::move(*uids));
  }
  return in.expect_ch(')');
}

void tell_vanished_since(Imap& imap, const imap::SequenceSet& uids, uint64_t modseq) {
  Selected& s = imap.selected();
  const auto changes = imap.mail().changes(s.id, modseq);
  if (!changes || !*changes) return;
  imap::SequenceSet gone;
  if ((*changes)->whole) {
    gone = both((*changes)->vanished, uids);
  } else {
    // Nobody knows any more what went when: all that can have been there and is not.
    imap::SequenceSet ever;
    if ((*changes)->folder.uidnext > 1) ever.add(1, (*changes)->folder.uidnext - 1);
    gone = minus(both(uids, ever), (*changes)->uids);
  }
  if (!gone.empty()) imap.untagged("VANISHED (EARLIER) " + gone.text());
}

void tell_since(Imap& imap, const QresyncKnown& known) {
  Selected& s = imap.selected();
  // Section 3.2.5.1: another mailbox than the client knew.
  if (known.uidvalidity != s.uidvalidity) return;
  imap::SequenceSet asked;
  asked.add(1, UINT32_MAX);
  if (known.uids) asked = *known.uids;
  const uint32_t agreed = agreed_up_to(s, known);
  imap::SequenceSet below;
  if (agreed > 0) below.add(1, agreed);
  tell_vanished_since(imap, minus(asked, below), known.modseq);
  const auto changes = imap.mail().changes(s.id, known.modseq);
  if (!changes || !*changes) return;
  for (const MessageRow& row : (*changes)->rows) {
    if (row.modseq > known.modseq && asked.contains(row.uid)) imap.tell_flags(row, true);
  }
}

}  // namespace libsync::server
