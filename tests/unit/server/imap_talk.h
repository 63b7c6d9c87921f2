// An IMAP session of this program's own with mail in memory, spoken to line by line.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "libsync/server/imap_session.h"
#include "libsync/server/memory_mail.h"

namespace libsync::server {

inline const std::string kLetter =
    "From: Joe <joe@example.org>\r\nTo: Ann <ann@example.org>\r\nSubject: first letter\r\n"
    "Date: Mon, 02 Feb 2026 10:00:00 +0100\r\nMessage-ID: <1@example.org>\r\n\r\nhello world\r\n";

// A mailbox that several sessions share.
struct MailAtHome {
  std::shared_ptr<MemoryMail> mail = std::make_shared<MemoryMail>();
  FolderId inbox = mail->make_folder({"INBOX"}, sync::Role::Inbox);
};

class ImapTalk {
 public:
  explicit ImapTalk(std::shared_ptr<Mail> mail, std::vector<std::string> off = {}, bool logged_in = true,
                    ImapOptions options = {}) {
    options.find_password = [](std::string_view user) {
      return user == "joe" ? std::optional(Secret("pencil")) : std::nullopt;
    };
    options.open_mail = [mail](std::string_view) -> Result<std::shared_ptr<Mail>> { return mail; };
    options.off = std::move(off);
    options.encrypted = true;
    session = std::make_unique<ImapSession>(std::move(options), now);
    greeting = hear();
    if (logged_in) login = say("l LOGIN joe pencil");
  }

  // What is answered to these octets.
  std::string give(std::string_view octets) {
    session->feed(octets, now);
    return hear();
  }
  std::string say(std::string_view line) { return give(std::string(line) + "\r\n"); }
  std::string hear() {
    std::string all;
    // Work that takes several turns says so by its deadline.
    for (int turns = 0; turns < 10'000; ++turns) {
      const std::string more = session->take_output(now);
      all += more;
      if (more.empty() && (session->over() || session->deadline() > now)) break;
    }
    return all;
  }

  Steady::time_point now{};
  std::unique_ptr<ImapSession> session;
  std::string greeting, login;
};

}  // namespace libsync::server
