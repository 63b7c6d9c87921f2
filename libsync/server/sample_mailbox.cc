#include "libsync/server/sample_mailbox.h"

#include <array>
#include <map>
#include <string_view>

#include <fmt/format.h>

#include "libsync/base/base64.h"
#include "libsync/base/text.h"
#include "libsync/mime/date.h"

namespace libsync::server {
namespace {

using sync::Role;

struct Person {
  std::string_view name, address;
};
constexpr std::array<Person, 10> kPeople{{{"Anna Schmidt", "anna@example.org"},
                                          {"李雷", "lilei@example.cn"},
                                          {"山田太郎", "taro@example.jp"},
                                          {"Zoë O'Brien", "zoe@example.ie"},
                                          {"김민수", "minsu@example.kr"},
                                          {"Łukasz Wójcik", "lukasz@example.pl"},
                                          {"سارة", "sara@example.ae"},
                                          {"Ольга", "olga@example.ru"},
                                          {"José García", "jose@example.es"},
                                          {"Build robot", "robot@example.net"}}};

struct Letter {
  std::string_view subject, text;
};
constexpr std::array<Letter, 12> kLetters{
    {{"Minutes of Tuesday", "The budget was agreed. Next meeting in two weeks, same room."},
     {"会议纪要", "各位好：\n周二的会议纪要见附件，请查收。"},
     {"お知らせ", "来週の会議は火曜日に変更になりました。"},
     {"Rechnung für März", "anbei die Rechnung. Zahlbar bis Monatsende, schöne Grüße"},
     {"회의 안내", "다음 회의는 목요일 오후 두 시입니다."},
     {"Żółta łódź", "Wysyłam zdjęcia z wycieczki. Do zobaczenia!"},
     {"Reunión del jueves", "La reunión será el jueves a las diez. ¿Puedes venir?"},
     {"الفاتورة", "مرحبا، الفاتورة مرفقة مع هذه الرسالة."},
     {"Отчёт за квартал", "Отчёт готов, посмотрите, пожалуйста, до пятницы."},
     {"Holiday photos", "Here are the photos of the lake. The one with the boat is the best."},
     {"Build 4711 failed", "test/unit/queue: expected 3, got 4\nThe log is attached."},
     {"报表", "本月报表已经更新，会议之前请看一下。"}}};

struct Place {
  std::string_view name;
  Role role;
  int messages;
};
constexpr std::array<Place, 5> kPlaces{{{"INBOX", Role::Inbox, 241},
                                        {"Sent", Role::Sent, 30},
                                        {"Archive", Role::Archive, 25},
                                        {"Drafts", Role::Drafts, 4},
                                        {"工作", Role::None, 12}}};

constexpr int64_t kFirstDate = 1'735'725'600;  // 1 January 2025, 10:00 UTC
constexpr int64_t kBetween = 5 * 3600 + 1234;  // seconds from one to the next

// Numbers that look like chance and are the same everywhere (Numerical Recipes' constants).
class Dice {
 public:
  uint32_t next(uint32_t below) {
    state_ = state_ * 1'664'525U + 1'013'904'223U;
    return (state_ >> 8) % below;
  }

