// The IMAP replica and this program's own server, on a link whose time is virtual.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "libsync/replicas/imap.h"
#include "libsync/server/fault_script.h"
#include "libsync/server/faulty_session.h"
#include "libsync/server/imap_extension.h"
#include "libsync/server/imap_session.h"
#include "libsync/server/link.h"
#include "libsync/server/memory_mail.h"

#include "tests/pair/local.h"

namespace libsync::server {

// Of all extensions.
inline std::vector<std::string> names() {
  std::vector<std::string> all;
  for (const Extension* each : extensions()) {
    if (each != extensions().front()) all.emplace_back(each->name);
  }
  return all;
}

class PairImap : public ::testing::Test {
 protected:
  PairImap() {
    line.encrypted = true;
    client.credentials = {.user = "joe", .password = password};
  }

  Result<std::unique_ptr<sync::Replica>> open() {
    client.clock = &world;
    TB_ASSIGN(auto channel, world.connect(line, [this](Steady::time_point now) -> std::unique_ptr<Session> {
      ImapOptions serving;
      serving.find_password = [this](std::string_view user) {
        return user == "joe" ? std::optional(password) : std::nullopt;
      };
      serving.open_mail = [this](std::string_view) -> Result<std::shared_ptr<Mail>> { return mail; };
      serving.encrypted = line.encrypted;
      serving.has_tls = !line.encrypted;
      if (line.encrypted) serving.bindings = {{.type = "tls-exporter", .data = line.tls.tls_exporter}};
      serving.salt_secret = Secret("salt");
      serving.asked_for = {"CRAM-MD5"};
      serving.clock = &world;
      serving.off = off;
      std::unique_ptr<Session> session = std::make_unique<ImapSession>(std::move(serving), now);
      if (faults.empty()) return session;
      FaultySession::Options faulty;
      faulty.script = faults;
      return std::make_unique<FaultySession>(std::move(session), std::move(faulty));
    }));
    return replicas::open_imap(std::move(channel), client, {});
  }

  Ran run(Local& local) {
    return sync_into(local, world, sync::Leave::Forever, [this] { return open(); });
  }

  void fill() {
    mail = std::make_shared<MemoryMail>(MemoryMailOptions{.writable = writable});
    inbox = mail->make_folder({"INBOX"}, sync::Role::Inbox);
    work = mail->make_folder({"work"});
    old = mail->make_folder({"old", "deep"});
    for (const std::string& octets :
         {std::string("A: 1\r\n\r\nbody\r\n"), std::string("A: 2\r\n\r\nno line end"), std::string("\r\n"),
          std::string("B: )\r\n\r\na OK done\r\n* 3 EXPUNGE\r\n"), "C: 8bit\r\n\r\n\xff\xfe\x80\r\n" + std::string("x"),
          "D: long\r\n\r\n" + std::string(100'000, 'x') + "\r\n", std::string("E: bare\n\nline\nends\n")}) {
      first.push_back(mail->put(inbox, octets));
    }
    mail->put(work, "W: 1\r\n\r\nw\r\n", {.system = sync::kSeen, .keywords = {"todo"}});
    mail->put(old, "O: 1\r\n\r\no\r\n", {}, 1'600'000'000);
  }

  void change() {
    mail->put(inbox, "N: 1\r\n\r\nnew\r\n");
    mail->set_flags(inbox, first[0], {.system = sync::kSeen, .keywords = {"todo"}});
    mail->remove(inbox, first[1]);
    mail->remove(inbox, first[3]);
    mail->put(work, "B: )\r\n\r\na OK done\r\n* 3 EXPUNGE\r\n");
    if (renames) {
      EXPECT_TRUE(mail->rename_folder(work, {"play"}));
      EXPECT_TRUE(mail->delete_folder(old));
    }
  }

  // Three syncs, with changes before the second and new UIDs before the third.
  std::vector<std::vector<std::string>> whole(const std::string& what) {
    first.clear();
    fill();
    Local local;
    std::vector<std::vector<std::string>> shown;
    for (int turn = 0; turn < 3; ++turn) {
      if (turn == 1) change();
      if (turn == 2) mail->renumber(inbox);
      const Ran ran = run(local);
      EXPECT_TRUE(ran.status) << what << ", sync " << turn << ": " << (ran.status ? "" : ran.status.error().text());
      shown.push_back(local.show());
    }
    const Ran again = run(local);
    EXPECT_TRUE(again.status && again.report.nothing_new()) << what;
    EXPECT_TRUE(again.report.skipped.empty() && again.report.doubtful.empty()) << what;
    return shown;
  }

  LinkWorld world;
  LinkOptions line;
  replicas::ImapOptions client;
  Secret password{"pencil"};
  std::vector<std::string> off;
  FaultScript faults;
  Writable writable = Writable::All;
  bool renames = true;  // among the changes
  std::shared_ptr<MemoryMail> mail;
  FolderId inbox = 0, work = 0, old = 0;
  std::vector<uint32_t> first;
};

}  // namespace libsync::server
