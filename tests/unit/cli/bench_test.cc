// twinbox bench: where its mail comes from, what it measures, how it compares.
#include <algorithm>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "libsync/mime/message.h"

#include "tests/unit/cli/fake_surroundings.h"
#include "tools/twinbox/bench_result.h"

namespace twinbox {
namespace {

namespace stdfs = std::filesystem;
using libsync::Errc;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr const char* kOne = "Subject: one\r\n\r\nText.\r\n";

// Files in a folder of its own.
class BenchCorpus : public testing::Test {
 protected:
  std::string file(const std::string& name, const std::string& octets) {
    const stdfs::path path = folder.path() / name;
    stdfs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << octets;
    return path.string();
  }
  libsync::Result<Corpus> read(const std::string& path, const CorpusLimits& limits = {}) {
    return read_corpus(fs, path, limits, {});
  }
  Errc code(const libsync::Result<Corpus>& result) { return result ? Errc::Internal : result.error().code; }

  test::TempDir folder;
  libsync::RealFileSystem fs;
};

TEST_F(BenchCorpus, AnMboxIsSplitAtItsFromLinesAndUnquoted) {
  const auto corpus = read(file("mail.mbox",
                                "From a@example.org Mon Jun  1 08:00:00 2026\nSubject: one\n\nText.\n"
                                ">From here on\n>>From twice\nFrom no empty line before\n\n"
                                "From b@example.org Mon Jun  1 09:00:00 2026\nSubject: two\n\nno end"));
  ASSERT_TRUE(corpus) << corpus.error().what;
  EXPECT_THAT(corpus->messages,
              ElementsAre("Subject: one\r\n\r\nText.\r\nFrom here on\r\n>From twice\r\nFrom no empty line before\r\n",
                          "Subject: two\r\n\r\nno end\r\n"));
  EXPECT_EQ(corpus->octets, corpus->messages[0].size() + corpus->messages[1].size());
  EXPECT_FALSE(corpus->cut);
}

TEST_F(BenchCorpus, AnMboxWithCrlfIsReadAlike) {
  const auto corpus = read(file("mail.mbox", "From a Mon\r\nA: 1\r\n\r\nx\r\n\r\nFrom b Tue\r\nB: 2\r\n\r\ny\r\n\r\n"));
  ASSERT_TRUE(corpus) << corpus.error().what;
  EXPECT_THAT(corpus->messages, ElementsAre("A: 1\r\n\r\nx\r\n", "B: 2\r\n\r\ny\r\n"));
}

TEST_F(BenchCorpus, AMaildirWithFoldersIsReadButNotItsTmp) {
  file("cur/1:2,S", "A: 1\n\nx\n");
  file("new/2", "B: 2\n\ny\n");
  file("tmp/3", "C: 3\n\nhalf");
  file(".Work/cur/4:2,", "D: 4\n\nz\n");
  file("dovecot-uidlist", "3 V1\n");
  const auto corpus = read(folder.path().string());
  ASSERT_TRUE(corpus) << corpus.error().what;
  EXPECT_THAT(corpus->messages, ElementsAre("D: 4\r\n\r\nz\r\n", "A: 1\r\n\r\nx\r\n", "B: 2\r\n\r\ny\r\n"));
}

TEST_F(BenchCorpus, AFolderOfEmlFilesAndASingleMessage) {
  const std::string one = file("a/one.eml", kOne);
  file("a/b/two.eml", "Subject: two\r\n\r\n");
  file("a/notes.txt", "no mail");
  const auto all = read(folder / "a");
  ASSERT_TRUE(all) << all.error().what;
  EXPECT_THAT(all->messages, ElementsAre("Subject: two\r\n\r\n", kOne));
  const auto single = read(one);
  ASSERT_TRUE(single) << single.error().what;
  EXPECT_THAT(single->messages, ElementsAre(kOne));
}

TEST_F(BenchCorpus, LinksAndPipesInAFolderAreNotFollowed) {
  test::TempDir elsewhere;
  std::ofstream(elsewhere / "secret.eml") << kOne;
  file("cur/1", kOne);
  stdfs::create_symlink(elsewhere / "secret.eml", folder.path() / "cur/2.eml");
  stdfs::create_directory_symlink(elsewhere.path(), folder.path() / "new");
  ASSERT_EQ(::mkfifo((folder / "cur/3.eml").c_str(), 0600), 0);  // opened, it would never end
  const auto corpus = read(folder.path().string());
  ASSERT_TRUE(corpus) << corpus.error().what;
  EXPECT_THAT(corpus->messages, ElementsAre(kOne));
  EXPECT_EQ(code(read(folder / "cur/3.eml")), Errc::Usage);
}

TEST_F(BenchCorpus, WhatHoldsNoMessageIsAnError) {
  EXPECT_EQ(code(read(folder / "nothing")), Errc::NotFound);
  EXPECT_EQ(code(read(folder.path().string())), Errc::NotFound);
  EXPECT_EQ(code(read(file("empty", ""))), Errc::NotFound);
  EXPECT_EQ(code(read(file("only.mbox", "From a Mon\n"))), Errc::NotFound);
}

// Every file is somebody else's; the rest is real.
class NotYours final : public libsync::FileSystem {
 public:
  explicit NotYours(libsync::FileSystem& under) : under_(under) {}
  libsync::Result<std::unique_ptr<libsync::File>> open(const std::string& path, libsync::OpenMode) override {
    return libsync::fail(Errc::Disk, path + ": not yours");
  }
  libsync::Status rename(const std::string& from, const std::string& to) override { return under_.rename(from, to); }
  libsync::Status remove(const std::string& path) override { return under_.remove(path); }
  libsync::Result<bool> make_dir(const std::string& path) override { return under_.make_dir(path); }
  libsync::Status sync_dir(const std::string& path) override { return under_.sync_dir(path); }
  libsync::Result<std::vector<std::string>> list(const std::string& path) override { return under_.list(path); }
  bool exists(const std::string& path) override { return under_.exists(path); }

