// A client of the IMAP server's session that says what the input has: whole and in pieces, which must be answered the
// same. The first octet is the size of the pieces, the second what the session is like (its lower bits, so that seeds
// can be read: '0' is nothing of it).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "libsync/server/imap_session.h"
#include "libsync/server/memory_mail.h"

namespace libsync::fuzz {

enum ImapSetting : uint8_t {
  kEnabled = 1,      // QRESYNC and UTF8=ACCEPT
  kRev2 = 2,         // IMAP4rev2
  kReadOnly = 4,     // EXAMINE
  kSwitchedOff = 8,  // some extensions
  kStranger = 0x40,  // not logged in
};

class FixedClock final : public Clock {
 public:
  Steady::time_point now() const override { return {}; }
  int64_t unix_seconds() const override { return 1'770'000'000; }
};
inline const FixedClock kFixedClock;

inline std::shared_ptr<server::MemoryMail> odd_mail() {
  auto mail = std::make_shared<server::MemoryMail>(server::MemoryMailOptions{.clock = &kFixedClock});
  const auto inbox = mail->make_folder({"INBOX"}, sync::Role::Inbox);
  mail->make_folder({"Sent"}, sync::Role::Sent);
  mail->make_folder({"a", "b", "\xE4\xB8\xAD/&"});
  mail->put(
      inbox,
      "From: =?gb18030?B?1tA=?= <a@b>\r\nSubject: =?utf-8?q?f=C3=BC?= x\r\nDate: Mon, 2 Feb 2026 10:00:00 +0100\r\n"
      "Content-Type: multipart/mixed; boundary=q\r\n\r\n--q\r\nContent-Type: text/plain; charset=gb18030\r\n"
      "Content-Transfer-Encoding: base64\r\n\r\n1tDOxA==\r\n--q\r\nContent-Type: message/rfc822\r\n\r\n"
      "Subject: within\r\n\r\ntext\r\n--q\r\nContent-Transfer-Encoding: x-odd\r\n\r\n?\r\n--q--\r\n",
      {.system = sync::kSeen, .keywords = {"$Label", "x"}}, 1'700'000'000);
  mail->put(inbox, std::string("Subject: nul\r\nX\r\n\r\n\0a\0b\r\n", 24), {.system = sync::kDeleted});
  mail->put(inbox, "A: bare\nTo: b@c, d: e@f;\n\n=41=42\n", {.system = sync::kFlagged | sync::kDeleted});
  mail->put(inbox, "");
  mail->put(inbox,
            "Content-Type: text/html; charset=koi8-r\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
            "<p>=D0=D2=C9=D7=C5=D4</p>\r\n");
  mail->remove(inbox, 4);
  return mail;
}

// What a session answered; `input` goes in as pieces of that size.
inline std::string answers(std::string_view input, uint8_t setting, size_t piece) {
  const auto mail = odd_mail();
  server::ImapOptions options;
  options.find_password = [](std::string_view user) { return user == "u" ? std::optional(Secret("p")) : std::nullopt; };
  options.open_mail = [&](std::string_view) -> Result<std::shared_ptr<server::Mail>> { return mail; };
  options.random = [](size_t bytes) { return std::string(bytes, '\0'); };
  options.asked_for = {"CRAM-MD5"};
  options.clock = &kFixedClock;
  options.plain_allowed = true;
  options.limits.message = 8192;
  options.limits.discard = 16'384;
  options.limits.command = 12'000;
  if ((setting & kSwitchedOff) != 0)
    options.off = {"LITERAL+", "CONDSTORE", "MULTIAPPEND", "LIST-EXTENDED", "SEARCHRES"};
  Steady::time_point now{};
  server::ImapSession session(options, now);
  std::string said;
  const auto hear = [&] {
    while (true) {
      const std::string out = session.take_output(now);
      // What waits to be sent stays small, whatever is asked for.
      if (out.size() > (size_t{1} << 20)) std::abort();
      said += out;
      if (auto behind = session.take_deflate()) session.feed(*behind, now);
      if (!out.empty()) continue;
      if (session.over()) return;
      // Work that is not done, or a refusal that is kept back.
      if (session.deadline() > now + options.limits.login_timeout / 2) return;
      now = std::max(now, session.deadline());
    }
  };
  if ((setting & kStranger) == 0) {
    std::string first = "l LOGIN u p\r\n";
    if ((setting & kEnabled) != 0) first += "e ENABLE QRESYNC UTF8=ACCEPT\r\n";
    if ((setting & kRev2) != 0) first += "r ENABLE IMAP4rev2\r\n";
    first += (setting & kReadOnly) != 0 ? "s EXAMINE INBOX\r\n" : "s SELECT INBOX\r\n";
    session.feed(first, now);
    hear();
    // Others are at work meanwhile, and once more when all was said.
    mail->remove(1, 2);
    mail->set_flags(1, 3, {.system = sync::kDeleted, .keywords = {"new"}});
    mail->put(1, "Subject: new\r\n\r\n");
  }
  hear();
  while (!session.over() && !input.empty()) {
    if (!session.wants_input()) std::abort();  // all was carried out: something must be able to happen
    session.feed(input.substr(0, piece), now);
    input.remove_prefix(std::min(piece, input.size()));
    hear();
  }
  if ((setting & kStranger) == 0) {
    imap::SequenceSet all;
    all.add(1, UINT32_MAX);
    if (!mail->change_flags(1, all, server::FlagChange::Add, {.system = sync::kFlagged}, std::nullopt)) std::abort();
    mail->put(1, "Subject: newest\r\n\r\n");
    if (const auto sent = mail->folder(2); sent && *sent) mail->put(2, "x");
    mail->make_folder({"made"});
    hear();
  }
  return said;
}

inline int talk_imap(const uint8_t* data, size_t size, std::string_view before = {}) {
  if (size < 2) return 0;
  std::string input(before);
  input.append(reinterpret_cast<const char*>(data) + 2, size - 2).append("\r\n");
  const std::string whole = answers(input, data[1], input.size());
  if (answers(input, data[1], data[0] % 32 + 1) != whole) std::abort();
  return 0;
}

}  // namespace libsync::fuzz
