#include "tools/twinbox/output.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libsync/base/nearest.h"
#include "libsync/base/text.h"

#include "tests/unit/cli/fake_surroundings.h"
#include "tools/twinbox/message_table.h"
#include "tools/twinbox/progress.h"
#include "tools/twinbox/trace_printer.h"

namespace twinbox {
namespace {

using testing::HasSubstr;
using testing::Not;

struct Sink {
  std::string text;
  std::error_code fails{};
  Stream stream{.write = [this](std::string_view bytes) {
    text += bytes;
    return fails;
  }};
};

std::vector<std::string> lines(const std::string& text) {
  std::vector<std::string> out;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    out.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

TEST(Table, AlignsEastAsianTextByItsWidth) {
  Sink sink;
  {
    Output out(sink.stream);
    print_table(out, {{.title = "from"}, {.title = "size", .right = true}},
                {{"张伟", "1"}, {"Anna", "23"}, {"ｱｲe\u0301", "4"}});
  }
  EXPECT_EQ(sink.text,
            "from  size\n"
            "张伟     1\n"
            "Anna    23\n"
            "ｱｲe\u0301      4\n");
}

TEST(Table, OnATerminalFlexibleColumnsGiveWay) {
  Sink sink;
  sink.stream.terminal = true;
  sink.stream.columns = 24;
  {
    Output out(sink.stream);
    print_table(out, {{.title = "a"}, {.title = "subject", .flexible = true}}, {{"12345", "一二三四五六七八九十十一"}});
  }
  for (const auto& line : lines(sink.text)) EXPECT_LE(libsync::display_width(line), 24U) << line;
  EXPECT_THAT(sink.text, HasSubstr("…"));
}

TEST(Table, InAPipeNothingIsCut) {
  Sink sink;
  sink.stream.columns = 10;
  {
    Output out(sink.stream);
    print_table(out, {{.title = "subject", .flexible = true}}, {{std::string(200, 'x')}});
  }
  EXPECT_THAT(sink.text, HasSubstr(std::string(200, 'x')));
}

TEST(Output, IsQuietOnceNobodyReads) {
  Sink sink;
  sink.fails = std::make_error_code(std::errc::broken_pipe);
  Output out(sink.stream);
  out.line("a");
  EXPECT_FALSE(out.closed());
  out.flush();
  EXPECT_TRUE(out.closed());
  out.line("b");
  out.flush();
  EXPECT_EQ(sink.text, "a\n");
  EXPECT_TRUE(out.status()) << "a reader that leaves has what it wanted";
}

TEST(Output, SaysWhyItCouldNotBeWritten) {
  Sink sink;
  sink.fails = std::make_error_code(std::errc::no_space_on_device);
  Output out(sink.stream);
  out.text(std::string(1'000'000, 'x'));
  ASSERT_FALSE(out.status());
  EXPECT_EQ(out.status().error().what, "standard output: No space left on device");
}

TEST(Errors, AreOneLineAndAHint) {
  EXPECT_EQ(error_text({.what = "work: login refused by h", .server = "no", .hint = "wait"}),
            "twinbox: work: login refused by h: \"no\"\n         wait\n");
  EXPECT_EQ(error_text({.what = "a\nb"}), "twinbox: a b\n");
}

TEST(Json, IsAlwaysValid) {
  EXPECT_EQ(to_line(JsonObject{{"a", 1}, {"b", nullptr}, {"c", "\x01\n\""}, {"d", JsonList{true, 2.5}}}),
            R"({"a":1,"b":null,"c":"\u0001\n\"","d":[true,2.5E0]})");
  EXPECT_EQ(to_line(Json("a\xFF\tb")), "\"a\xEF\xBF\xBD\\tb\"");
  EXPECT_EQ(to_line(Json("\xC2\x9B[1m \x7F \xE2\x80\xAE \xC2\xA0 \xE4\xBD\xA0 \xF0\x9F\x98\x80")),
            "\"\\u009b[1m \\u007f \\u202e \xC2\xA0 \xE4\xBD\xA0 \xF0\x9F\x98\x80\"")
      << "what a terminal would obey";
  EXPECT_EQ(to_line(Json(uint64_t{18446744073709551615U})), "18446744073709551615");
}

TEST(Times, AreSaidInTheLargestSensibleUnit) {
  constexpr int64_t kNow = 1'790'000'000;
  EXPECT_EQ(relative_time(kNow - 120, kNow), "2 min ago");
  EXPECT_EQ(relative_time(kNow + 780, kNow), "in 13 min");
  EXPECT_EQ(relative_time(kNow - 7, kNow), "7 s ago");
  EXPECT_EQ(relative_time(kNow, kNow), "now");
  EXPECT_EQ(iso_time(0), "1970-01-01T00:00:00Z");
  EXPECT_EQ(iso_time(1'790'000'000), "2026-09-21T14:13:20Z");
}

TEST(Trace, EscapesWhatATerminalWouldObey) {
  EXPECT_EQ(visible("a\tb\x1B[2J\xFF é 你"), "a\\tb\\x1B[2J\\xFF é 你");
  EXPECT_EQ(visible("\xE2\x80\xAE"), "\\xE2\\x80\\xAE") << "a bidirectional override";
  EXPECT_LT(visible(std::string(1'000'000, 'x')).size(), kMaxTraceLine + 10);
}

TEST(Trace, LinesHaveTimeSpeakerAndLabel) {
  Sink sink;
  test::FixedClock clock;
  TracePrinter printer(sink.stream, clock);
  clock.steady = std::chrono::milliseconds(123);
  printer.label("")->line(libsync::TraceKind::Server, "+OK ready");
  clock.steady = std::chrono::milliseconds(4567);
  printer.label("work")->line(libsync::TraceKind::Client, "PASS ***");
  printer.label("")->line(libsync::TraceKind::Note, "connected");
  EXPECT_EQ(sink.text, "0.123 S: +OK ready\n4.567 work C: PASS ***\n4.567 *  connected\n");
}

TEST(Progress, ShowsShareCountRateAndTimeLeft) {
  const std::string line = progress_line("work", 4, {.done = 6104, .total = 10000, .bytes = 58'000'000},
                                         {.bytes_per_second = 58e6, .seconds_left = 0.7}, 80);
  EXPECT_EQ(line, "work   ████████████▏         61 %   6,104 of 10,000   58 MB/s   1 s left");
}

TEST(Progress, FitsNarrowTerminals) {
  for (size_t columns = 5; columns < 100; ++columns) {
    const std::string line = progress_line("工作", 6, {.done = 5, .total = 10, .bytes = 1},
                                           {.bytes_per_second = 1, .seconds_left = 5}, columns);
    EXPECT_LE(libsync::display_width(line), columns) << line;
  }
  EXPECT_EQ(progress_line("w", 1, {.what = "connecting"}, {}, 80), "w   connecting");
  EXPECT_THAT(progress_line("w", 1, {.done = 20, .total = 10}, {}, 80), HasSubstr("100 %"));
}

TEST(Progress, IsSilentOutsideATerminalAndCleansUpOnOne) {
  Sink sink;
  test::FixedClock clock;
  {
    ProgressBoard board(sink.stream, clock, true);
    board.update(board.add("a"), {.done = 1, .total = 2});
  }
  EXPECT_EQ(sink.text, "");
  sink.stream.terminal = true;
  {
    ProgressBoard board(sink.stream, clock, true);
    clock.steady = std::chrono::seconds(1);
    const size_t line = board.add("a");
    board.update(line, {.done = 1, .total = 2});
    const size_t drawn = sink.text.size();
    EXPECT_GT(drawn, 0U);
    board.update(line, {.done = 2, .total = 2});
    EXPECT_EQ(sink.text.size(), drawn) << "not more often than the eye follows";
    board.print("done");
  }
  EXPECT_THAT(sink.text, HasSubstr("\r\x1B[2K\x1B[1A\x1B[2Kdone\n"));
  EXPECT_TRUE(sink.text.ends_with("\r\x1B[2K\x1B[1A\x1B[2K")) << "the last drawing is taken away";
}

TEST(Progress, LeavesOutTheLeastFirstAndCutsNothing) {
  const auto at = [](size_t columns) {
    return progress_line("work", 4, {.done = 6104, .total = 10000}, {.bytes_per_second = 58e6, .seconds_left = 0.7},
                         columns);
  };
  EXPECT_EQ(at(55), "work    61 %   6,104 of 10,000   58 MB/s   1 s left");
  EXPECT_EQ(at(42), "work    61 %   6,104 of 10,000   1 s left");
  EXPECT_EQ(at(35), "work    61 %   6,104 of 10,000");
  EXPECT_EQ(at(20), "work    61 %");
}

TEST(Progress, TakesAwayEveryRowOfALineThatANarrowerWindowBroke) {
  Sink sink;
  sink.stream.terminal = true;
  size_t columns = 100;
  sink.stream.measure = [&](Stream& stream) { stream.columns = columns; };
  test::FixedClock clock;
  clock.steady = std::chrono::seconds(1);
  ProgressBoard board(sink.stream, clock, true);
  board.update(board.add("work"), {.done = 1, .total = 2});  // 7, a bar of 20, "  50 %   1 of 2"
  columns = 30;
  board.print("done");
  EXPECT_THAT(sink.text, HasSubstr("\r\x1B[2K\x1B[1A\x1B[2K\x1B[1A\x1B[2Kdone\n"));
  EXPECT_TRUE(sink.text.ends_with("work    50 %   1 of 2\n")) << "and then fits the window";
}

TEST(Progress, IsNeverHigherThanTheWindow) {
  Sink sink;
  sink.stream.terminal = true;
  sink.stream.rows = 4;
  test::FixedClock clock;
  clock.steady = std::chrono::seconds(1);
  ProgressBoard board(sink.stream, clock, true);
  for (int i = 0; i < 9; ++i) board.update(board.add("a"), {.done = 1, .total = 2});
  sink.text.clear();
  board.print("done");
  EXPECT_EQ(std::ranges::count(sink.text, '\n'), 1 + 3);
}

TEST(Progress, BeginsToMeasureAnewWhenItDoesSomethingElse) {
  Sink sink;
  sink.stream.terminal = true;
  test::FixedClock clock;
  ProgressBoard board(sink.stream, clock, true);
  const size_t line = board.add("a");
  const auto at = [&](int second, const ProgressValue& value) {
    sink.text.clear();
    clock.steady = std::chrono::seconds(second);
    board.update(line, value);
  };
  at(1, {.done = 0, .total = 900});
  at(3, {.done = 900, .total = 900});
  EXPECT_THAT(sink.text, HasSubstr("0 s left"));
  at(4, {.done = 0, .total = 900, .what = "indexing"});
  EXPECT_THAT(sink.text, Not(HasSubstr("left")));
  at(5, {.done = 300, .total = 900, .what = "indexing"});
  EXPECT_THAT(sink.text, HasSubstr("2 s left"));
}

TEST(Progress, NothingIsWrittenWhileAQuestionIsOpen) {
  Sink sink;
  sink.stream.terminal = true;
  test::FixedClock clock;
  clock.steady = std::chrono::seconds(1);
  ProgressBoard board(sink.stream, clock, true);
  TracePrinter trace(sink.stream, clock, &board);
  const size_t line = board.add("a");
  board.update(line, {.what = "connecting"});
  board.pause();
  sink.text.clear();
  clock.steady = std::chrono::seconds(3);
  board.update(line, {.done = 1, .total = 2});
  board.print("an error");
  trace.label("")->line(libsync::TraceKind::Note, "connected");
  EXPECT_EQ(sink.text, "");
  board.resume();
  EXPECT_TRUE(sink.text.starts_with("an error\n2.000 *  connected\na   ")) << sink.text;
}

TEST(MessageTable, KeepsColumnsInLineAcrossScripts) {
  Sink sink;
  {
    Output out(sink.stream);
    MessageTable table(out, 1'790'000'000, {.folder = true});
    libsync::store::MessageInfo message{.id = 7, .size = 4900};
    message.internaldate = 1'790'000'000 - 60;
    message.envelope.from = "张伟 <zw@example.org>, b@c";
    message.envelope.subject = "发票\x1B[2J";
    table.add(message, {}, "收件箱");
    message.id = 12345;
    message.envelope.from = "<a@b>";
    message.flags.system = libsync::sync::kSeen | libsync::sync::kFlagged;
    table.add(message, {}, "INBOX", "snippet");
    table.finish();
  }
  const auto all = lines(sink.text);
  ASSERT_EQ(all.size(), 4U);
  EXPECT_THAT(sink.text, Not(HasSubstr("\x1B")));
  const size_t first = all[1].find("发票"), second = all[2].find("发票");
  EXPECT_EQ(libsync::display_width(all[1].substr(0, first)), libsync::display_width(all[2].substr(0, second)));
  EXPECT_THAT(all[1], HasSubstr("•"));
  EXPECT_THAT(all[2], HasSubstr("★"));
  EXPECT_THAT(all[1], HasSubstr("张伟 "));
  EXPECT_THAT(all[2], HasSubstr("a@b"));
  EXPECT_EQ(all[3], "    snippet");
}

TEST(MessageTable, FitsNarrowTerminalsAndKeepsWhatOpensAMessage) {
  for (size_t columns = 30; columns < 120; ++columns) {
    Sink sink;
    sink.stream.terminal = true;
    sink.stream.columns = columns;
    {
      Output out(sink.stream);
      MessageTable table(out, 1'790'000'000, {.account = true, .folder = true});
      libsync::store::MessageInfo message{.id = 12345, .size = 49'000'000};
      message.internaldate = 1'780'000'000;
      message.envelope.from = "Annabella von und zu Example <a@example.org>";
      message.envelope.subject = "关于下周会议 about the meeting of next week";
      table.add(message, "work", "Archive/2026/Projects");
      table.finish();
    }
    const auto all = lines(sink.text);
    ASSERT_EQ(all.size(), 2U);
    for (const auto& line : all) EXPECT_LE(libsync::display_width(line), columns) << line;
    EXPECT_THAT(all[1], HasSubstr("12345"));
    if (columns >= 40) {
      EXPECT_THAT(all[1], HasSubstr("关于")) << columns;
    }
    if (columns >= 50) {
      EXPECT_THAT(all[1], HasSubstr("Annabel")) << columns;
    }
  }
}

TEST(Table, OnANarrowTerminalColumnsAreLeftOutInTheirOrder) {
  for (const auto& [columns, first] :
       {std::pair(42U, "account  protocol  next   waiting"), std::pair(38U, "account  next   waiting"),
        std::pair(26U, "account  waiting"), std::pair(12U, "account  wa…")}) {
    Sink sink;
    sink.stream.terminal = true;
    sink.stream.columns = columns;
    {
      Output out(sink.stream);
      print_table(out,
                  {{.title = "account"},
                   {.title = "protocol", .drop = 1},
                   {.title = "next", .drop = 2},
                   {.title = "waiting", .flexible = true}},
                  {{"work", "IMAP", "1 min", "waiting for something long"}});
    }
    EXPECT_EQ(lines(sink.text)[0], first);
    for (const auto& line : lines(sink.text)) EXPECT_LE(libsync::display_width(line), columns) << line;
  }
}

TEST(Nearest, FindsTypingMistakesAndNothingElse) {
  constexpr std::string_view kWords[] = {"account", "status", "schedule"};
  EXPECT_EQ(libsync::nearest("acount", kWords), "account");
  EXPECT_EQ(libsync::nearest("satus", kWords), "status");
  EXPECT_EQ(libsync::nearest("sched", kWords), "schedule");
  EXPECT_EQ(libsync::nearest("zzz", kWords), "");
  EXPECT_EQ(libsync::nearest("", kWords), "");
  EXPECT_EQ(libsync::nearest(std::string(100'000, 'a'), kWords), "");
}

}  // namespace
}  // namespace twinbox
