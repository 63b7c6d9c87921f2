// The work of each parser grows with its input, not with the square of it: inputs of one odd shape at a size and at
// eight times that size. The measure is the thread's CPU time, the least of several runs; noise only adds to it.
#include <algorithm>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>
#include <malloc.h>

#include "libsync/account/config.h"
#include "libsync/imap/names.h"
#include "libsync/imap/session.h"
#include "libsync/mime/html.h"
#include "libsync/mime/message_id.h"
#include "libsync/mime/parameter.h"
#include "libsync/mime/transfer.h"
#include "libsync/pop3/session.h"
#include "libsync/server/imap_envelope.h"
#include "libsync/server/imap_structure.h"
#include "libsync/store/db.h"
#include "libsync/store/search_query.h"
#include "libsync/store/tokenizer.h"
#include "libsync/sync/path.h"

#include "tests/fuzz/cost.h"
#include "tests/fuzz/message_checks.h"

namespace libsync::fuzz {
namespace {

constexpr size_t kSmall = 16 << 10;
constexpr size_t kTimes = 8;
// Eight times the input: eight times the work, and more where the larger one falls out of a cache. The square of it
// is 64 times the work.
constexpr double kMostGrowth = 20;
constexpr int kMostRuns = 12;

using Parse = void (*)(std::string_view);

// Begin, then `again` until the size is reached, then the end. A "#" in `again` stands for a running number.
struct Shape {
  const char* name;
  std::string begin, again, end;