 private:
  libsync::FileSystem& under_;
};

TEST_F(BenchCorpus, WhatCanNotBeReadIsAnError) {
  const std::string one = file("cur/1", kOne);
  NotYours not_yours(fs);
  EXPECT_EQ(code(read_corpus(not_yours, one, {}, {})), Errc::Disk);
  EXPECT_EQ(code(read_corpus(not_yours, folder.path().string(), {}, {})), Errc::Disk);
}

TEST_F(BenchCorpus, MoreThanTheLimitsIsLeftOutAndTold) {
  file("1.eml", kOne);
  file("2.eml", kOne);
  file("3.eml", kOne);
  const uint64_t size = std::string_view(kOne).size();
  const auto by_octets = read(folder.path().string(), {.octets = 2 * size + 5});
  ASSERT_TRUE(by_octets) << by_octets.error().what;
  EXPECT_EQ(by_octets->messages.size(), 2U);
  EXPECT_TRUE(by_octets->cut);
  const auto by_count = read(folder.path().string(), {.messages = 1});
  ASSERT_TRUE(by_count) << by_count.error().what;
  EXPECT_EQ(by_count->messages.size(), 1U);
  EXPECT_TRUE(by_count->cut);
  EXPECT_FALSE(read(folder.path().string())->cut);
  EXPECT_EQ(code(read(folder.path().string(), {.octets = size - 1})), Errc::Limit);
  EXPECT_EQ(code(read(folder / "1.eml", {.octets = size - 1})), Errc::Limit);
}

TEST_F(BenchCorpus, ALargeMboxIsReadUpToTheLimitWithoutAHalfMessage) {
  const std::string path = file("mail.mbox", "From a Mon\nA: 1\n\nx\n\nFrom b Tue\nB: 2\n\nthis one does not fit\n");
  const auto corpus = read(path, {.octets = 45});
  ASSERT_TRUE(corpus) << corpus.error().what;
  EXPECT_THAT(corpus->messages, ElementsAre("A: 1\r\n\r\nx\r\n"));
  EXPECT_TRUE(corpus->cut);
  EXPECT_EQ(code(read(path, {.octets = 15})), Errc::Limit);
}

TEST_F(BenchCorpus, ReadingEndsWhenAskedTo) {
  file("1.eml", kOne);
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(code(read_corpus(fs, folder.path().string(), {}, stop.get_token())), Errc::Cancelled);
}

TEST_F(BenchCorpus, AStoreIsReadNewestFirstEachContentOnceAndWithoutItsDamage) {
  const std::string place = folder / "store";
  {
    const auto store = libsync::store::Store::open(place, {.mode = libsync::store::StoreMode::Create});
    ASSERT_TRUE(store) << store.error().what;
    const auto old = (*store)->stage(kOne);
    const auto young = (*store)->stage("Subject: two\r\n\r\nbare\nend");
    const auto damaged = (*store)->stage("Subject: three\r\n\r\nXYZZY\r\n");
    const auto write = (*store)->begin();
    ASSERT_TRUE(old && young && damaged && write);
    const auto inbox = (*write)->create_mailbox({"INBOX"});
    const auto archive = (*write)->create_mailbox({"Archive"});
    ASSERT_TRUE(inbox && archive);
    ASSERT_TRUE((*write)->add(*inbox, *old, {}, 1'700'000'000));
    ASSERT_TRUE((*write)->add(*inbox, *damaged, {}, 1'750'000'000));
    ASSERT_TRUE((*write)->add(*inbox, *young, {}, 1'760'000'000));
    ASSERT_TRUE((*write)->add(*archive, *old, {}, 1'700'000'000));
    ASSERT_TRUE((*write)->commit());
  }
  size_t hit = 0;
  for (const auto& entry : stdfs::recursive_directory_iterator(place)) {
    if (!entry.is_regular_file() || entry.path().filename().string().starts_with("twin.db")) continue;
    std::fstream segment(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
    const std::string octets((std::istreambuf_iterator<char>(segment)), {});
    const size_t at = octets.find("XYZZY");
    if (at == octets.npos) continue;
    segment.clear();
    segment.seekp(static_cast<std::streamoff>(at));
    segment.put('?');
    ++hit;
  }
  ASSERT_EQ(hit, 1U);
  const auto store = libsync::store::Store::open(place, {.mode = libsync::store::StoreMode::ReadOnly});
  ASSERT_TRUE(store) << store.error().what;
  const auto corpus = store_corpus(**store, "work", {}, {});
  ASSERT_TRUE(corpus) << corpus.error().what;
  EXPECT_EQ(corpus->name, "work");
  EXPECT_THAT(corpus->messages, ElementsAre("Subject: two\r\n\r\nbare\r\nend", kOne));
  EXPECT_EQ(corpus->passed_over, 1U);
  const auto cut = store_corpus(**store, "work", {.messages = 1}, {});
  ASSERT_TRUE(cut) << cut.error().what;
  EXPECT_TRUE(cut->cut);
  EXPECT_EQ(code(store_corpus(**store, "work", {.octets = 10}, {})), Errc::Limit);
}

TEST(BenchMade, IsTheSameEachTimeAndOfMixedKinds) {
  const Corpus corpus = made_corpus(60);
  EXPECT_EQ(corpus.messages, made_corpus(60).messages);
  ASSERT_EQ(corpus.messages.size(), 60U);
  size_t alternatives = 0, attachments = 0, lists = 0, base64_texts = 0;
  for (const std::string& message : corpus.messages) {
    const auto read = libsync::mime::parse(message);
    EXPECT_EQ(read.defects.total(), 0U) << message.substr(0, 400);
    alternatives += read.root().subtype == "alternative" && read.root().children.size() == 2;
    attachments += read.root().subtype == "mixed" && read.parts.back().type == "image";
    lists += message.find("\r\nList-Id: ") != message.npos;
    base64_texts += message.find("=?utf-8?B?") != message.npos && read.root().type == "text";
  }
  EXPECT_GT(alternatives, 5U);
  EXPECT_GT(attachments, 5U);
  EXPECT_GT(lists, 3U);
  EXPECT_GT(base64_texts, 3U);
}

TEST(BenchParts, EveryPartDoesItsWorkOnOddMailToo) {
  test::TempDir folder;
  Corpus corpus = made_corpus(20);
  corpus.add("Subject: \xE4\xBD\xA0\xE5\xA5\xBD\r\n\r\n.\r\n..\r\n.dots\r\nno end", {});
  corpus.add("no header", {});
  corpus.add(std::string("\r\n\0\x01\r.\r\r\n.\r\n", 12), {});
  corpus.add(kOne, {});
  corpus.add(kOne, {});
  for (const BenchPart* part : bench_parts()) {
    const auto work = part->make(corpus, folder.path().string(), {});
    ASSERT_TRUE(work) << part->name << ": " << work.error().what;
    EXPECT_GT(work->units, 0U) << part->name;
    // What the first one leaves behind is no matter to the second.
    for (int left = work->ready ? 2 : 1; left > 0; --left) {
      const auto ready = work->ready ? work->ready() : libsync::Status();
      ASSERT_TRUE(ready) << part->name << ": " << ready.error().what;
      const auto done = work->run();
      EXPECT_TRUE(done) << part->name << ": " << done.error().what;
    }
  }
  EXPECT_TRUE(stdfs::is_empty(folder.path())) << "stores go with their work";
}

TEST(BenchParts, WorkThatWasNotDoneIsAnError) {
  EXPECT_TRUE(all_done("x", 3, 3));
  const auto status = all_done("x", 2, 3);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().what, "x: 2 of 3 were done");
}

// A clock that goes on by a step each time it is asked.
class SteppingClock final : public libsync::Clock {
 public:
  explicit SteppingClock(libsync::Steady::duration step) : step_(step) {}
  libsync::Steady::time_point now() const override { return now_ += step_; }
  int64_t unix_seconds() const override { return 0; }

 private:
  libsync::Steady::duration step_;
  mutable libsync::Steady::time_point now_{};
};

TEST(BenchMeasure, TakesTheMeanOfAsManyRunsAsLastATenthOfASecond) {
  static int ready = 0, runs = 0;
  ready = runs = 0;
  const BenchPart part{
      "part", "messages", "",
      [](const Corpus&, const std::string&, const std::stop_token&) -> libsync::Result<BenchWork> {
        const auto count = [](int& what) {
          ++what;
          return libsync::Status();
        };
        return BenchWork{
            .ready = [count] { return count(ready); }, .run = [count] { return count(runs); }, .units = 7, .octets = 8};
      }};
  std::vector<size_t> heard;
  const auto short_one = measure(part, {.name = "none"}, "", 3, SteppingClock(std::chrono::milliseconds(30)), {},
                                 [&](size_t done) { heard.push_back(done); });
  ASSERT_TRUE(short_one) << short_one.error().what;
  EXPECT_EQ(runs, 1 + 3 * 4);
  EXPECT_EQ(ready, runs);
  EXPECT_THAT(heard, ElementsAre(1U, 2U, 3U));
  ASSERT_EQ(short_one->seconds.size(), 3U);
  EXPECT_NEAR(median_of(short_one->seconds), 0.03, 1e-9);
  EXPECT_EQ(short_one->units, 7U);
  EXPECT_EQ(short_one->octets, 8U);
  runs = 0;
  const auto long_one =
      measure(part, {.name = "none"}, "", 2, SteppingClock(std::chrono::seconds(2)), {}, [](size_t) {});
  ASSERT_TRUE(long_one);
  EXPECT_EQ(runs, 1 + 2);
  EXPECT_NEAR(median_of(long_one->seconds), 2, 1e-9);
}

TEST(BenchMeasure, WorkThatFailsBecauseItWasStoppedIsInterrupted) {
  static std::stop_source stop;
  const BenchPart stops{"part", "messages", "",
                        [](const Corpus&, const std::string&, const std::stop_token&) -> libsync::Result<BenchWork> {
                          return BenchWork{.run = [] {
                            stop.request_stop();
                            return all_done("part", 1, 2);
                          }};
                        }};
  const SteppingClock clock{std::chrono::seconds(1)};
  const auto stopped = measure(stops, {.name = "none"}, "", 2, clock, stop.get_token(), [](size_t) {});
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, Errc::Cancelled);
  const auto failed = measure(stops, {.name = "none"}, "", 2, clock, {}, [](size_t) {});
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().what, "part: 1 of 2 were done");
}

TEST(BenchMeasure, MedianOfAnEvenNumberIsTheMiddle) {
  EXPECT_DOUBLE_EQ(median_of({3, 1, 2}), 2);
  EXPECT_DOUBLE_EQ(median_of({4, 1, 2, 3}), 2.5);
  EXPECT_DOUBLE_EQ(median_of({5}), 5);
}

BenchResult result(std::vector<double> seconds) {
  return {.name = "mime-tree",
          .unit = "messages",
          .units = 10,
          .octets = 1000,
          .seconds = seconds,
          .cpu_seconds = std::move(seconds),
          .machine = {.processor = "one", .cores = 2, .build = "release"}};
}

TEST(BenchCompare, IsFasterOrSlowerOnlyWhereTheRepetitionsDoNotOverlap) {
  const auto slower = compare_bench(result({1, 1.1, 0.9}), result({2, 2.2, 1.8}));
  EXPECT_EQ(slower.verdict, Verdict::Slower);
  EXPECT_DOUBLE_EQ(slower.percent, 100);
  EXPECT_DOUBLE_EQ(slower.cpu_percent, 100);
  const auto faster = compare_bench(result({2, 2.2, 1.8}), result({1, 1.1, 0.9}));
  EXPECT_EQ(faster.verdict, Verdict::Faster);
  EXPECT_DOUBLE_EQ(faster.percent, -50);
  const auto noise = compare_bench(result({1, 1.1, 0.9}), result({1.1, 1.3, 1.2}));
  EXPECT_EQ(noise.verdict, Verdict::Noise);
  EXPECT_NEAR(noise.percent, 20, 1e-9);
  EXPECT_EQ(compare_bench(result({1, 1, 1}), result({1.07, 1.07, 1.07})).verdict, Verdict::Noise);
  EXPECT_EQ(compare_bench(result({1, 1, 1}), result({1.09, 1.09, 1.09})).verdict, Verdict::Slower);
}

TEST(BenchCompare, GoesByCpuTimeAndTellsApartWhoWaits) {
  auto waits = result({1, 1, 1});
  waits.seconds = {3, 3, 3};
  EXPECT_EQ(compare_bench(result({1, 1, 1}), waits).verdict, Verdict::WaitsLonger);
  EXPECT_EQ(compare_bench(waits, result({1, 1, 1})).verdict, Verdict::WaitsLess);
  auto works = result({1, 1, 1});
  works.cpu_seconds = {3, 3, 3};
  EXPECT_EQ(compare_bench(waits, works).verdict, Verdict::Slower) << "however short it is by the clock";
}

TEST(BenchCompare, SaysNothingOfOtherMailOrOfTwoRepetitions) {
  EXPECT_EQ(compare_bench(result({1, 1}), result({2, 2, 2})).verdict, Verdict::TooFew);
  EXPECT_EQ(compare_bench(result({1, 1, 1}), result({2, 2})).verdict, Verdict::TooFew);
  auto other = result({1, 1, 1});
  other.octets = 999;
  EXPECT_EQ(compare_bench(other, result({2, 2, 2})).verdict, Verdict::OtherWork);
  other = result({1, 1, 1});
  other.units = 11;
  EXPECT_EQ(compare_bench(other, result({2, 2, 2})).verdict, Verdict::OtherWork);
  EXPECT_EQ(compare_bench(result({0, 0, 0}), result({0, 0, 0})).percent, 0);  // a clock that stands still
}

TEST(BenchCompare, ReadsWhatJsonPrints) {
  const auto made = result({0.5, 0.25, 1e-7});
  const std::string line = to_line(bench_json(made));
  EXPECT_THAT(line, HasSubstr("\"bench\":\"mime-tree\",\"unit\":\"messages\",\"units\":10,\"size\":1000"));
  const auto read = read_bench(line + "\n\n" + line + "\n", "old.json");
  ASSERT_TRUE(read) << read.error().what;
  ASSERT_EQ(read->size(), 2U);
  EXPECT_EQ(read->front().seconds, made.seconds);
  EXPECT_EQ(read->front().cpu_seconds, made.cpu_seconds);
  EXPECT_EQ(read->front().machine, made.machine);
  EXPECT_EQ(compare_bench(read->front(), made).verdict, Verdict::Noise);
}

TEST(BenchCompare, AnythingElseIsADamagedFile) {
  const std::string good = to_line(bench_json(result({1, 2, 3})));
  const auto without = [&](const std::string& key) {
    const size_t at = good.find("\"" + key + "\"");
    return good.substr(0, at) + "\"x\"" + good.substr(at + key.size() + 2);
  };
  for (const std::string& bad :
       {std::string(),
        std::string("\n \n"),
        std::string("no JSON"),
        std::string("[]"),
        std::string("{}"),
        good.substr(0, good.size() / 2),
        good + good,
        std::string(1'000, '['),
        without("bench"),
        without("unit"),
        without("units"),
        without("size"),
        without("seconds_each"),
        without("cpu_seconds_each"),
        std::string(R"({"bench":"a","unit":"b","units":0,"size":1,"seconds_each":[1],"cpu_seconds_each":[1]})"),
        std::string(R"({"bench":"a","unit":"b","units":-1,"size":1,"seconds_each":[1],"cpu_seconds_each":[1]})"),
        std::string(R"({"bench":"a","unit":"b","units":1,"size":1,"seconds_each":[],"cpu_seconds_each":[1]})"),
        std::string(R"({"bench":"a","unit":"b","units":1,"size":1,"seconds_each":[-1],"cpu_seconds_each":[1]})"),
        std::string(R"({"bench":"a","unit":"b","units":1,"size":1,"seconds_each":[1e999],"cpu_seconds_each":[1]})"),
        std::string(R"({"bench":"a","unit":"b","units":1,"size":1,"seconds_each":["1"],"cpu_seconds_each":[1]})")}) {
    const auto read = read_bench(bad, "old.json");
    ASSERT_FALSE(read) << bad;
    EXPECT_EQ(read.error().code, Errc::Corrupt) << bad;
    EXPECT_THAT(read.error().what, AllOf(HasSubstr("old.json"), Not(HasSubstr("\n"))));
  }
  const auto read = read_bench(good + "\nlast", "old.json");
  ASSERT_FALSE(read);
  EXPECT_THAT(read.error().what, HasSubstr("line 2"));
}

// The command, quickly: one message, one part.
class Bench : public BenchCorpus {
 protected:
  void SetUp() override { twinbox.environment["TMPDIR"] = work.path().string(); }
  int run(std::vector<std::string> words) {
    words.insert(words.begin(), {"bench", "--corpus", file("one.eml", kOne), "--repetitions", "3"});
    return twinbox.run(words);
  }
  test::Fake twinbox;
  test::TempDir work;
};

TEST_F(Bench, PrintsATableAndLeavesNothingBehind) {
  ASSERT_EQ(run({"--only", "^(mime-tree|store-add)$"}), 0) << twinbox.err;
  EXPECT_THAT(twinbox.out, AllOf(HasSubstr("mime-tree"), HasSubstr("store-add"), Not(HasSubstr("imap"))));
  EXPECT_THAT(twinbox.err, HasSubstr("1 message, "));
  EXPECT_TRUE(stdfs::is_empty(work.path()));
}

TEST_F(Bench, ComparesWithWhatItPrintedItself) {
  ASSERT_EQ(run({"--only", "mime", "--json"}), 0) << twinbox.err;
  EXPECT_EQ(std::ranges::count(twinbox.out, '\n'), 3);
  EXPECT_THAT(twinbox.err, IsEmpty());
  const std::string old = file("old.json", twinbox.out);
  ASSERT_EQ(run({"--only", "mime", "--compare", old}), 0) << twinbox.err;
  EXPECT_THAT(twinbox.out, testing::ContainsRegex("mime-tree .* (faster|slower|within the noise)"));
  EXPECT_THAT(twinbox.err, Not(HasSubstr("another machine")));
  ASSERT_EQ(run({"--only", "mime", "--compare", old, "--json"}), 0) << twinbox.err;
  EXPECT_THAT(twinbox.out, testing::ContainsRegex("\"verdict\":\"(faster|slower|noise)\""));
}

TEST_F(Bench, TellsWhatTheOldFileHasOrHasNot) {
  const std::string old = file(
      "old.json",
      R"({"bench":"smtp","unit":"messages","units":1,"size":1,"seconds_each":[1],"cpu_seconds_each":[1],"cores":9})");
  ASSERT_EQ(run({"--only", "mime-tree", "--compare", old}), 0) << twinbox.err;
  EXPECT_THAT(twinbox.out, HasSubstr("not in the old file"));
  EXPECT_THAT(twinbox.err, AllOf(HasSubstr("\"smtp\", which is not measured here"), HasSubstr("another machine")));
}

TEST_F(Bench, SaysInOneLineWhatIsWrong) {
  EXPECT_EQ(run({"--only", "nothing"}), 2);
  EXPECT_THAT(twinbox.err, HasSubstr("mime-tree"));
  EXPECT_EQ(run({"--only", "("}), 2);
  EXPECT_EQ(run({"--only", std::string(10'000, '(')}), 2);
  EXPECT_EQ(run({"--repetitions", "0"}), 2);
  EXPECT_EQ(run({"work"}), 2);
  EXPECT_THAT(twinbox.err, HasSubstr("exclude each other"));
  EXPECT_EQ(run({"--compare", folder / "nothing"}), 2);
  EXPECT_EQ(run({"--compare", folder.path().string()}), 2);
  EXPECT_EQ(run({"--compare", file("bad.json", "{}")}), 8);
  EXPECT_EQ(twinbox.run({"bench", "--corpus", folder / "nothing"}), 2);
  EXPECT_EQ(twinbox.run({"bench", "--corpus", ""}), 2);
  EXPECT_EQ(twinbox.run({"bench", "nobody"}), 2);
  twinbox.environment["TMPDIR"] = folder / "nothing";
  EXPECT_EQ(run({"--only", "mime-tree"}), 3);
  EXPECT_THAT(twinbox.err, HasSubstr("TMPDIR"));
}

TEST_F(Bench, EndsWhenAskedToAndTakesItsFolderAlong) {
  twinbox.stop.request_stop();
  EXPECT_EQ(run({}), 130);
  EXPECT_TRUE(stdfs::is_empty(work.path()));
}

}  // namespace
}  // namespace twinbox
