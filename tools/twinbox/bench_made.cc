// The generated corpus: whole numbers and fixed words only, so that it is the same on every machine.
#include <array>

#include <fmt/format.h>

#include "libsync/base/base64.h"

#include "tools/twinbox/bench_corpus.h"

namespace twinbox {
namespace {

constexpr auto kWords = std::to_array<std::string_view>({
    "the",      "of",      "quarter", "numbers", "we",      "meeting", "next",    "week",     "report",   "draft",
    "please",   "is",      "and",     "budget",  "to",      "for",     "invoice", "attached", "roof",     "garden",
    "train",    "late",    "morning", "server",  "backup",  "disk",    "answer",  "question", "answered", "list",
    "patch",    "release", "version", "test",    "failure", "timeout", "network", "address",  "summer",   "holiday",
    "contract", "signed",  "letter",  "box",     "folder",  "message", "reader",  "writer",   "index",    "word",
});
constexpr std::string_view kChinese = "今天的会议改到明天下午三点，请把上周的进展和下一步的计划准备好。";
constexpr std::string_view kJapanese = "木曜日の会議の資料を添付しますので、確認をお願いいたします。";

// splitmix64: no seed is bad, and nothing of it is left to the library.
class Numbers {
 public:
  explicit Numbers(uint64_t seed) : state_(seed) {}
  uint64_t next() {
    uint64_t z = (state_ += 0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
  }
  uint64_t below(uint64_t end) { return next() % end; }
  size_t between(size_t least, size_t most) { return least + below(most - least + 1); }

 private:
  uint64_t state_;
};

std::string_view any_word(Numbers& numbers) { return kWords[numbers.below(kWords.size())]; }

std::string sentence(Numbers& numbers) {
  std::string out(any_word(numbers));
  for (size_t words = numbers.between(4, 11); words > 0; --words) out += fmt::format(" {}", any_word(numbers));
  if (numbers.below(4) == 0) out += fmt::format(" {}", numbers.below(100'000));  // words that are rare
  return out;
}

std::string text(Numbers& numbers, size_t size) {
  std::string out;
  while (out.size() < size) out += sentence(numbers) + ".\r\n";
  return out;
}

std::string in_lines(std::string_view base64) {
  std::string out;
  for (; !base64.empty(); base64.remove_prefix(std::min<size_t>(76, base64.size()))) {
    out += base64.substr(0, 76);
    out += "\r\n";
  }
  return out;
}

// As an image or an archive is: nothing can be pressed out of it.
std::string attachment(Numbers& numbers, size_t size) {
  std::string octets;
  while (octets.size() < size) {
    for (uint64_t n = numbers.next(), i = 0; i < 8; ++i, n >>= 8) octets += static_cast<char>(n & 0xFF);
  }
  return in_lines(libsync::base64_encode(octets));
}

std::string html(Numbers& numbers, size_t size) {
  std::string out = "<html><head><style>p { margin: 0 =3D; }</style></head><body style=3D\"font: 12pt\">\r\n";
  while (out.size() < size) {
    out += fmt::format("<p class=3D\"MsoNormal\"><span lang=3D\"EN\">{} caf=C3=A9 &amp; =\r\n{}</span></p>\r\n",
                       sentence(numbers), sentence(numbers));
  }
  return out + "</body></html>\r\n";
}

std::string person(Numbers& numbers) {
  const uint64_t n = numbers.below(500);
  return fmt::format("\"{} {}\" <user{}@example.org>", any_word(numbers), any_word(numbers), n);
}

std::string header(Numbers& numbers, size_t number, std::string_view from, std::string_view subject) {
  return fmt::format(
      "Return-Path: <bounce{0}@example.org>\r\n"
      "Received: from mx.example.org (mx.example.org [192.0.2.{1}])\r\n\tby mail.example.net with ESMTPS id {0};\r\n"
      "\tMon, 0{2} Jun 2026 08:{3:02}:00 +0000\r\n"
      "Date: Mon, 0{2} Jun 2026 08:{3:02}:00 +0000\r\nFrom: {4}\r\nTo: {5}, {6}\r\n"
      "Message-ID: <{0}.{7}@example.org>\r\nSubject: {8}\r\nMIME-Version: 1.0\r\n",
      number, numbers.below(255), numbers.between(1, 9), numbers.below(60), from, person(numbers), person(numbers),
      numbers.below(1'000'000), subject);
}

std::string short_text(Numbers& numbers, size_t number) {
  return header(numbers, number, person(numbers), sentence(numbers)) +
         "Content-Type: text/plain; charset=us-ascii\r\n\r\n" + text(numbers, numbers.between(300, 3'000));
}

std::string alternative(Numbers& numbers, size_t number) {
  const std::string plain = text(numbers, numbers.between(1'000, 4'000));
  return header(numbers, number, person(numbers), sentence(numbers)) +
         "Content-Type: multipart/alternative; boundary=\"=_alt\"\r\n\r\n--=_alt\r\n"
         "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n" +
         plain +
         "--=_alt\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n" +
         html(numbers, 3 * plain.size()) + "--=_alt--\r\n";
}

std::string with_attachment(Numbers& numbers, size_t number) {
  return header(numbers, number, person(numbers), sentence(numbers)) +
         "Content-Type: multipart/mixed; boundary=\"=_mixed\"\r\n\r\n--=_mixed\r\n"
         "Content-Type: text/plain; charset=utf-8\r\n\r\n" +
         text(numbers, numbers.between(300, 1'500)) +
         "--=_mixed\r\nContent-Type: image/jpeg; name=\"photo.jpg\"\r\nContent-Transfer-Encoding: base64\r\n"
         "Content-Disposition: attachment; filename=\"photo.jpg\"\r\n\r\n" +
         attachment(numbers, numbers.between(10'000, 45'000)) + "--=_mixed--\r\n";
}

std::string list_mail(Numbers& numbers, size_t number) {
  std::string out;
  for (int hop = 0; hop < 6; ++hop) {
    out += fmt::format(
        "Received: from hop{0}.example.org (hop{0}.example.org [198.51.100.{0}])\r\n\tby hop{1}.example.org "
        "with ESMTPS id {2:x};\r\n\tMon, 01 Jun 2026 08:00:0{0} +0000\r\n",
        hop, hop + 1, numbers.next());
  }
  const std::string seal = libsync::base64_encode(std::string(180, static_cast<char>('a' + numbers.below(26))));
  out += fmt::format(
      "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.org; s=key;\r\n"
      "\th=from:to:subject:date:message-id;\r\n\tb={}\r\n\t {}\r\n",
      seal.substr(0, 70), seal.substr(70));
  out += header(numbers, number, person(numbers), fmt::format("[project] {}", sentence(numbers)));
  for (size_t i = numbers.between(2, 12); i > 0; --i) {
    out += i == 1 ? "References:" : "X-Loop: project\r\n";
  }
  for (size_t i = numbers.between(1, 15); i > 0; --i) out += fmt::format(" <{}@example.org>\r\n", numbers.next());
  return out +
         "List-Id: Project <project.lists.example.org>\r\nList-Post: <mailto:project@lists.example.org>\r\n"
         "Precedence: list\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n" +
         text(numbers, numbers.between(1'000, 7'000));
}

std::string chinese_or_japanese(Numbers& numbers, size_t number) {
  // GB2312 and ISO-2022-JP as they came in real headers; UTF-8 made here.
  static constexpr auto kNames = std::to_array<std::string_view>(
      {"=?gb2312?B?UmU6IMTjusPKwL3n?=", "=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=", "=?utf-8?B?5byg5LiJ?="});
  const bool chinese = numbers.below(2) == 0;
  std::string body;
  for (size_t i = numbers.between(5, 40); i > 0; --i) {
    body += fmt::format("{} {}\r\n", chinese ? kChinese : kJapanese, numbers.below(10'000));
  }
  const std::string subject =
      fmt::format("=?utf-8?B?{}?=\r\n {}", libsync::base64_encode((chinese ? kChinese : kJapanese).substr(0, 30)),
                  kNames[numbers.below(kNames.size())]);
  const std::string from =
      fmt::format("{} <user{}@example.org>", kNames[numbers.below(kNames.size())], numbers.below(500));
  return header(numbers, number, from, subject) +
         "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n" +
         in_lines(libsync::base64_encode(body));
}

std::string made_message(Numbers& numbers, size_t number) {
  switch (number % 20) {
    case 3:
    case 10:
    case 17:
      return with_attachment(numbers, number);
    case 5:
    case 15:
      return list_mail(numbers, number);
    case 8:
    case 18:
      return chinese_or_japanese(numbers, number);
    default:
      return number % 3 == 0 ? alternative(numbers, number) : short_text(numbers, number);
  }
}

}  // namespace

Corpus made_corpus(size_t messages) {
  Corpus corpus{.name = "generated"};
  Numbers numbers(1939);
  for (size_t i = 0; i < messages; ++i) (void)corpus.add(made_message(numbers, i), {});
  return corpus;
}

}  // namespace twinbox
