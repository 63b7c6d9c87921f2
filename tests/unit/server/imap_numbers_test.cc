// A client that believes what it is told, and no more, has the mailbox as it is after each NOOP: whatever it and others
// did, in whatever order.
#include <algorithm>
#include <map>
#include <random>
#include <set>

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "tests/unit/server/imap_talk.h"

namespace libsync::server {
namespace {

using Flags = std::set<std::string>;
constexpr const char* kFlags[] = {"\\Seen", "\\Flagged", "\\Deleted", "\\Answered", "$Label"};

Flags flags_in(std::string_view text) {
  Flags flags;
  while (!text.empty()) {
    const size_t end = std::min(text.find(' '), text.size());
    if (end > 0) flags.emplace(text.substr(0, end));
    text.remove_prefix(std::min(text.size(), end + 1));
  }
  return flags;
}

class Client {
 public:
  Client(std::shared_ptr<MemoryMail> mail, bool qresync) : talk_(mail), qresync_(qresync) {
    if (qresync) talk_.say("q ENABLE QRESYNC");
    hear(talk_.say("s SELECT INBOX"), false);
    hear(talk_.say("f FETCH 1:* (UID FLAGS)"), true);
  }

  struct Known {
    uint32_t uid = 0;  // 0: not told yet
    Flags flags{};
  };
  std::vector<Known> known;

  void say(const std::string& command, bool keeps_numbers) {
    hear(talk_.say("a " + command), keeps_numbers);
    // VANISHED is of use to who knows the UIDs.
    const auto unknown = std::ranges::find(known, 0U, &Known::uid);
    if (!qresync_ || unknown == known.end()) return;
    hear(talk_.say(fmt::format("u FETCH {}:* (UID FLAGS)", unknown - known.begin() + 1)), true);
  }

  // What is asked of a client that has been told all: UIDs and flags are those of the mailbox.
  void compare() {
    say("NOOP", false);
    const std::vector<Known> told = known;
    say("FETCH 1:* (UID FLAGS)", true);
    ASSERT_EQ(told.size(), known.size());
    for (size_t i = 0; i < told.size(); ++i) {
      if (told[i].uid == 0) continue;
      EXPECT_EQ(told[i].uid, known[i].uid);
      EXPECT_EQ(told[i].flags, known[i].flags) << "UID " << known[i].uid;
    }
  }

 private:
  void hear(std::string_view answer, bool keeps_numbers) {
    EXPECT_THAT(std::string(answer),
                testing::AnyOf(testing::HasSubstr(" OK "), testing::HasSubstr(" NO [EXPUNGEISSUED]")));
    while (!answer.empty()) {
      const size_t end = answer.find("\r\n");
      line(answer.substr(0, end), keeps_numbers);
      answer.remove_prefix(end + 2);
    }
  }

  void line(std::string_view line, bool keeps_numbers) {
    if (!line.starts_with("* ")) return;
    line.remove_prefix(2);
    if (line.starts_with("VANISHED ")) {
      EXPECT_TRUE(qresync_ && !keeps_numbers) << line;
      vanished(line.substr(9));
      return;
    }
    size_t digits = 0;
    while (digits < line.size() && line[digits] >= '0' && line[digits] <= '9') ++digits;
    if (digits == 0) return;
    const size_t number = std::stoul(std::string(line.substr(0, digits)));
    line.remove_prefix(digits + 1);
    if (line == "EXISTS") {
      ASSERT_GE(number, known.size()) << "EXISTS takes none away";
      known.resize(number);
    } else if (line == "EXPUNGE") {
      EXPECT_FALSE(qresync_ || keeps_numbers) << "EXPUNGE where it may not be";
      ASSERT_TRUE(number >= 1 && number <= known.size());
      known.erase(known.begin() + static_cast<std::ptrdiff_t>(number) - 1);
    } else if (line.starts_with("FETCH (")) {
      ASSERT_TRUE(number >= 1 && number <= known.size()) << number;
      fetched(known[number - 1], line);
    }
  }

  void vanished(std::string_view set) {
    imap::Quirks quirks;
    const auto uids = imap::SequenceSet::parse(set, quirks);
    ASSERT_TRUE(uids);
    uint64_t left = uids->count() - std::erase_if(known, [&](const Known& each) { return uids->contains(each.uid); });
    // The others are such as went before their UIDs could be asked for.
    std::erase_if(known, [&](const Known& each) { return each.uid == 0 && left > 0 && left-- > 0; });
    EXPECT_EQ(left, 0U);
  }

