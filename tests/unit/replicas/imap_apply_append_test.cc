// apply() of an IMAP account: messages added.
#include <memory>

#include "libsync/replicas/imap_content.h"

#include "tests/unit/replicas/imap_apply_script.h"

namespace libsync::replicas {
namespace {

using namespace std::chrono_literals;

// Content that comes in pieces, and can be read again or not.
class Pieces final : public sync::ContentSource {
 public:
  explicit Pieces(std::string text, size_t piece = 7) : text_(std::move(text)), piece_(piece) {}
  std::optional<uint64_t> size() const override { return std::nullopt; }
  Result<std::string_view> next() override {
    if (fails) return fail(Errc::Network, "the other side is gone");
    std::string_view now = std::string_view(text_).substr(at_, piece_);
    if (shrinks && reads > 0 && at_ + now.size() == text_.size()) now = {};
    at_ += now.size();
    return now;
  }
  Status rewind() override {
    if (once) return fail(Errc::Internal, "only once");
    ++reads;
    at_ = 0;
    return {};
  }
  bool shrinks = false;  // comes short the second time
  bool once = false, fails = false;
  int reads = 0;

 private:
  std::string text_;
  size_t piece_, at_ = 0;
};

struct Letters {
  Action add(uint64_t token, std::string text, std::string box = "Old", size_t piece = 7) {
    sources.push_back(std::make_unique<Pieces>(std::move(text), piece));
    Action action{.token = token, .op = Op::Add, .box = std::move(box), .date = 1'700'000'000};
    action.content = sources.back().get();
    return action;
  }
  std::vector<std::unique_ptr<Pieces>> sources;
};

constexpr std::string_view kDate = "\"14-Nov-2023 22:13:20 +0000\"";

// What the client sends of one message: "T6 APPEND Old" and so on up to its literal, and the literal.
std::string sends(const std::string& begin, const std::string& literal, const std::string& octets) {
  return "C: " + begin + " " + std::string(kDate) + " " + literal + "\nC= " + octets + "\n";
}

TEST(ImapAdding, GoesOutInOneFlightAndLinesEndWithCrlf) {
  Letters l;
  Writing w("UIDPLUS LITERAL+", sends("T6 APPEND Old (\\Seen todo)", "{12+}", "a\\r\\nb\\r\\n\\r\\n\\rc\\r\\n\\r\\n") +
                                    sends("T7 APPEND INBOX", "{1+}", "x\\r\\n") +
                                    "S: T6 OK [APPENDUID 8 20] in\nS: T7 OK [APPENDUID 5 9] in\n");
  Action first = l.add(1, "a\r\nb\n\n\rc\n");
  first.add = {.system = sync::kSeen, .keywords = {"no atom", "todo"}};
  const uint64_t before = w.opened.channel->cost().round_trips;
  EXPECT_EQ(w.apply({first, l.add(2, "x", "INBOX")}), "1:ok=Old/8/20 2:ok=INBOX/5/9");
  EXPECT_EQ(w.opened.channel->cost().round_trips, before + 1);
  EXPECT_TRUE(w.finished());
}

TEST(ImapAdding, WhatAMailboxCantKeepIsLeftOut) {
  Letters l;
  Writing w("UIDPLUS LITERAL+",
            "C: T6 SELECT INBOX\nS: * OK [UIDVALIDITY 5]\nS: * OK [PERMANENTFLAGS (\\\\Seen mine)]\nS: T6 OK in\n"
            "C: T7 UID STORE 3 +FLAGS (\\Seen)\nS: * 1 FETCH (UID 3 FLAGS (\\\\Seen))\nS: T7 OK\n" +
                sends("T8 APPEND INBOX (\\Seen mine)", "{1+}", "x\\r\\n") + "S: T8 OK [APPENDUID 5 9] in\n");
  Action add = l.add(2, "x", "INBOX");
  add.add = {.system = sync::kSeen | sync::kDraft, .keywords = {"mine", "yours"}};
  EXPECT_EQ(w.apply({seen(1, 3), add}), "1:ok=1 2:ok=INBOX/5/9");
}

TEST(ImapAdding, APlusIsWaitedForOnlyWhereItMustBe) {
  Letters l;
  const std::string large(4097, 'x');
  Writing minus("UIDPLUS LITERAL-", sends("T6 APPEND Old", "{1+}", "a\\r\\n") + "C: T7 APPEND Old " +
                                        std::string(kDate) +
                                        " {4097}\nS: T6 OK [APPENDUID 8 20]\n"
                                        "S: + late\nC= " +
                                        large + "\\r\\n\n" + sends("T8 APPEND Old", "{1+}", "b\\r\\n") +
                                        "S: T7 OK [APPENDUID 8 21]\nS: T8 OK [APPENDUID 8 22]\n");
  EXPECT_EQ(minus.apply({l.add(1, "a"), l.add(2, large), l.add(3, "b")}), "1:ok=Old/8/20 2:ok=Old/8/21 3:ok=Old/8/22");
  Writing none("UIDPLUS", "C: T6 APPEND Old " + std::string(kDate) + " {1}\nS: + go\nC= a\\r\\n\nS: T6 OK\n");
  EXPECT_EQ(none.apply({l.add(1, "a")}), "1:noref");
}

TEST(ImapAdding, ALiteralThatIsRefusedLeavesTheSessionWhole) {
  Letters l;
  const std::string begin = "C: T6 APPEND Old " + std::string(kDate) + " {1}\n";
  Writing w("UIDPLUS", begin + "S: T6 NO [OVERQUOTA] full\nC: T7 APPEND INBOX " + std::string(kDate) +
                           " {1}\nS: + go\nC= b\\r\\n\nS: T7 OK [APPENDUID 5 9]\n" + "C: T8 APPEND Old " +
                           std::string(kDate) +
                           " {1}\nS: T8 BAD too much. Suggested Backoff Time: 1500 milliseconds\n");
  EXPECT_EQ(w.apply({l.add(1, "a"), l.add(2, "b", "INBOX"), l.add(3, "c")}), "1:quota 2:ok=INBOX/5/9 3:retry");
  EXPECT_EQ(w.done.of[3].retry_after, 1500ms);
  Writing never("UIDPLUS", begin);
  EXPECT_TRUE(never.apply({l.add(1, "a")}).starts_with(" !")) << "no + ever: nothing is told of it";
  Writing hasty("UIDPLUS", begin + "S: T6 OK [APPENDUID 8 20] what?\n");
  EXPECT_TRUE(hasty.apply({l.add(1, "a")}).starts_with(" !")) << "OK to what it has not read";
  EXPECT_EQ(hasty.error, Errc::Protocol);
}

TEST(ImapAdding, AppenduidThatCantBeTellsNoPlace) {
  Letters l;
  for (const char* code : {"8 20:21", "0 20", "8 0", "x", "8", "4294967296 20", "8 *"}) {
    Writing w("UIDPLUS LITERAL+", sends("T6 APPEND Old", "{1+}", "a\\r\\n") + "S: T6 OK [APPENDUID " + code + "] in\n");
    EXPECT_EQ(w.apply({l.add(1, "a")}), "1:noref") << code;
  }
  // Of another UIDVALIDITY than before: it is there.
  Writing w("UIDPLUS LITERAL+", sends("T6 APPEND INBOX", "{1+}", "a\\r\\n") + "S: T6 OK [APPENDUID 77 1] in\n");
  EXPECT_EQ(w.apply({l.add(1, "a", "INBOX")}), "1:ok=INBOX/77/1");
}

TEST(ImapAdding, TheCodeOfARefusalDecides) {
  Letters l;
  for (const auto& [code, did] : {std::pair("[TRYCREATE]", "nobox"),
                                  {"[NONEXISTENT]", "nobox"},
                                  {"[OVERQUOTA]", "quota"},
                                  {"[THROTTLED]", "retry"},
                                  {"[LIMIT]", "retry"},
                                  {"[NOPERM]", "readonly"},
                                  {"[CANNOT]", "never"},
                                  {"[READ-ONLY]", "readonly"},
                                  {"[TOOBIG]", "never"},
                                  {"", "refused"}}) {
    Writing w("UIDPLUS LITERAL+", sends("T6 APPEND Old", "{1+}", "a\\r\\n") + "S: T6 NO " + code + " because\n");
    EXPECT_EQ(w.apply({l.add(1, "a")}), std::string("1:") + did) << code;
  }
}

TEST(ImapAdding, NulOctetsNeedBinary) {
  Letters l;
  Writing poor("UIDPLUS LITERAL+", "");
  EXPECT_EQ(poor.apply({l.add(1, std::string("a\0b", 3))}), "1:refused");
  Writing rich("UIDPLUS LITERAL+ BINARY",
               sends("T6 APPEND Old", "~{3+}", "a\\0b\\r\\n") + "S: T6 OK [APPENDUID 8 20]\n");
  EXPECT_EQ(rich.apply({l.add(1, std::string("a\0b", 3))}), "1:ok=Old/8/20");
}

TEST(ImapAdding, WhatIsOverTheLimitIsNotSent) {
  Letters l;
  Writing w("UIDPLUS LITERAL+ APPENDLIMIT=3",
            sends("T6 APPEND Old", "{3+}", "abc\\r\\n") + "S: T6 OK [APPENDUID 8 20]\n");
  EXPECT_EQ(w.apply({l.add(1, "abcd"), l.add(2, "abc"), l.add(3, "a\n\n")}), "1:refused 2:ok=Old/8/20 3:refused");
  Writing own("UIDPLUS LITERAL+ APPENDLIMIT",
              "C: T6 STATUS Old (APPENDLIMIT)\nS: * STATUS Old (APPENDLIMIT 2)\nS: T6 OK\n" +
                  sends("T7 APPEND Old", "{2+}", "ab\\r\\n") + "S: T7 OK [APPENDUID 8 20]\n");
  EXPECT_EQ(own.apply({l.add(1, "abc"), l.add(2, "ab")}), "1:refused 2:ok=Old/8/20");
}

TEST(ImapAdding, WithMultiappendOneCommandTakesThemAll) {
  Letters l;
  Writing w("UIDPLUS LITERAL+ MULTIAPPEND",
            "C: T6 APPEND Old " + std::string(kDate) + " {1+}\nC= a \nC: " + std::string(kDate) +
                " {1+}\nC= b \nC: " + std::string(kDate) + " {1+}\nC= c\\r\\n\nS: T6 OK [APPENDUID 8 20,22:23] in\n");
  EXPECT_EQ(w.apply({l.add(1, "a"), l.add(2, "b"), l.add(3, "c")}), "1:ok=Old/8/20 2:ok=Old/8/22 3:ok=Old/8/23");
  EXPECT_TRUE(w.finished());
}

TEST(ImapAdding, ARefusedBatchIsSentAgainInHalvesUntilOneStandsAlone) {
  Letters l;
  const std::string date(kDate);
  Writing w("UIDPLUS LITERAL+ MULTIAPPEND",
            "C: T6 APPEND Old " + date + " {1+}\nC= a \nC: " + date + " {1+}\nC= b \nC: " + date +
                " {1+}\nC= c\\r\\n\nS: T6 NO one is bad\n" + sends("T7 APPEND Old", "{1+}", "a\\r\\n") +
                "C: T8 APPEND Old " + date + " {1+}\nC= b \nC: " + date + " {1+}\nC= c\\r\\n\n" +
                "S: T7 OK [APPENDUID 8 20] in\nS: T8 NO [OVERQUOTA] full\n" +
                sends("T9 APPEND Old", "{1+}", "b\\r\\n") + sends("T10 APPEND Old", "{1+}", "c\\r\\n") +
                "S: T9 NO [OVERQUOTA] full\nS: T10 OK [APPENDUID 8 21]\n");
  EXPECT_EQ(w.apply({l.add(1, "a"), l.add(2, "b"), l.add(3, "c")}), "1:ok=Old/8/20 2:quota 3:ok=Old/8/21");
  EXPECT_TRUE(w.finished());
}

TEST(ImapAdding, AnEmptyMessageGoesAlone) {
  Letters l;  // in MULTIAPPEND it would call off all of them
  Writing w("UIDPLUS LITERAL+ MULTIAPPEND",
            sends("T6 APPEND Old", "{1+}", "a\\r\\n") + sends("T7 APPEND Old", "{0+}", "\\r\\n") +
                sends("T8 APPEND Old", "{1+}", "b\\r\\n") + "S: T6 OK\nS: T7 NO empty\nS: T8 OK\n");
  EXPECT_EQ(w.apply({l.add(1, "a"), l.add(2, ""), l.add(3, "b")}), "1:noref 2:refused 3:noref");
}

TEST(ImapAdding, ALargeMessageIsReadTwiceAndStreamed) {
  Letters l;
  const std::string text = std::string(3'000'000, 'x') + "\nend\n";
  const std::string octets = "C= " + std::string(3'000'000, 'x') + "\\r\\nend\\r\\n\\r\\n\n";
  const std::string begin = " APPEND Old " + std::string(kDate) + " {3000007";
  Writing asks("UIDPLUS", "C: T6" + begin + "}\nS: + go\n" + octets + "S: T6 OK [APPENDUID 8 20]\n");
  EXPECT_EQ(asks.apply({l.add(1, text, "Old", 100'000)}), "1:ok=Old/8/20");
  EXPECT_EQ(l.sources.back()->reads, 1);
  // Nothing is under way beside it: while it goes out nobody listens.
  Writing goes("UIDPLUS LITERAL+", sends("T6 APPEND Old", "{1+}", "a\\r\\n") + "S: T6 OK [APPENDUID 8 20]\n" + "C: T7" +
                                       begin + "+}\n" + octets + "S: T7 OK [APPENDUID 8 21]\n" +
                                       sends("T8 APPEND Old", "{1+}", "b\\r\\n") + "S: T8 OK\n");
  EXPECT_EQ(goes.apply({l.add(1, "a"), l.add(2, text, "Old", 3'000'000), l.add(3, "b")}),
            "1:ok=Old/8/20 2:ok=Old/8/21 3:noref");
  EXPECT_TRUE(goes.finished());
}

TEST(ImapAdding, ALargeMessageThatChangesWhileItIsSentEndsTheConnection) {
  Letters l;
  Writing w("UIDPLUS LITERAL+", "C: T6 APPEND Old " + std::string(kDate) + " {3000000+}\n");
  const Action action = l.add(1, std::string(3'000'000, 'x'), "Old", 100'000);
  l.sources.back()->shrinks = true;
  EXPECT_TRUE(w.apply({action}).starts_with(" !"));
  EXPECT_EQ(w.error, Errc::Internal);
  // One that can't be read twice is not begun.
  Writing once("UIDPLUS LITERAL+", sends("T6 APPEND Old", "{1+}", "a\\r\\n") + "S: T6 OK\n");
  const Action single = l.add(1, std::string(3'000'000, 'x'), "Old", 100'000);
  l.sources.back()->once = true;
  EXPECT_EQ(once.apply({single, l.add(2, "a")}), "1:refused 2:noref");
}

TEST(ImapAdding, ASourceThatFailsLeavesTheOthersTheirOutcomesAndTheConnectionWhole) {
  Letters l;
  Writing w("UIDPLUS LITERAL+", sends("T6 APPEND Old", "{1+}", "a\\r\\n") + "S: T6 OK [APPENDUID 8 20]\n" +
                                    sends("T7 APPEND Old", "{1+}", "c\\r\\n") + "S: T7 OK [APPENDUID 8 21]\n");
  const Action good = l.add(1, "a"), bad = l.add(2, "b");
  l.sources.back()->fails = true;
  EXPECT_EQ(w.apply({good, bad, l.add(3, "c")}), "1:ok=Old/8/20 !the other side is gone");
  EXPECT_EQ(w.apply({l.add(4, "c")}), "4:ok=Old/8/21");
}

TEST(ImapAdding, WithoutTextOrMailboxNothingIsSent) {
  Letters l;
  Writing w("UIDPLUS LITERAL+", "");
  EXPECT_EQ(w.apply({{.token = 1, .op = Op::Add, .box = "Old", .known = "sha256:0"}}), "1:refused");
}

TEST(ImapContent, PiecesOfAnySizeGiveTheSameOctets) {
  const std::string text = "a\r\nb\n\n\r\n\r\rc\r";
  for (size_t piece = 1; piece <= text.size(); ++piece) {
    Pieces source(text, piece);
    const auto whole = read_content(source, 1000);
    ASSERT_TRUE(whole);
    EXPECT_EQ(whole->text, "a\r\nb\r\n\r\n\r\n\r\rc\r") << piece;
    EXPECT_EQ(whole->octets, whole->text.size());
    ASSERT_TRUE(source.rewind());
    const auto counted = read_content(source, 3);
    ASSERT_TRUE(counted);
    EXPECT_EQ(counted->octets, whole->octets);
    EXPECT_EQ(counted->text, "");
    std::string streamed;
    auto stream = stream_content(source).value();
    while (streamed.size() < whole->octets) streamed += stream->next().value();
    EXPECT_EQ(streamed, whole->text);
  }
}

TEST(ImapContent, OnlyTheHeadersOctetsCountAsTheHeaders) {
  const auto eight = [](std::string text, size_t piece) {
    Pieces source(std::move(text), piece);
    return read_content(source, 1000)->eight_bit_header;
  };
  for (const size_t piece : {1, 3, 100}) {
    EXPECT_TRUE(eight("A: \xc3\xa4\r\n\r\nb", piece));
    EXPECT_FALSE(eight("A: a\r\n\r\n\xc3\xa4", piece));
    EXPECT_FALSE(eight("A: a\n\n\xc3\xa4", piece));
    EXPECT_FALSE(eight("\r\n\xc3\xa4", piece));
  }
}

}  // namespace
}  // namespace libsync::replicas
