#include "libsync/store/search_query.h"

#include "tests/unit/store/store_fixture.h"

namespace libsync::store {
namespace {

using twinbox::test::mail;

constexpr int64_t kNow = 1'717'243'200;  // 2024-06-01T12:00Z

TEST(SearchQuery, ReadsFieldsPhrasesAndNegation) {
  const auto query = parse_query("hello \"two words\" from:ann -subject:\"not this\" pre* -in:Spam 12:30", kNow);
  ASSERT_TRUE(query);
  ASSERT_EQ(query->terms.size(), 6u);
  EXPECT_EQ(query->terms[1].text, "two words");
  EXPECT_EQ(query->terms[2].field, SearchField::From);
  EXPECT_TRUE(query->terms[3].negated);
  EXPECT_EQ(query->terms[3].text, "not this");
  EXPECT_TRUE(query->terms[4].prefix);
  EXPECT_EQ(query->terms[5].text, "12:30");
  EXPECT_EQ(query->not_in, std::vector<std::string>{"Spam"});
}

TEST(SearchQuery, ReadsDatesAndSizes) {
  const auto query = parse_query("after:2024-02 before:2024-03-10 larger:10k smaller:5MB", kNow);
  EXPECT_EQ(query->after, 1'706'745'600);
  EXPECT_EQ(query->before, 1'710'028'800);
  EXPECT_EQ(query->larger, 10'000u);
  EXPECT_EQ(query->smaller, 5'000'000u);
  EXPECT_EQ(parse_query("since:7d", kNow)->after, 1'717'200'000 - 7 * 86400);
  EXPECT_EQ(parse_query("on:2024-02", kNow)->before, 1'709'251'200);
}

TEST(SearchQuery, SaysWhatIsWrongWithAValue) {
  for (const char* bad : {"before:2024-13", "after:2024-02-30", "since:soon", "larger:big", "is:odd", "has:legs",
                          "larger:99999999999999999999", "after:1-1-1-1", "since:999999999y"}) {
    const auto query = parse_query(bad, kNow);
    ASSERT_FALSE(query) << bad;
    EXPECT_EQ(query.error().code, Errc::Usage) << bad;
  }
  EXPECT_EQ(parse_query(std::string(kMaxQueryBytes + 1, 'x'), kNow).error().code, Errc::Limit);
  std::string many;
  for (size_t i = 0; i <= kMaxQueryTerms; ++i) many += "x ";
  EXPECT_EQ(parse_query(many, kNow).error().code, Errc::Limit);
}

class SearchTest : public twinbox::test::StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    inbox = make_box({"INBOX"});
    work = make_box({"Work", "Reports"});
    tokyo = put(inbox, mail("東京からの便り", "日本語の本文です。会議は明日。"), {.system = sync::kSeen}, 1000);
    report = put(work, mail("Quarterly report", "The café's numbers are up by 5 percent"), {.keywords = {"tax"}}, 2000);
    chinese = put(inbox, mail("会议通知", "请查收附件，谢谢abc合同"), {.system = sync::kFlagged}, 3000);
    ASSERT_TRUE(store->index_pending(std::chrono::hours(1), {}, {}));
  }
  std::vector<MessageId> find(const std::string& query, const SearchOptions& options = {}) {
    const auto result = store->search(query, options);
    EXPECT_TRUE(result) << query << ": " << result.error().text();
    std::vector<MessageId> ids;
    if (result) {
      for (const Hit& hit : result->hits) ids.push_back(hit.message.id);
    }
    return ids;
  }
  using Ids = std::vector<MessageId>;
  MailboxId inbox = 0, work = 0;
  MessageId tokyo = 0, report = 0, chinese = 0;
};

TEST_F(SearchTest, FindsChineseAndJapaneseWordsOfOneTwoAndMoreCharacters) {
  EXPECT_EQ(find("京"), Ids{tokyo});
  EXPECT_EQ(find("東京"), Ids{tokyo});
  EXPECT_EQ(find("日本語"), Ids{tokyo});
  EXPECT_EQ(find("会议"), Ids{chinese});
  EXPECT_EQ(find("会"), (Ids{chinese, tokyo}));
  EXPECT_EQ(find("谢谢abc合同"), Ids{chinese});
  EXPECT_EQ(find("谢abc同"), Ids{});
  EXPECT_EQ(find("京東"), Ids{});
  EXPECT_EQ(find("日語"), Ids{});
}

TEST_F(SearchTest, FoldsCaseAndDiacritics) {
  EXPECT_EQ(find("CAFE"), Ids{report});
  EXPECT_EQ(find("quarter*"), Ids{report});
  EXPECT_EQ(find("quarter"), Ids{});
}

TEST_F(SearchTest, SharpSAndDoubleSAreOneLetter) {
  const MessageId small = put(inbox, mail("Treffen", "in der Langen Straße 5"), {}, 4000);
  const MessageId capital = put(inbox, mail("Treffen", "STRASSE GESPERRT"), {}, 5000);
  const MessageId sharp = put(inbox, mail("Treffen", "GROẞE STRAẞE"), {}, 6000);
  ASSERT_TRUE(store->index_pending(std::chrono::hours(1), {}, {}));
  for (const char* word : {"straße", "strasse", "STRASSE", "STRAẞE", "Straße", "stras*", "straß*"}) {
    EXPECT_EQ(find(word), (Ids{sharp, capital, small})) << word;
  }
  EXPECT_EQ(find("\"grosse strasse\""), Ids{sharp});
  const auto hit = store->search("strasse", {.limit = 1})->hits.at(0);
  ASSERT_EQ(hit.marks.size(), 1U);
  EXPECT_EQ(hit.snippet.substr(hit.marks[0].offset, hit.marks[0].length), "STRAẞE");
}

TEST_F(SearchTest, CombinesWordsFieldsAndFilters) {
  EXPECT_EQ(find("report numbers"), Ids{report});
  EXPECT_EQ(find("\"numbers report\""), Ids{});
  EXPECT_EQ(find("subject:numbers"), Ids{});
  EXPECT_EQ(find("from:example"), (Ids{chinese, report, tokyo}));
  EXPECT_EQ(find("from:example -report"), (Ids{chinese, tokyo}));
  EXPECT_EQ(find("-report"), (Ids{chinese, tokyo}));
  EXPECT_EQ(find("in:work"), Ids{report});
  EXPECT_EQ(find("in:reports is:unread"), Ids{report});
  EXPECT_EQ(find("is:flagged"), Ids{chinese});
  EXPECT_EQ(find("tag:TAX"), Ids{report});
  EXPECT_EQ(find("after:1970 larger:1"), (Ids{chinese, report, tokyo}));
  EXPECT_EQ(find("before:1970"), Ids{});
  EXPECT_EQ(find("example", {.limit = 1}), Ids{chinese});
  EXPECT_EQ(find("example", {.limit = 1, .offset = 1}), Ids{report});
  EXPECT_TRUE(store->search("example", {.limit = 1})->more);
  EXPECT_EQ(store->search("in:nowhere").error().code, Errc::NotFound);
}

TEST_F(SearchTest, AnyTextIsAQuery) {
  for (const std::string query : {"\"",
                                  "\"\"",
                                  "*",
                                  "-",
                                  "--",
                                  "AND",
                                  "NOT OR",
                                  "a AND",
                                  "NEAR(a b)",
                                  "{subject}:x",
                                  "';DROP TABLE message;--",
                                  "^a",
                                  "(",
                                  ")",
                                  "a\"b",
                                  "\xFF\xFE",
                                  ":",
                                  "from:",
                                  "x:\"",
                                  "+",
                                  "subject:*",
                                  "-\"",
                                  "words MATCH",
                                  "%",
                                  "?1"}) {
    EXPECT_TRUE(store->search(query)) << query;
  }
  EXPECT_TRUE(store->search(std::string("nul\0byte", 8)));
  EXPECT_EQ(find("!!!"), Ids{});
  EXPECT_EQ(find("report"), Ids{report});
}

TEST_F(SearchTest, ShowsALineOfTextWithTheMatchMarked) {
  const auto result = store->search("numbers");
  ASSERT_EQ(result->hits.size(), 1u);
  const Hit& hit = result->hits[0];
  ASSERT_EQ(hit.marks.size(), 1u);
  EXPECT_EQ(hit.snippet.substr(hit.marks[0].offset, hit.marks[0].length), "numbers");
  const auto kana = store->search("本文");
  ASSERT_EQ(kana->hits.size(), 1u);
  ASSERT_FALSE(kana->hits[0].marks.empty());
  EXPECT_EQ(kana->hits[0].snippet.substr(kana->hits[0].marks[0].offset, kana->hits[0].marks[0].length), "本文");
}

TEST_F(SearchTest, MailIsListedBeforeItIsIndexed) {
  put(inbox, mail("fresh", "unindexedword"));
  EXPECT_EQ(store->search("unindexedword")->unindexed, 1u);
  EXPECT_EQ(find("unindexedword"), Ids{});
  EXPECT_EQ(*store->index_pending(std::chrono::hours(1), {}, {}), 1u);
  EXPECT_EQ(find("unindexedword").size(), 1u);
}

TEST_F(SearchTest, RemovedMailIsNotFound) {
  auto write = *store->begin();
  ASSERT_TRUE(write->remove(report) && write->commit());
  EXPECT_EQ(find("report"), Ids{});
}

TEST_F(SearchTest, WordsThatALineEndCutsAreFound) {
  const MessageId wrapped = put(inbox, mail("wrapped", "会議は東\r\n京で。がんばっ\r\nて下さい\r\n\r\n大\r\n阪"));
  put(inbox, mail("spaced", "an end\r\nof line"));
  ASSERT_TRUE(store->index_pending(std::chrono::hours(1), {}, {}));
  EXPECT_EQ(find("京で"), std::vector{wrapped});
  EXPECT_EQ(find("がんばって"), std::vector{wrapped});
  EXPECT_EQ(find("大阪"), std::vector{wrapped});
  EXPECT_TRUE(find("い大").empty()) << "an empty line is a break";
  EXPECT_TRUE(find("endof").empty());
}

}  // namespace
}  // namespace libsync::store