  std::string make(size_t size) const {
    std::string out = begin;
    for (size_t i = 0; out.size() + end.size() < size; ++i) {
      for (const char c : again) out += c == '#' ? std::to_string(i) : std::string(1, c);
    }
    return out + end;
  }
};

// Memory that is given back to the system at each free is faulted in anew at each run, and only by the large input: the
// parser's work would not be what is measured.
const bool kKeepsMemory = mallopt(M_MMAP_THRESHOLD, 1 << 30) == 1 && mallopt(M_TRIM_THRESHOLD, 1 << 30) == 1;

uint64_t once(Parse run, std::string_view input) {
  const uint64_t before = thread_time();
  run(input);
  return std::max<uint64_t>(thread_time() - before, 1);
}

// How the work grows from the small to the large input; measured again for as long as noise may be to blame.
double growth(Parse run, const std::string& small, const std::string& large) {
  uint64_t least_small = UINT64_MAX, least_large = UINT64_MAX;
  double factor = 0;
  for (int i = 0; i < kMostRuns; ++i) {
    for (int j = 0; j < 3; ++j) least_small = std::min(least_small, once(run, small));
    least_large = std::min(least_large, once(run, large));
    factor = static_cast<double>(least_large) / static_cast<double>(least_small);
    if (i >= 1 && factor <= kMostGrowth * 0.75) break;
  }
  return factor;
}

// Besides, no shape costs more than kMostTimesAverage of what a usual input costs the parser, byte by byte.
void expect_proportion(Parse run, const Shape& usual, const std::vector<Shape>& shapes) {
  const auto per_byte = [&](const std::string& input) {
    uint64_t least = UINT64_MAX;
    for (int i = 0; i < 5; ++i) least = std::min(least, once(run, input));
    return static_cast<double>(least) / static_cast<double>(input.size());
  };
  const double ordinary = per_byte(usual.make(kSmall * kTimes));
  for (const Shape& shape : shapes) {
    const std::string large = shape.make(kSmall * kTimes);
    const double factor = growth(run, shape.make(kSmall), large);
    EXPECT_LE(factor, kMostGrowth) << shape.name << ": the work grows faster than the input";
    const double times = per_byte(large) / ordinary;
    EXPECT_LE(times, kMostTimesAverage) << shape.name << " costs that many times a usual input";
    if (std::getenv("TWINBOX_FUZZ_VERBOSE") != nullptr) {
      std::printf("%-44s grows %5.1f, %5.1f times the usual %.1f ns a byte\n", shape.name, factor, times, ordinary);
    }
  }
}

// The measure itself: a test of growth that nothing fails says nothing.
TEST(Scaling, SquareWorkIsSeen) {
  const Parse square = [](std::string_view text) {
    volatile uint64_t sum = 0;
    for (size_t i = 0; i < text.size(); i += 1024)
      sum = sum + static_cast<uint64_t>(std::ranges::count(text.substr(i), 'b'));
  };
  EXPECT_GT(growth(square, std::string(kSmall, 'a'), std::string(kSmall * kTimes, 'a')), kMostGrowth);
}

// ---- IMAP ----

void imap_session(std::string_view bytes) {
  imap::Handler nobody;
  imap::Session session(nobody);
  (void)session.receive("* PREAUTH hi\r\n");
  for (size_t at = 0; at < bytes.size(); at += 4096) {
    if (!session.receive(bytes.substr(at, 4096))) return;
  }
}

const Shape kUsualImap{
    "usual", "", "* # FETCH (UID 9 FLAGS (\\Seen x) INTERNALDATE \" 1-Feb-2026 03:04:05 +0100\" RFC822.SIZE 4321)\r\n",
    ""};

TEST(Scaling, ImapFramer) {
  expect_proportion(imap_session, kUsualImap,
                    {{"a line that does not end", "* OK ", "x", ""},
                     {"short lines", "", "* OK\n", ""},
                     {"empty lines", "", "\n", ""},
                     {"literals of nothing", "* LIST (", "{0}\r\n", ")\r\n"},
                     {"literals behind atoms", "* 1 FETCH (", "x{1}\r\ny", ")\r\n"},
                     {"literals in a word that does not end", "* LIST", "{1}\r\nx", "\r\n"},
                     {"literals behind digits", "* " + std::string(kSmall / 2, '1'), "{1}\r\n1", "\r\n"},
                     {"literals behind brackets", "* 1 FETCH (BODY[", "]{1}\r\nx", ")\r\n"},
                     {"literals behind angles", "* 1 FETCH (BODY", "<>{1}\r\nx", ")\r\n"},
                     {"streamed literals", "* 1 FETCH (", "BODY[] {9}\r\nxxxxxxxxx ", ")\r\n"},
                     {"braces", "* LIST ", "{", "\r\n"},
                     {"carriage returns", "* OK ", "\r", "\n"}});
}

TEST(Scaling, ImapFetch) {
  expect_proportion(
      imap_session, kUsualImap,
      {{"flags", "* 1 FETCH (FLAGS (", "k# ", "))\r\n"},
       {"odd flags", "* 1 FETCH (FLAGS (", "%{ ", "))\r\n"},
       {"labels", "* 1 FETCH (X-GM-LABELS (", "\"l#\" ", "))\r\n"},
       {"items nobody knows", "* 1 FETCH (", "X# (a (b)) ", ")\r\n"},
       {"parentheses", "* 1 FETCH (X ", "(", "\r\n"},
       {"parentheses one by one", "* 1 FETCH (X (", "()", "))\r\n"},
       {"quotes that do not end", "* 1 FETCH (X (", "\"\\\"\" ", "\r\n"},
       {"spaces", "* 1 FETCH (UID 1", " ", ")\r\n"},
       {"addresses", "* 1 FETCH (ENVELOPE (NIL NIL (", "(NIL NIL \"a\" \"b\")", ") NIL NIL NIL NIL NIL NIL NIL))\r\n"},
       {"damaged addresses", "* 1 FETCH (ENVELOPE (NIL NIL (", "(1)2 ", ") NIL))\r\n"},
       {"parts", "* 1 FETCH (BODYSTRUCTURE (", "(\"A\" \"B\" NIL NIL NIL \"7BIT\" 1)", " \"MIXED\"))\r\n"},
       {"damaged parts", "* 1 FETCH (BODYSTRUCTURE (", "(1 2) ", " \"MIXED\"))\r\n"},
       {"parameters of a part", "* 1 FETCH (BODYSTRUCTURE (\"A\" \"B\" (", "\"a#\" \"b\" ",
        ") NIL NIL \"7BIT\" 1))\r\n"},
       {"sections", "* 1 FETCH (", "BINARY.SIZE[1.#] 3 ", ")\r\n"}});
}

TEST(Scaling, ImapLists) {
  expect_proportion(imap_session, kUsualImap,
                    {{"numbers that fall", "* VANISHED 4000000000", ",3,2,1", "\r\n"},
                     {"ranges", "* VANISHED (EARLIER) 1", ",#:9", "\r\n"},
                     {"nothing between commas", "* VANISHED 1", ",", "\r\n"},
                     {"found numbers", "* SEARCH", " #", "\r\n"},
                     {"ESEARCH", "* ESEARCH (TAG \"T1\") UID ALL 1", ",#", "\r\n"},
                     {"ESEARCH with options", "* ESEARCH", " X# (1)", "\r\n"},
                     {"copied numbers", "* OK [COPYUID 1 1", ",#", " 1] x\r\n"},
                     {"a code that does not end", "* OK [X ", "[", "\r\n"},
                     {"capabilities", "* CAPABILITY", " A#", "\r\n"},
                     {"mechanisms", "* CAPABILITY", " AUTH=A#", "\r\n"},
                     {"attributes", "* LIST (", "\\A# ", ") \"/\" x\r\n"},
                     {"OLDNAME and others", "* LIST () \"/\" x (", "A# (b) ", ")\r\n"},
                     {"a long name", "* LIST () \"/\" ", "&AGE-", "\r\n"},
                     {"namespaces", "* NAMESPACE (", "(\"a#\" \"/\")", ") NIL NIL\r\n"},
                     {"ID", "* ID (", "\"a#\" \"b\" ", ")\r\n"},
                     {"STATUS", "* STATUS a (", "MESSAGES # ", ")\r\n"},
                     {"permanent flags", "* OK [PERMANENTFLAGS (", "a# ", ")] x\r\n"},
                     {"what was enabled", "* ENABLED", " A#", "\r\n"},
                     {"lines without meaning", "", "* X (#)\r\n", ""}});
}

void imap_names(std::string_view name) {
  if (const auto text = imap::decode_mutf7(name)) (void)imap::encode_mutf7(*text);
  (void)imap::split_name(name, '/', false);
  (void)imap::split_name(name, '/', true);
}

TEST(Scaling, ImapNames) {
  expect_proportion(imap_names, {"usual", "", "Archive/2024/&U,BTFw-/", ""},
                    {{"shifts", "", "&AGE-", ""},
                     {"one shift", "&", "U,BT", "-"},
                     {"no shift that ends", "", "&", ""},
                     {"delimiters", "", "/", ""},
                     {"8-bit octets", "", "\xC3\xA9", ""},
                     {"no UTF-8", "", "\xE9", ""}});
}

// ---- POP3 ----

void pop3_session(std::string_view bytes) {
  struct Sink final : pop3::Events {
    Status event(const pop3::Event& event) override {
      if (event.kind == pop3::Event::Kind::Line) (void)pop3::parse_uidl(event.text);
      return {};
    }
  } sink;
  pop3::Session session({.host = "x"}, {});
  (void)session.feed("+OK\r\n", {}, sink);
  (void)session.send(pop3::capa(), {});
  if (bytes.starts_with("+OK capa")) {
    for (size_t at = 0; at < bytes.size() && session.feed(bytes.substr(at, 4096), {}, sink); at += 4096) {
    }
    return;
  }
  (void)session.feed("-ERR\r\n", {}, sink);
  (void)session.send(pop3::user("a"), {});
  (void)session.feed("+OK\r\n", {}, sink);
  (void)session.send(pop3::pass(Secret("b")), {});
  (void)session.feed("+OK\r\n", {}, sink);
  (void)session.send(bytes.starts_with("+OK uidl") ? pop3::uidl() : pop3::retr(1, bytes.size()), {});
  (void)session.send(pop3::noop(), {});
  for (size_t at = 0; at < bytes.size() && session.feed(bytes.substr(at, 4096), {}, sink); at += 4096) {
  }
}

// Text without dots passes at the speed of memchr(); what is compared with is a listing, which is read line by line.
TEST(Scaling, Pop3) {
  expect_proportion(pop3_session, {"usual", "+OK uidl\r\n", "# 000000016b0344c#\r\n", ".\r\n"},
                    {{"capabilities", "+OK capa\r\n", "X# A B\r\n", ".\r\n"},
                     {"mechanisms", "+OK capa\r\nSASL", " A#", "\r\n.\r\n"},
                     {"lines with mechanisms", "+OK capa\r\n", "SASL A#\r\n", ".\r\n"},
                     {"UIDLs", "+OK uidl\r\n", "# a#\r\n", ".\r\n"},
                     {"UIDLs behind spaces", "+OK uidl\r\n", "#                      a\r\n", ".\r\n"},
                     {"empty lines", "+OK\r\n", "\r\n", ".\r\n+OK\r\n"},
                     {"stuffed dots", "+OK\r\n", "..\r\n", ".\r\n+OK\r\n"},
                     {"lone dots", "+OK\r\n", ".\r\n", "+OK\r\n"},
                     {"lone dots and half an answer", "+OK\r\n", ".\r\n+O", "\r\n"},
                     {"carriage returns", "+OK\r\n", "\r", "\r\n.\r\n+OK\r\n"},
                     {"dots and LF", "+OK\r\n", ".\n", "+OK\r\n"}});
}

// ---- mail ----

const Shape kUsualHeader{"usual", "",
                         "Received: from a.example.org by b.example.org; Mon, 2 Jan 2006 15:04:05 +0700\r\n"
                         "To: \"Doe, John\" <john@example.org>, =?utf-8?q?J=C3=B6rg?= <j@example.org>\r\n"
                         "Subject: =?gb2312?b?xOO6ww==?= and so on\r\n",
                         "\r\n"};

void message(std::string_view bytes) { check_message(bytes); }

TEST(Scaling, MimeHeader) {
  expect_proportion(message, kUsualHeader,
                    {{"fields", "", "A: b\n", "\n"},
                     {"folds", "Subject:", " x\n", "\n"},
                     {"a name that does not end", "", "x", ""},
                     {"a line of carriage returns", "A: ", "\r", "\n\n"},
                     {"lines that are no field", "", "x\nA: b\n", "\n"},
                     {"addresses", "To: ", "a@b, ", "\n\n"},
                     {"addresses without commas", "To: ", "a@b ", "\n\n"},
                     {"signs", "To: a", "@b", "\n\n"},
                     {"angles", "To: ", "<", "\n\n"},
                     {"angles and commas", "To: ", "<,", "\n\n"},
                     {"angles and quotes", "To: ", "<a,\"<\"", "\n\n"},
                     {"comments that do not end", "To: ", "(", "\n\n"},
                     {"comments in domains", "To: a@", "(x)", "\n\n"},
                     {"comments in angles that do not end", "To: ", "<(a>", "\n\n"},
                     {"quotes that do not end", "To: ", "\"\\", "\n\n"},
                     {"groups", "To: ", "g: a@b;", "\n\n"},
                     {"groups that do not end", "To: ", "g:", "\n\n"},
                     {"brackets", "To: a@", "[", "\n\n"},
                     {"words in addresses that do not end", "To: ", "=?a?b?,", "\n\n"},
                     {"ids", "References: ", "<a@b>", "\n\n"},
                     {"ids that do not end", "References: ", "<", "\n\n"},
                     {"fields with addresses", "", "To: a@b\n", "\n"}});
}

TEST(Scaling, MimeWords) {
  expect_proportion(
      message, kUsualHeader,
      {{"words", "Subject: ", "=?utf-8?q?a?= ", "\n\n"},
       {"words of base64", "Subject: ", "=?utf-8?b?5L0=?= ", "\n\n"},
       {"words that do not end", "Subject: ", "=?utf-8?q?a ", "\n\n"},
       {"beginnings", "Subject: ", "=?", "\n\n"},
       {"beginnings and ends", "Subject: ", "=?=", "\n\n"},
       {"charsets that nobody knows", "Subject: ", "=?x-#?q?a?= ", "\n\n"},
       {"charsets in turn", "Subject: ",
        "=?iso-8859-2?q?=E9?= =?iso-8859-3?q?=E9?= =?iso-8859-4?q?=E9?= =?iso-8859-5?q?=E9?= "
        "=?iso-8859-7?q?=E9?= =?iso-8859-9?q?=E9?= =?koi8-r?q?=E9?= =?cp1250?q?=E9?= =?cp1251?q?=E9?= "
        "=?cp1253?q?=E9?= =?cp1254?q?=E9?= =?cp1257?q?=E9?= =?big5?q?=E9?= =?gbk?q?=E9?= =?euc-kr?q?=E9?= "
        "=?sjis?q?=E9?= =?euc-jp?q?=E9?= =?utf-7?q?=E9?= =?utf-16?q?=E9?= =?iso-8859-15?q?=E9?= ",
        "\n\n"},
       {"8-bit octets", "Subject: ", "\xE9\xE4 ", "\n\n"},
       {"parameters", "Content-Type: a/b", "; p#=q", "\n\n"},
       {"parameters of one name", "Content-Type: a/b", "; p=q", "\n\n"},
       {"sections", "Content-Type: a/b", "; p*#=q", "\n\n"},
       {"sections of one number", "Content-Type: a/b", "; p*0*=q", "\n\n"},
       {"quotes of a parameter", "Content-Type: a/b; name=\"", "\\\"", "\n\n"},
       {"semicolons", "Content-Type: a/b", ";", "\n\n"},
       {"equals signs", "Content-Type: a/b; ", "=", "\n\n"},
       {"comments of a type", "Content-Type: ", "()", "a/b\n\n"},
       {"percents", "Content-Type: a/b; p*=utf-8''", "%41", "\n\n"},
       {"languages", "Content-Language: ", "a, ", "\n\n"},
       {"a date of many words", "Date: ", "Jan 1 (", "\n\n"}});
}

TEST(Scaling, MimeParts) {
  const Shape usual{"usual", "Content-Type: multipart/mixed; boundary=b\n\n",
                    "--b\nContent-Type: text/plain; charset=utf-8\n\nSome words in a part, and more of them.\n",
                    "--b--\n"};
  std::string deep;
  for (int i = 0; i < 63; ++i) {
    deep += "Content-Type: multipart/mixed; boundary=" + std::string(40, 'b') + std::to_string(i) + "\n\n--" +
            std::string(40, 'b') + std::to_string(i) + "\n";
  }
  expect_proportion(
      message, usual,
      {{"parts", "Content-Type: multipart/mixed; boundary=b\n\n", "--b\n\n", "--b--\n"},
       {"parts without header", "Content-Type: multipart/mixed; boundary=b\n\n", "--b\nx\n", ""},
       {"multiparts in each other", "", "Content-Type: multipart/mixed; boundary=b#\n\n--b#\n", ""},
       {"messages in each other", "", "Content-Type: message/rfc822\n\n", ""},
       {"messages beside each other", "Content-Type: multipart/digest; boundary=b\n\n", "--b\n\nA: b\n\n", ""},
       {"multiparts that are never opened", "Content-Type: multipart/mixed; boundary=b\n\n",
        "--b\nContent-Type: multipart/mixed; boundary=c\n\n", ""},
       {"delimiters of nobody, deep inside", deep, "--\n", ""},
       {"long delimiters of nobody, deep inside", deep, "--" + std::string(40, 'b') + "\n", ""},
       {"delimiters of the outermost", deep, "--" + std::string(40, 'b') + "0\n", ""},
       {"empty lines, deep inside", deep, "\n", ""},
       {"text in parts", "Content-Type: multipart/alternative; boundary=b\n\n",
        "--b\nContent-Type: text/html\n\n<p>x\n", "--b--\n"}});
}

void described(std::string_view bytes) {
  std::string out;
  server::append_envelope(bytes, false, out);
  server::append_body_structure(mime::parse(bytes), true, false, out);
}

TEST(Scaling, ServerStructure) {
  expect_proportion(
      described, kUsualHeader,
      {{"address fields", "", "To: a@b\n", "\n"},
       {"addresses", "From: ", "a@b, ", "\n\n"},
       {"8-bit names", "To: ", "\xE9 <a@b>, ", "\n\n"},
       {"groups", "To: ", "g:;", "\n\n"},
       {"quotes to be escaped", "Subject: ", "\"\\", "\n\n"},
       {"folds", "Subject:", " x\n", "\n"},
       {"fields of a part", "", "Content-ID: a\n", "\n"},
       {"parameters", "Content-Type: a/b", "; p#=q", "\n\n"},
       {"sections", "Content-Type: a/b", "; p*#=q", "\n\n"},
       {"sections of many names", "Content-Type: a/b", "; p#*0=q; p#*1*=r", "\n\n"},
       {"sections beside the whole", "Content-Type: a/b; p*=x", "; p*#=q", "\n\n"},
       {"percents", "Content-Type: a/b; p*0=x; p*1*=", "%4", "\n\n"},
       {"languages", "Content-Language: ", "a, ", "\n\n"},
       {"parts", "Content-Type: multipart/mixed; boundary=b\n\n", "--b\n\n", "--b--\n"},
       {"messages in each other", "", "Content-Type: message/rfc822\n\n", ""},
       {"messages beside each other", "Content-Type: multipart/digest; boundary=b\n\n", "--b\n\nA: b\n\n", ""},
       {"multiparts that are never opened", "Content-Type: multipart/mixed; boundary=b\n\n",
        "--b\nContent-Type: multipart/mixed; boundary=c\n\n", ""}});
}

void text(std::string_view bytes) {
  mime::Converters converters;
  std::string guessed;
  converters.append_guess(bytes, guessed);
  (void)mime::html_to_text(bytes);
  for (const auto each : {mime::Encoding::Base64, mime::Encoding::QuotedPrintable, mime::Encoding::Uuencode}) {
    (void)mime::decode_transfer(each, bytes);
  }
}

TEST(Scaling, MimeText) {
  expect_proportion(text, {"usual", "<html><body>", "<p>Some words &amp; <b>more</b> of them.</p>\n", "</html>"},
                    {{"tags that do not end", "", "<a ", ""},
                     {"comments that do not end", "", "<!--", ""},
                     {"references that do not end", "", "&", ""},
                     {"long references", "", "&aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", ""},
                     {"numbers", "", "&#", ""},
                     {"scripts", "", "<script>", ""},
                     {"ends of nothing", "<script>", "</x", ""},
                     {"quotes that do not end", "", "<a b='", ""},
                     {"quotes of both kinds", "", "<a b='\" c=\"'", ""},
                     {"break tags", "", "<br>", ""},
                     {"angles", "", "<", ""},
                     {"spaces at the end of a line", "", " ", "\n"},
                     {"spaces and letters", "", "a                                                            ", ""},
                     {"soft line ends", "", "=\n", ""},
                     {"equals signs", "", "=", ""},
                     {"beginnings of uuencode", "", "begin 644 a\n", ""},
                     {"escapes", "", "\x1b$B", ""},
                     {"8-bit octets", "", "\xE9", ""},
                     {"half characters", "", "\xE4\xBD", ""}});
}

// ---- what users write, and what they search in ----

void config(std::string_view text) {
  const account::Places places{.home = "/h", .config_home = "/h/.config", .data_home = "/h/.local/share"};
  (void)account::parse_config(text, "c.toml", places, true);
}

TEST(Scaling, Config) {
  expect_proportion(
      config, {"usual", "", "[account.a#]\nremote = \"imaps://me@example.org\"\n", ""},
      {{"keys nobody knows", "", "k# = 1\n", ""},
       {"brackets", "a = ", "[", ""},
       {"tables", "", "[a#.b.c]\n", ""},
       {"keys in keys", "a", ".a", " = 1\n"},
       {"inline tables", "a = ", "{a=", "\n"},
       {"members", "a = [", "1,", "]\n"},
       {"comments", "", "# x\n", ""},
       {"folders", "[account.a]\nremote = \"imaps://me@example.org\"\nfolders.include = [", "\"f#\",", "]\n"},
       {"escapes", "a = \"", "\\n", "\"\n"},
       {"quotes", "a = \"\"\"", "\\\"", "\"\"\"\n"}});
}

void words(std::string_view text) {
  static const auto db = store::Db::open(":memory:", store::DbMode::Memory).value();
  static const auto tokens = store::Tokens::make(*db).value();
  for (const auto what : {store::TokenizeFor::Document, store::TokenizeFor::Query}) {
    tokens->split(text, what, [](const store::Token&) { return true; });
  }
  (void)store::join_unspaced_lines(text);
  (void)store::parse_query(text, 1'700'000'000);
  (void)sync::decode_path(text);
}

TEST(Scaling, Words) {
  expect_proportion(words, {"usual", "", "Some words, and 你好 too. ", ""},
                    {{"one word", "", "x", ""},
                     {"Chinese", "", "你", ""},
                     {"Chinese in lines", "", "你\n", ""},
                     {"marks", "a", "\xCC\x81", ""},
                     {"punctuation", "", ".", ""},
                     {"halves of characters", "", "\xE4", ""},
                     {"quotes", "", "\"", ""},
                     {"quoted words", "", "\"a\" ", ""},
                     {"fields", "", "from:a ", ""},
                     {"slashes", "", "/", ""},
                     {"percents", "", "%2F", ""}});
}

}  // namespace
}  // namespace libsync::fuzz
