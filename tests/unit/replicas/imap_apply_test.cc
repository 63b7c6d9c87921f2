// apply() of an IMAP account: flags, order, and connections that end.
#include <memory>

#include "libsync/replicas/imap_refusal.h"

#include "tests/unit/replicas/imap_apply_script.h"

namespace libsync::replicas {
namespace {

using namespace std::chrono_literals;

TEST(ImapApply, WithoutWritableNothingIsSaidAndNothingChanges) {
  auto o = open(login("UIDPLUS") + std::string(kBare));
  ASSERT_TRUE((*o).mailboxes({}));
  Done done;
  const std::vector<Action> actions{seen(1, 7), removal(2, 8)};
  EXPECT_TRUE((*o).apply(actions, done, {}));
  EXPECT_EQ(done.text(), "1:readonly 2:readonly");
  EXPECT_FALSE((*o).capabilities().append || (*o).capabilities().remove || (*o).capabilities().crlf);
}

TEST(ImapApply, CapabilitiesAreThoseOfTheServer) {
  Writing plain("UIDPLUS", "");
  const auto can = (*plain.opened).capabilities();
  EXPECT_TRUE(can.append && can.remove && can.crlf);
  EXPECT_FALSE(can.move);
  Writing rich("MOVE", "");
  EXPECT_TRUE((*rich.opened).capabilities().move);
}

TEST(ImapFlagging, WhatChangesTheSameIsOneSetAndTheServersWordIsTold) {
  Writing w("UIDPLUS", std::string(kInbox) +
                           "C: T7 UID STORE 5 +FLAGS (\\Flagged todo)\nC: T8 UID STORE 5 -FLAGS (\\Draft)\n"
                           "C: T9 UID STORE 3:4,9 +FLAGS (\\Seen)\n"
                           "S: * 3 FETCH (UID 5 FLAGS (\\\\Flagged \\\\Draft todo))\nS: T7 OK\n"
                           "S: * 3 FETCH (UID 5 FLAGS (\\\\Flagged todo))\nS: T8 OK\n"
                           "S: * 1 FETCH (UID 3 FLAGS (\\\\Seen))\nS: * 2 FETCH (FLAGS (\\\\Seen other) UID 4)\n"
                           "S: * 7 FETCH (UID 9 FLAGS (\\\\Seen \\\\Recent))\nS: T9 OK\n");
  sync::Flags add{.system = sync::kFlagged};
  add.add_keyword("todo");
  EXPECT_EQ(w.apply({seen(1, 3), seen(2, 4), flags(3, 5, add, {.system = sync::kDraft}), seen(4, 9)}),
            "1:ok=1 2:ok=1+other 3:ok=4+todo 4:ok=1");
  EXPECT_TRUE(w.finished());
}

TEST(ImapFlagging, TheMailboxThatIsOpenIsNotOpenedAgain) {
  Writing w("UIDPLUS", std::string(kInbox) +
                           "C: T7 UID STORE 3 +FLAGS (\\Seen)\nS: * 1 FETCH (UID 3 FLAGS (\\\\Seen))\nS: T7 OK\n"
                           "C: T8 UID STORE 4 +FLAGS (\\Seen)\nS: * 1 FETCH (UID 4 FLAGS (\\\\Seen))\nS: T8 OK\n");
  EXPECT_EQ(w.apply({seen(1, 3)}), "1:ok=1");
  EXPECT_EQ(w.apply({seen(1, 4)}), "1:ok=1");
  // Another UIDVALIDITY is meant: nothing goes out.
  Action other = seen(1, 4);
  other.ref.epoch = 6;
  EXPECT_EQ(w.apply({other}), "1:gone");
}

TEST(ImapFlagging, AMailboxThatSomethingWasPutIntoIsOpenedAnew) {
  sync::StringSource text("a");
  Writing w("UIDPLUS LITERAL+",
            std::string(kInbox) +
                "C: T7 UID STORE 3 +FLAGS (\\Seen)\nS: * 1 FETCH (UID 3 FLAGS (\\\\Seen))\nS: T7 OK\n"
                "C: T8 APPEND INBOX {1+}\nC= a\\r\\n\nS: T8 OK [APPENDUID 5 4] in\n"
                "C: T9 SELECT INBOX\nS: * OK [UIDVALIDITY 5]\nS: T9 OK in\n"
                "C: T10 UID STORE 4 +FLAGS (\\Seen)\nS: * 2 FETCH (UID 4 FLAGS (\\\\Seen))\nS: T10 OK\n");
  Action add{.token = 2, .op = Op::Add, .box = "INBOX"};
  add.content = &text;
  EXPECT_EQ(w.apply({seen(1, 3), add, seen(3, 4)}), "1:ok=1 2:ok=INBOX/5/4 3:ok=1");
}

TEST(ImapFlagging, AnotherUidvalidityOrAReadOnlyMailboxIsFoundOutBeforeAnythingIsSaid) {
  Writing anew("UIDPLUS", "C: T6 SELECT INBOX\nS: * OK [UIDVALIDITY 6]\nS: T6 OK [READ-WRITE] in\n");
  EXPECT_EQ(anew.apply({seen(1, 3), seen(2, 4)}), "1:gone 2:gone");
  Writing closed("UIDPLUS",
                 "C: T6 SELECT INBOX\nS: * OK [UIDVALIDITY 5]\nS: T6 OK [READ-ONLY] in\n"
                 "C: T7 SELECT INBOX\nS: * OK [UIDVALIDITY 5]\nS: T7 OK [READ-ONLY] in\n");
  EXPECT_EQ(closed.apply({seen(1, 3), removal(2, 4)}), "1:readonly 2:readonly");
  Writing busy("UIDPLUS", "C: T6 SELECT INBOX\nS: T6 NO [INUSE] later\n");
  EXPECT_EQ(busy.apply({seen(1, 3)}), "1:retry");
  Writing gone("UIDPLUS", "C: T6 SELECT INBOX\nS: T6 NO [NONEXISTENT] what\n");
  EXPECT_EQ(gone.apply({seen(1, 3)}), "1:gone");
}

TEST(ImapFlagging, WhatTheServerDoesNotTellIsAskedForOnce) {
  Writing w("UIDPLUS", std::string(kInbox) +
                           "C: T7 UID STORE 3:5 +FLAGS (\\Seen)\nS: * 1 FETCH (UID 3 FLAGS (\\\\Seen))\n"
                           "S: * 2 FETCH (UID 4 FLAGS (\\\\Flagged))\nS: T7 OK did nothing to 4\n"
                           "C: T8 UID FETCH 4:5 (UID FLAGS)\nS: * 2 FETCH (UID 4 FLAGS (\\\\Flagged))\nS: T8 OK\n");
  EXPECT_EQ(w.apply({seen(1, 3), seen(2, 4), seen(3, 5)}), "1:ok=1 2:ok=4 3:gone");
  Writing garbled("UIDPLUS", std::string(kInbox) +
                                 "C: T7 UID STORE 3 +FLAGS (\\Seen)\nS: T7 OK\nC: T8 UID FETCH 3 (UID FLAGS)\n"
                                 "S: * 1 FETCH (UID x FLAGS ())\nS: T8 OK\n");
  EXPECT_EQ(garbled.apply({seen(1, 3)}), "1:unknown") << "a line that can't be read is no absence";
}

TEST(ImapFlagging, ARefusalIsNarrowedDownToTheMessageThatIsRefused) {
  Writing w("UIDPLUS", std::string(kInbox) +
                           "C: T7 UID STORE 3:5 +FLAGS (\\Seen)\nS: T7 NO one of them\n"
                           "C: T8 UID STORE 3 +FLAGS (\\Seen)\nC: T9 UID STORE 4:5 +FLAGS (\\Seen)\n"
                           "S: * 1 FETCH (UID 3 FLAGS (\\\\Seen))\nS: T8 OK\nS: T9 NO [CANNOT] one of them\n"
                           "C: T10 UID STORE 4 +FLAGS (\\Seen)\nC: T11 UID STORE 5 +FLAGS (\\Seen)\n"
                           "S: T10 BAD not this\nS: * 3 FETCH (UID 5 FLAGS (\\\\Seen))\nS: T11 OK\n");
  EXPECT_EQ(w.apply({seen(1, 3), seen(2, 4), seen(3, 5)}), "1:ok=1 2:refused 3:ok=1");
  EXPECT_EQ(w.done.of[2].words, "not this");
  Writing all("UIDPLUS", std::string(kInbox) + "C: T7 UID STORE 3:5 +FLAGS (\\Seen)\nS: T7 NO [NOPERM] never\n");
  EXPECT_EQ(all.apply({seen(1, 3), seen(2, 4), seen(3, 5)}), "1:readonly 2:readonly 3:readonly");
}

TEST(ImapFlagging, OfAPipelineOnlyWhatIsRefusedIsRefused) {
  Writing w("UIDPLUS", std::string(kInbox) +
                           "C: T7 UID STORE 3 +FLAGS (\\Flagged)\nC: T8 UID STORE 4 +FLAGS (\\Seen)\n"
                           "S: T7 NO no\nS: * 3 FETCH (UID 4 FLAGS (\\\\Seen))\nS: T8 OK\n");
  EXPECT_EQ(w.apply({flags(1, 3, {.system = sync::kFlagged}), seen(2, 4)}), "1:refused 2:ok=1");
}

TEST(ImapFlagging, KeywordsThatAreNoAtomsAreRefusedWithoutAsking) {
  Writing w("UIDPLUS", std::string(kInbox) +
                           "C: T7 UID STORE 4 +FLAGS (\\Seen)\n"
                           "S: * 1 FETCH (UID 4 FLAGS (\\\\Seen))\nS: T7 OK\n");
  std::vector<Action> actions;
  for (const char* keyword : {"a b", "", "x)\r\nT9 DELETE INBOX", "\\Seen", "sch\xc3\xb6n"}) {
    sync::Flags add;
    add.keywords = {keyword};
    actions.push_back(flags(actions.size() + 1, 3, add));
  }
  actions.push_back(seen(9, 4));
  EXPECT_EQ(w.apply(actions), "1:refused 2:refused 3:refused 4:refused 5:refused 9:ok=1");
}

TEST(ImapFlagging, AMessageThatIsChangedTwiceIsChangedInThatOrder) {
  Writing w("UIDPLUS", std::string(kInbox) +
                           "C: T7 UID STORE 3 +FLAGS (\\Seen)\nS: * 1 FETCH (UID 3 FLAGS (\\\\Seen))\nS: T7 OK\n"
                           "C: T8 UID STORE 3 -FLAGS (\\Seen)\nS: * 1 FETCH (UID 3 FLAGS ())\nS: T8 OK\n");
  EXPECT_EQ(w.apply({seen(1, 3), flags(2, 3, {}, {.system = sync::kSeen})}), "1:ok=1 2:ok=0");
}

TEST(ImapFlagging, ACommandLineStaysShort) {
  std::vector<Action> actions;
  for (uint32_t i = 0; i < 1500; ++i) actions.push_back(seen(i, 4'000'000'000 + 2 * i));
  auto channel_says = Writing("UIDPLUS", kInbox);
  channel_says.apply(actions);
  const std::string& sent = channel_says.opened.channel->sent();
  size_t lines = 0;
  for (size_t at = 0, end = 0; (end = sent.find("\r\n", at)) != std::string::npos; at = end + 2, ++lines) {
    EXPECT_LE(end - at, imap::kMaxCommandLine);
  }
  EXPECT_GT(lines, 8U);
}

TEST(ImapApply, ALostConnectionLeavesWhatHasNoAnswerWithoutOne) {
  for (const char* end : {"CUT\n", "CLOSE\n", "S: * BYE going down\nCLOSE\n"}) {
    Writing w("UIDPLUS",
              std::string(kInbox) +
                  "C: T7 UID STORE 3 +FLAGS (\\Flagged)\nC: T8 UID STORE 4,9 +FLAGS (\\Seen)\n"
                  "S: * 3 FETCH (UID 3 FLAGS (\\\\Flagged))\nS: T7 OK\nS: * 3 FETCH (UID 4 FLAGS (\\\\Seen))\n" +
                  end);
    const std::string told = w.apply({flags(1, 3, {.system = sync::kFlagged}), seen(2, 4), seen(3, 9)});
    EXPECT_TRUE(told.starts_with("1:ok=4 !")) << told;
    EXPECT_EQ(w.error, Errc::Network);
    Done again;
    EXPECT_FALSE((*w.opened).apply(std::vector{seen(1, 3)}, again, {})) << "of no use any more";
  }
}

TEST(ImapApply, ASinkThatFailsEndsIt) {
  Writing w("UIDPLUS", std::string(kInbox) +
                           "C: T7 UID STORE 3:4 +FLAGS (\\Seen)\nS: * 1 FETCH (UID 3 FLAGS (\\\\Seen))\n"
                           "S: * 2 FETCH (UID 4 FLAGS (\\\\Seen))\nS: T7 OK\n");
  Done done;
  done.refuse_at = 1;
  const std::vector<Action> actions{seen(1, 3), seen(2, 4), removal(3, 4)};
  const Status status = (*w.opened).apply(actions, done, {});
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Errc::Disk);
  EXPECT_EQ(done.text(), "1:ok=1");
}

TEST(ImapApply, AStopEndsIt) {
  Writing w("UIDPLUS", kInbox);
  std::stop_source stop;
  stop.request_stop();
  Done done;
  const Status status = (*w.opened).apply(std::vector{seen(1, 3)}, done, stop.get_token());
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Errc::Cancelled);
  EXPECT_TRUE(done.of.empty());
}

TEST(ImapApply, ActionsTakeEffectOneAfterTheOther) {
  Writing w("UIDPLUS MOVE ESEARCH",
            std::string(kInbox) +
                "C: T7 UID STORE 3 +FLAGS (\\Seen)\nS: * 1 FETCH (UID 3 FLAGS (\\\\Seen))\nS: T7 OK\n"
                "C: T8 UID COPY 3 Old\nS: T8 OK [COPYUID 8 3 20] done\n"
                "C: T9 UID STORE 3 -FLAGS (\\Seen)\nS: * 1 FETCH (UID 3 FLAGS ())\nS: T9 OK\n"
                "C: T10 UID MOVE 3 Old\nS: * OK [COPYUID 8 3 21] moved\nS: * 1 EXPUNGE\nS: T10 OK done\n");
  EXPECT_EQ(w.apply({seen(1, 3), place(Op::Copy, 2, 3), flags(3, 3, {}, {.system = sync::kSeen}), place(Op::Move, 4, 3),
                     Action{.token = 5, .op = Op::Mend, .known = "sha256:0"}}),
            "1:ok=1 2:ok=Old/8/20 3:ok=0 4:ok=Old/8/21 5:refused");
  EXPECT_TRUE(w.finished());
}

TEST(ImapApply, WhatItChangedIsSeenAtTheNextLook) {
  // STATUS of INBOX said what the cursor says: but for the change the mailbox would be passed over.
  auto o =
      open(login("UIDPLUS CONDSTORE") +
               "C: T2 LIST \"\" \"*\"\nC: T3 LSUB \"\" \"*\"\nS: * LIST () \"/\" INBOX\nS: T2 OK\nS: T3 OK\n"
               "C: T4 STATUS INBOX (MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ)\n"
               "S: * STATUS INBOX (MESSAGES 1 UIDNEXT 4 UIDVALIDITY 5 HIGHESTMODSEQ 30)\nS: T4 OK\n"
               "C: T5 SELECT INBOX\nS: * OK [UIDVALIDITY 5]\nS: T5 OK in\n"
               "C: T6 UID STORE 3 +FLAGS (\\Seen)\nS: * 1 FETCH (UID 3 FLAGS (\\\\Seen) MODSEQ (31))\nS: T6 OK\n"
               "C: T7 SELECT INBOX (CONDSTORE)\n"
               "C: T8 UID FETCH 1:* (UID FLAGS RFC822.SIZE INTERNALDATE) (CHANGEDSINCE 30)\n"
               "C: T9 UID SEARCH ALL\nS: * 1 EXISTS\nS: * FLAGS (\\\\Seen \\\\Deleted mine)\n"
               "S: * OK [PERMANENTFLAGS (\\\\Seen mine)]\nS: * OK [UIDVALIDITY 5]\nS: * OK [UIDNEXT 4]\n"
               "S: * OK [HIGHESTMODSEQ 31]\nS: T7 OK [READ-WRITE] in\n"
               "S: * 1 FETCH (UID 3 FLAGS (\\\\Seen) RFC822.SIZE 9 MODSEQ (31))\nS: T8 OK\nS: * SEARCH 3\nS: T9 OK\n",
           Writing::writable());
  ASSERT_TRUE((*o).mailboxes({}));
  Done done;
  ASSERT_TRUE((*o).apply(std::vector{seen(1, 3)}, done, {})) << o.channel->mismatch();
  class Look final : public sync::ChangeSink {
   public:
    Status open(const sync::BoxId&, const sync::BoxState& now) override {
      state = now;
      return {};
    }
    Status seen(const sync::MsgRef& ref, const sync::Facts& facts) override {
      uid = ref.key.number * 100 + facts.flags.system;
      return {};
    }
    Status vanished(const sync::BoxId&, uint64_t, const sync::Key&) override { return {}; }
    Status present(const sync::BoxId&, std::span<const sync::KeyRange>) override { return {}; }
    Status close(const sync::BoxId&, std::string_view, uint64_t) override { return {}; }
    Status missing(const sync::BoxId&) override { return {}; }
    sync::BoxState state;
    uint64_t uid = 0;
  } look;
  const std::vector<sync::BoxCursor> cursors{{"INBOX", "1 5 4 30 1 INBOX"}};
  ASSERT_TRUE((*o).changes(cursors, look, {})) << o.channel->mismatch();
  EXPECT_EQ(look.uid, 301U);
  EXPECT_EQ(look.state.storable, (sync::FlagMask{.system = sync::kSeen, .keywords = {"mine"}}));
  EXPECT_TRUE(look.state.rights.add && look.state.rights.set_flags && !look.state.rights.read_only);
}

TEST(ImapRemoving, IsMarkedAndExpungedInOneFlightAndLookedForInTheNext) {
  Writing w("UIDPLUS", std::string(kInbox) +
                           "C: T7 UID SEARCH UID 3:5\nC: T8 UID STORE 3:5 +FLAGS.SILENT (\\Deleted)\n"
                           "C: T9 UID EXPUNGE 3:5\nS: * SEARCH 3 4\nS: T7 OK\nS: T8 OK\nS: * 1 EXPUNGE\nS: T9 OK\n"
                           "C: T10 UID SEARCH UID 3:4\nS: * SEARCH 4\nS: T10 OK\n");
  const std::string told = w.apply({removal(1, 3), removal(2, 4), removal(3, 5), removal(4, 3)});
  EXPECT_EQ(told, "1:ok 2:refused 3:gone 4:gone") << "OK to what was not done is found out";
  EXPECT_NE(w.done.of[2].words, "");
  EXPECT_TRUE(w.finished());
}

TEST(ImapRemoving, ARefusalIsNarrowedDown) {
  Writing w("UIDPLUS",
            std::string(kInbox) +
                "C: T7 UID SEARCH UID 3:4\nC: T8 UID STORE 3:4 +FLAGS.SILENT (\\Deleted)\nC: T9 UID EXPUNGE 3:4\n"
                "S: * SEARCH 3 4\nS: T7 OK\nS: T8 NO one is held\nS: T9 OK\n"
                "C: T10 UID SEARCH UID 3:4\nS: * SEARCH 3 4\nS: T10 OK\n"
                "C: T11 UID SEARCH UID 3\nC: T12 UID STORE 3 +FLAGS.SILENT (\\Deleted)\nC: T13 UID EXPUNGE 3\n"
                "C: T14 UID SEARCH UID 4\nC: T15 UID STORE 4 +FLAGS.SILENT (\\Deleted)\nC: T16 UID EXPUNGE 4\n"
                "S: * SEARCH 4\nS: * SEARCH 3\nS: T14 OK\nS: T11 OK\nS: T12 OK\nS: T13 OK\n"
                "S: T15 NO [NOPERM] held\nS: T16 OK\nC: T17 UID SEARCH UID 3:4\nS: * SEARCH 4\nS: T17 OK\n");
  EXPECT_EQ(w.apply({removal(1, 3), removal(2, 4)}), "1:ok 2:readonly");
  EXPECT_TRUE(w.finished());
}

TEST(ImapRemoving, WhatTheServerDoesNotTellIsUnknown) {
  for (const char* answer :
       {"S: T10 NO not now\n", "S: T10 OK and no word of it\n", "S: * ESEARCH (TAG \"T99\") UID\nS: T10 OK\n"}) {
    Writing w("UIDPLUS",
              std::string(kInbox) +
                  "C: T7 UID SEARCH UID 3\nC: T8 UID STORE 3 +FLAGS.SILENT (\\Deleted)\nC: T9 UID EXPUNGE 3\n"
                  "S: * SEARCH 3\nS: T7 OK\nS: T8 OK\nS: T9 OK\nC: T10 UID SEARCH UID 3\n" +
                  answer);
    EXPECT_EQ(w.apply({removal(1, 3)}), "1:unknown") << answer;
  }
}

TEST(ImapRemoving, WithoutUidplusNothingIsExpungedThatOthersMarked) {
  const std::string marked = std::string(kInbox) +
                             "C: T7 UID SEARCH UID 3:4\nC: T8 UID STORE 3:4 +FLAGS.SILENT (\\Deleted)\n"
                             "S: * SEARCH 3 4\nS: T7 OK\nS: T8 OK\nC: T9 UID SEARCH DELETED\n";
  Writing others("", marked + "S: * SEARCH 3 4 8\nS: T9 OK\n");
  EXPECT_EQ(others.apply({removal(1, 3), removal(2, 4)}), "1:retry 2:retry");
  EXPECT_TRUE(others.finished());
  EXPECT_NE(others.done.of[1].words, "");
  Writing alone("", marked +
                        "S: * SEARCH 3 4\nS: T9 OK\nC: T10 EXPUNGE\nS: * 1 EXPUNGE\nS: * 1 EXPUNGE\nS: T10 OK\n"
                        "C: T11 UID SEARCH UID 3:4\nS: * SEARCH\nS: T11 OK\n");
  EXPECT_EQ(alone.apply({removal(1, 3), removal(2, 4)}), "1:ok 2:ok");
  Writing silent("", marked + "S: T9 NO not now\n");
  EXPECT_EQ(silent.apply({removal(1, 3), removal(2, 4)}), "1:retry 2:retry") << "not known, and so not done";
}

TEST(ImapRefusal, TheCodeDecidesAndExchangesWordsDo) {
  const auto of = [](imap::Code code, std::string text) { return refusal({.code = code, .text = std::move(text)}); };
  EXPECT_EQ(of(imap::Code::OverQuota, "").did, Did::Quota);
  EXPECT_EQ(of(imap::Code::TryCreate, "").did, Did::NoBox);
  EXPECT_EQ(of(imap::Code::Unavailable, "").did, Did::Retry);
  EXPECT_EQ(of(imap::Code::Throttled, "").did, Did::Retry);
  EXPECT_EQ(of(imap::Code::ReadOnly, "").did, Did::ReadOnly);
  EXPECT_EQ(of(imap::Code::None, "no").did, Did::Refused);
  EXPECT_EQ(of(imap::Code::NoPerm, "").did, Did::ReadOnly);
  EXPECT_EQ(of(imap::Code::Cannot, "").did, Did::Never);
  EXPECT_EQ(of(imap::Code::ExpungeIssued, "").did, Did::Retry);
  const auto slow = of(imap::Code::None, "Request is throttled. Suggested Backoff Time: 4500 milliseconds");
  EXPECT_EQ(slow.did, Did::Retry);
  EXPECT_EQ(slow.retry_after, 4500ms);
  EXPECT_EQ(suggested_backoff("Suggested Backoff Time: 99999999999999999999999 milliseconds"), 1h);
  EXPECT_EQ(suggested_backoff("Suggested Backoff Time: soon"), std::nullopt);
  EXPECT_EQ(suggested_backoff("Suggested Backoff Time:"), std::nullopt);
}

}  // namespace
}  // namespace libsync::replicas