 private:
  uint32_t state_ = 2026;
};

std::string lines_of_base64(std::string_view octets) {
  constexpr size_t kLine = 57;
  std::string out;
  for (size_t at = 0; at < octets.size(); at += kLine) out += base64_encode(octets.substr(at, kLine)) + "\r\n";
  return out;
}

std::string encoded(std::string_view text) {
  return is_ascii(text) ? std::string(text) : "=?utf-8?B?" + base64_encode(text) + "?=";
}

std::string with_crlf(std::string_view text) {
  std::string out;
  for (const char c : text) c == '\n' ? out += "\r\n" : out += c;
  return out + "\r\n";
}

std::string text_part(std::string_view text, bool base64) {
  const std::string lines = with_crlf(text);
  return fmt::format("Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: {}\r\n\r\n{}",
                     base64 ? "base64" : "8bit", base64 ? lines_of_base64(lines) : lines);
}

std::string html_part(std::string_view text) {
  return fmt::format("Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n{}",
                     lines_of_base64(fmt::format("<html><body><p>{}</p></body></html>\r\n", text)));
}

std::string attachment(Dice& dice, std::string_view name) {
  std::string octets(4'000 + dice.next(30'000), '\0');
  for (char& octet : octets) octet = static_cast<char>(dice.next(256));
  return fmt::format(
      "Content-Type: application/octet-stream; name=\"{0}\"\r\nContent-Disposition: attachment; filename=\"{0}\"\r\n"
      "Content-Transfer-Encoding: base64\r\n\r\n{1}",
      name, lines_of_base64(octets));
}

std::string multipart(std::string_view kind, size_t number, const std::vector<std::string>& parts) {
  std::string out =
      fmt::format("MIME-Version: 1.0\r\nContent-Type: multipart/{}; boundary=\"b{}\"\r\n\r\n", kind, number);
  for (const std::string& part : parts) out += fmt::format("--b{}\r\n{}\r\n", number, part);
  return out + fmt::format("--b{}--\r\n", number);
}

std::string body(Dice& dice, const Letter& letter, size_t number) {
  switch (dice.next(10)) {
    case 0:
      return multipart("mixed", number, {text_part(letter.text, true), attachment(dice, "minutes.pdf")});
    case 1:
    case 2:
      return multipart("alternative", number, {text_part(letter.text, false), html_part(letter.text)});
    default:
      return "MIME-Version: 1.0\r\n" + text_part(letter.text, dice.next(2) == 0);
  }
}

std::string message(Dice& dice, size_t number, int64_t date) {
  const Person& from = kPeople[dice.next(kPeople.size())];
  const Person& to = kPeople[dice.next(kPeople.size())];
  const Letter& letter = kLetters[dice.next(kLetters.size())];
  const bool reply = dice.next(4) == 0;
  std::string out =
      fmt::format("From: {} <{}>\r\nTo: {} <{}>\r\n", encoded(from.name), from.address, encoded(to.name), to.address);
  out += fmt::format("Subject: {}{}\r\nDate: {}\r\nMessage-ID: <{}.sample@example.org>\r\n", reply ? "Re: " : "",
                     encoded(letter.subject), mime::format_date({.unix_seconds = date, .zone_known = true}), number);
  if (reply && number > 1) out += fmt::format("In-Reply-To: <{}.sample@example.org>\r\n", number - 1);
  return out + body(dice, letter, number);
}

sync::Flags flags(Dice& dice, Role role) {
  sync::Flags flags;
  if (role != Role::Inbox || dice.next(10) < 6) flags.system |= sync::kSeen;
  if (role == Role::Drafts) flags.system |= sync::kDraft;
  if (dice.next(10) == 0) flags.system |= sync::kAnswered;
  if (dice.next(20) == 0) flags.system |= sync::kFlagged;
  if (dice.next(25) == 0) flags.add_keyword("$Forwarded");
  if (dice.next(40) == 0) flags.add_keyword("later");
  return flags;
}

Role role_of(const sync::Path& path) {
  for (const Place& place : kPlaces) {
    if (path.size() == 1 && path.front() == place.name) return place.role;
  }
  return Role::None;
}

}  // namespace

std::vector<SampleMessage> sample_messages() {
  Dice dice;
  std::vector<SampleMessage> all;
  for (const Place& place : kPlaces) {
    for (int i = 0; i < place.messages; ++i) {
      const size_t number = all.size() + 1;
      const int64_t date = kFirstDate + static_cast<int64_t>(number) * kBetween;
      all.push_back({.folder = {std::string(place.name)},
                     .octets = message(dice, number, date),
                     .flags = flags(dice, place.role),
                     .date = date});
    }
  }
  return all;
}

void fill(MemoryMail& mail, const std::vector<SampleMessage>& messages) {
  std::map<sync::Path, FolderId> folders;
  for (const SampleMessage& each : messages) {
    const auto found = folders.find(each.folder);
    const FolderId folder =
        found != folders.end()
            ? found->second
            : folders.emplace(each.folder, mail.make_folder(each.folder, role_of(each.folder))).first->second;
    mail.put(folder, each.octets, each.flags, each.date);
  }
}

}  // namespace libsync::server