  static void fetched(Known& message, std::string_view line) {
    if (const size_t at = line.find("UID "); at != line.npos) {
      const auto uid = static_cast<uint32_t>(std::stoul(std::string(line.substr(at + 4))));
      EXPECT_TRUE(message.uid == 0 || message.uid == uid) << "a number is another message's";
      message.uid = uid;
    }
    if (const size_t at = line.find("FLAGS ("); at != line.npos) {
      message.flags = flags_in(line.substr(at + 7, line.find(')', at) - at - 7));
    }
  }

  ImapTalk talk_;
  bool qresync_;
};

class Actors {
 public:
  Actors(uint32_t seed, bool qresync) : random_(seed) {
    for (int i = 0; i < 6; ++i) home_.mail->put(home_.inbox, kLetter);
    home_.mail->make_folder({"Other"});
    client_ = std::make_unique<Client>(home_.mail, qresync);
  }

  void run() {
    for (int step = 0; step < 150 && !testing::Test::HasFailure(); ++step) {
      others();
      mine();
      if (pick(5) == 0) client_->compare();
    }
    client_->compare();
  }

 private:
  size_t pick(size_t below) { return random_() % below; }

  void others() {
    const auto last = static_cast<uint32_t>((*home_.mail->folder(home_.inbox))->uidnext);
    const auto uid = static_cast<uint32_t>(1 + pick(last));
    switch (pick(6)) {
      case 0:
      case 1:
        home_.mail->put(home_.inbox, kLetter);
        break;
      case 2:
        home_.mail->remove(home_.inbox, uid);
        break;
      case 3: {
        imap::SequenceSet one;
        one.add(uid);
        (void)home_.mail->change_flags(
            home_.inbox, one, pick(2) == 0 ? FlagChange::Add : FlagChange::Remove,
            {.system = pick(2) == 0 ? sync::kFlagged : sync::kDeleted, .keywords = {"$Label"}}, std::nullopt);
        break;
      }
      default:
        break;
    }
  }

  void mine() {
    const size_t count = client_->known.size();
    if (count == 0) return client_->say("NOOP", false);
    const size_t number = 1 + pick(count);
    const char* flag = kFlags[pick(std::size(kFlags))];
    switch (pick(9)) {
      case 0: {
        const bool add = pick(2) == 0;
        client_->say(fmt::format("STORE {} {}FLAGS.SILENT ({})", number, add ? '+' : '-', flag), true);
        // As it was asked for, the client knows it.
        Flags& flags = client_->known[number - 1].flags;
        add ? static_cast<void>(flags.insert(flag)) : static_cast<void>(flags.erase(flag));
        break;
      }
      case 1:
        client_->say(fmt::format("STORE {} +FLAGS ({})", number, flag), true);
        break;
      case 2:
        client_->say(fmt::format("FETCH {} (FLAGS BODY[TEXT])", number), true);
        break;
      case 3:
        client_->say("EXPUNGE", false);
        break;
      case 4:
        client_->say("SEARCH UNSEEN", true);
        break;
      case 5:
        client_->say(fmt::format("COPY {} INBOX", number), false);
        break;
      case 6:
        client_->say(fmt::format("MOVE {} Other", number), false);
        break;
      case 7:
        client_->say(fmt::format("UID FETCH 1:{} FLAGS", 1 + pick(50)), false);
        break;
      default:
        client_->say("APPEND INBOX {1+}\r\nx", false);
        break;
    }
  }

  std::mt19937 random_;
  MailAtHome home_;
  std::unique_ptr<Client> client_;
};

TEST(ImapNumbers, AClientThatBelievesWhatItIsToldIsRight) {
  for (uint32_t seed = 1; seed <= 60 && !HasFailure(); ++seed) {
    SCOPED_TRACE(seed);
    Actors(seed, false).run();
  }
}

TEST(ImapNumbers, WithVanishedToo) {
  for (uint32_t seed = 1; seed <= 60 && !HasFailure(); ++seed) {
    SCOPED_TRACE(seed);
    Actors(seed, true).run();
  }
}

}  // namespace
}  // namespace libsync::server
