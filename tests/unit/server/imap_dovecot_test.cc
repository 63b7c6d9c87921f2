// What our server says of messages beside what Dovecot says of them: every message of the sample, every part.
// Differences that are ours by choice stand in kChoices with their reasons; any other fails.
#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include <gtest/gtest.h>

#include "libsync/base/text.h"
#include "libsync/mime/message.h"
#include "libsync/net/connect.h"
#include "libsync/server/imap_envelope.h"
#include "libsync/server/imap_section.h"
#include "libsync/server/imap_structure.h"

#include "tests/fuzz/read_back.h"
#include "tests/support/dovecot.h"
#include "tests/support/temp_dir.h"

namespace libsync::server {
namespace {

using twinbox::test::Dovecot;
using twinbox::test::TempDir;

struct Sample {
  std::string kind, octets;
};

std::vector<Sample> sample_messages() {
  const TempDir dir;
  const std::string command =
      std::string("python3 -B " TWINBOX_SOURCE_DIR "/tests/sample/sample.py --eml ") + dir.path().string();
  if (std::system(command.c_str()) != 0) throw std::runtime_error("the sample could not be made");
  std::vector<std::filesystem::path> files;
  for (const auto& each : std::filesystem::directory_iterator(dir.path())) files.push_back(each.path());
  std::ranges::sort(files);
  std::vector<Sample> all;
  for (const auto& file : files) {
    std::ostringstream octets;
    octets << std::ifstream(file, std::ios::binary).rdbuf();
    const std::string name = file.stem().string();
    all.push_back({name.substr(name.find('-') + 1), octets.str()});
  }
  return all;
}

// The octets that Dovecot serves: line ends become CR LF, NUL 0x80.
std::string as_served(std::string_view octets) {
  std::string out;
  for (size_t i = 0; i < octets.size(); ++i) {
    if (octets[i] == '\n' && (i == 0 || octets[i - 1] != '\r')) out += '\r';
    out += octets[i] == '\0' ? '\x80' : octets[i];
  }
  return out;
}

// What the sample does not hold.
const std::vector<Sample> kMore = {
    {"local_only", "From: root\r\nTo: root (Charlie Root), <daemon>\r\nSender: \r\nReply-To: x@y\r\n\r\nx\r\n"},
    {"route", "From: Joe <@a.example,@b.example:joe@c.example>\r\n\r\nx\r\n"},
    {"quotes", "From: \"Joe \\\"Q\\\" Public\" <\"joe q\"@example.org>\r\nTo: a . b @ example . org\r\n\r\nx\r\n"},
    {"empty_fields", "From:\r\nSubject:\r\nDate: \r\nMessage-ID:\r\nTo: \r\n\r\nx\r\n"},
    {"folded", "Subject: one\r\n two\r\n\tthree  \r\nIn-Reply-To: <a@b>\r\n <c@d>\r\n\r\nx\r\n"},
    {"eight_bit",
     "Subject: Gr\xFC\xDF"
     "e\r\nFrom: J\xC3\xB6rg <j@example.org>\r\n\r\nx\r\n"},
    {"joined", "To: a@x\r\nSubject: s\r\nTo: b@x\r\n\r\nx\r\n"},
    {"extension",
     "Content-Type: text/plain; charset=UTF-8; format=flowed\r\nContent-ID: <i@d>\r\nContent-Description: a\r\n b\r\n"
     "Content-MD5: Q2hlY2sgSW50ZWdyaXR5IQ==\r\nContent-Disposition: inline\r\nContent-Language: en, de\r\n"
     "Content-Location: http://x/y\r\n\r\nx\r\n"},
    {"sections",
     "Content-Type: application/x; name*0=\"a b\"; name*1=c; title*0*=utf-8'en'%41; title*1=\"b%\"; "
     "title*2*=%42\r\n\r\nx"},
    {"sections_out_of_order", "Content-Type: application/x; name*1=b; name*0=a; x=y; name=old\r\n\r\nx"},
    {"unknown_encoding", "Content-Type: text/plain\r\nContent-Transfer-Encoding: x-unheard\r\n\r\nx\r\n"},
    {"no_type", "Content-Type: charset=utf-8\r\n\r\nx\r\n"},
    {"no_subtype", "Content-Type: text\r\n\r\nx\r\n"},
    {"no_disposition", "Content-Disposition: filename=x.pdf\r\n\r\nx\r\n"},
    {"never_occurs", "Content-Type: multipart/mixed; boundary=b\r\n\r\nlost\r\n"},
    {"message",
     "Content-Type: message/rfc822\r\n\r\nSubject: in\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
     "--b\r\n\r\none\r\n--b\r\nContent-Type: text/html\r\n\r\ntwo\r\n--b--\r\n"},
    {"message_of_text", "Content-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\ntext\r\n"},
    {"message_in_base64",
     "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\nU3ViamVjdDogeA0KDQp5DQo=\r\n"},
    {"message_with_nothing", "Content-Type: message/rfc822\r\n\r\n"},
    {"digest", "Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\nSubject: in\r\n\r\ntext\r\n--b--\r\n"},
    {"preamble",
     "Content-Type: multipart/mixed; boundary=\"b\"\r\n\r\npre\r\n--b\r\nX: "
     "y\r\n\r\n--b\r\n\r\n\r\n\r\n--b--\r\npost\r\n"},
};

class Client {
 public:
  explicit Client(const Dovecot& server) {
    net::ConnectOptions options;
    options.tls.ca_file = server.ca_file();
    auto channel = net::connect(
        {.host = server.host(), .port = server.port("imaps"), .security = net::Security::ImplicitTls}, options, {});
    if (!channel) throw std::runtime_error(channel.error().text());
    channel_ = std::move(*channel);
    ask("LOGIN \"" + server.user() + "\" \"" + server.password() + "\"");
    ask("EXAMINE INBOX");
  }

  std::vector<fuzz::ReadBack> ask(const std::string& command) {
    const std::string tag = "A" + std::to_string(++tag_);
    channel_->send(tag + " " + command + "\r\n");
    reader_.responses.clear();
    while (true) {
      for (const std::string& line : std::exchange(reader_.others, {})) {
        if (line.starts_with(tag + " OK")) return std::move(reader_.responses);
        if (line.starts_with(tag)) throw std::runtime_error(command + ": " + line);
      }
      const auto bytes = channel_->receive(Steady::now() + std::chrono::seconds(30), {});
      if (!bytes || bytes->empty() || !reader_.feed(*bytes)) throw std::runtime_error("the connection broke");
    }
  }
  const std::vector<std::string>& malformed() const { return reader_.malformed; }

 private:
  std::unique_ptr<net::Channel> channel_;
  fuzz::Reader reader_;
  int tag_ = 0;
};

using Differences = std::vector<std::string>;
using Parameters = std::vector<std::pair<std::string, std::string>>;

std::string shown(const std::optional<std::string>& text) { return text ? '"' + *text + '"' : "NIL"; }
std::string shown(const Parameters& list) {
  std::string out;
  for (const auto& [name, value] : list) out += to_lower(name) + "=" + value + "; ";
  return out;
}
std::string shown(const std::vector<imap::Address>& list) {
  std::string out;
  for (const auto& a : list) {
    out += "(" + shown(a.name) + " " + shown(a.route) + " " + shown(a.mailbox) + " " + shown(a.host) + ")";
  }
  return out;
}

class Comparison {
 public:
  void envelope(const imap::Envelope& ours, const imap::Envelope& theirs, const std::string& where) {
    note(where + " date", shown(ours.date), shown(theirs.date));
    note(where + " subject", shown(ours.subject), shown(theirs.subject));
    note(where + " from", shown(ours.from), shown(theirs.from));
    note(where + " sender", shown(ours.sender), shown(theirs.sender));
    note(where + " reply-to", shown(ours.reply_to), shown(theirs.reply_to));
    note(where + " to", shown(ours.to), shown(theirs.to));
    note(where + " cc", shown(ours.cc), shown(theirs.cc));
    note(where + " bcc", shown(ours.bcc), shown(theirs.bcc));
    note(where + " in-reply-to", shown(ours.in_reply_to), shown(theirs.in_reply_to));
    note(where + " message-id", shown(ours.message_id), shown(theirs.message_id));
  }

  void part(const imap::BodyPart& ours, const imap::BodyPart& theirs, const std::string& where) {
    note(where + " type", ours.type + "/" + ours.subtype, theirs.type + "/" + theirs.subtype);
    note(where + " parameters", shown(ours.parameters), shown(theirs.parameters));
    note(where + " id", shown(ours.id), shown(theirs.id));
    note(where + " description", shown(ours.description), shown(theirs.description));
    note(where + " encoding", to_lower(shown(ours.encoding)), to_lower(shown(theirs.encoding)));
    note(where + " octets", std::to_string(ours.octets), std::to_string(theirs.octets));
    note(where + " lines", std::to_string(ours.lines), std::to_string(theirs.lines));
    note(where + " md5", shown(ours.md5), shown(theirs.md5));
    note(where + " disposition", to_lower(ours.disposition), to_lower(theirs.disposition));
    note(where + " disposition's parameters", shown(ours.disposition_parameters), shown(theirs.disposition_parameters));
    note(where + " languages", std::to_string(ours.languages.size()), std::to_string(theirs.languages.size()));
    note(where + " location", shown(ours.location), shown(theirs.location));
    note(where + " parts", std::to_string(ours.parts.size()), std::to_string(theirs.parts.size()));
    note(where + " envelope", ours.envelope ? "yes" : "no", theirs.envelope ? "yes" : "no");
    if (ours.envelope && theirs.envelope) envelope(*ours.envelope, *theirs.envelope, where + " envelope's");
    for (size_t i = 0; i < std::min(ours.parts.size(), theirs.parts.size()); ++i) {
      part(ours.parts[i], theirs.parts[i], where + "." + std::to_string(i + 1));
    }
  }

  void note(const std::string& what, const std::string& ours, const std::string& theirs) {
    if (ours != theirs) {
      found.push_back(what + ": ours " + printable(ours, 300) + ", theirs " + printable(theirs, 300));
    }
  }

  Differences found;
};

// Everything that can be asked of the message, by our own numbers.
std::vector<std::string> sections_of(const mime::Message& message) {
  std::set<std::string> numbers;
  for (uint32_t i = 0; i < message.parts.size(); ++i) numbers.insert(mime::section_number(message, i));
  numbers.insert({"9", "1.9", "1.1.1"});
  std::vector<std::string> sections{"HEADER", "TEXT", "HEADER.FIELDS (Subject From Received X-None)",
                                    "HEADER.FIELDS.NOT (subject date x-long)"};
  for (const std::string& number : numbers) {
    if (number.empty()) continue;
    for (const char* text : {"", ".MIME", ".HEADER", ".TEXT", ".HEADER.FIELDS (Subject \"To\")"}) {
      sections.push_back(number + text);
    }
  }
  return sections;
}

std::string ours_of(const std::string& spec, const mime::Message& message, bool binary = false) {
  const std::string text = spec + "]";
  imap::Quirks quirks;
  const imap::Frame frame{.text = text, .literals = {}};
  imap::Parser in(frame, quirks);
  Section section;
  if (!parse_section(in, section)) throw std::runtime_error(spec);
  const Content content = binary ? binary_of(section, message) : content_of(section, message);
  if (content.kind == Content::Kind::Missing) return "NIL";
  if (content.kind == Content::Kind::UnknownEncoding) return "NO";
  return content.kind == Content::Kind::Made ? content.text : std::string(message.view(content.stored));
}

class Described : public testing::Test {
 protected:
  void SetUp() override {
    if (!Dovecot::available()) GTEST_SKIP() << "NOT TESTED: no Dovecot here (tools/dev setup)";
  }
};

void compare_descriptions(const mime::Message& message, const fuzz::ReadBack& theirs, const fuzz::ReadBack& their_body,
                          Comparison& comparison) {
  std::string items = "ENVELOPE ";
  append_envelope(message.bytes, false, items);
  items += " BODYSTRUCTURE ";
  append_body_structure(message, true, false, items);
  const auto ours = fuzz::read_back(items);
  items = "BODY ";
  append_body_structure(message, false, false, items);
  const auto our_body = fuzz::read_back(items);
  ASSERT_TRUE(ours && ours->envelope && ours->structure && our_body && our_body->structure) << items;
  comparison.envelope(*ours->envelope, *theirs.envelope, "");
  comparison.part(*ours->structure, *theirs.structure, "root");
  comparison.part(*our_body->structure, *their_body.structure, "BODY's root");
}

void compare_decoded(const mime::Message& message, size_t number, Client& client, Comparison& comparison) {
  for (uint32_t i = 0; i < message.parts.size(); ++i) {
    const std::string part = mime::section_number(message, i);
    if (part.empty() || message.parts[i].kind != mime::PartKind::Leaf) continue;
    const std::string ours = ours_of(part, message, true);
    std::string theirs = "NO";
    try {
      const auto answer = client.ask("FETCH " + std::to_string(number) + " (BINARY.PEEK[" + part + "])");
      if (answer.size() == 1 && answer[0].bodies.size() == 1) theirs = answer[0].bodies[0].second;
    } catch (const std::runtime_error&) {
    }
    comparison.note("BINARY[" + part + "]", ours, theirs);
  }
}

// What differs by choice: the kinds of message (of sample/kinds.py; "" for all), what the difference's line and "$"
// hold, why.
struct Choice {
  std::string_view kind, what, why;
};
constexpr Choice kChoices[] = {
    {"", ": ours NIL, theirs $", "a section that is not there is NIL, not an empty string"},
    {"repeated_fields", " date: ours \"Mon, 19 Feb 2007", "of a field that occurs again the first counts"},
    {"repeated_fields", " subject: ours \"=?koi8-r", "of a field that occurs again the first counts"},
    {"group_address", "cc: ours (NIL NIL \"The neighbours\" NIL)(NIL NIL \"anna\" \"example.org\")(\"upstairs\"",
     "a comment names an address that has no other name"},
    {"header_with_colonless_line", "[HEADER.FIELDS.NOT", "a line that is no field is none of the fields"},
    {"empty", "[HEADER.FIELDS.NOT", "there is always an empty line behind some fields"},
    {"header_only", "[HEADER.FIELDS.NOT", "there is always an empty line behind some fields"},
    {"header_without_end", "[HEADER.FIELDS.NOT", "there is always an empty line behind some fields"},
    {"message_with_nothing", "[1.HEADER.FIELDS", "there is always an empty line behind some fields"},
    {"nul", "BINARY[1]: ours before",
     "Dovecot's BINARY has the NULs that its BODY has not; ours are the stored octets in both"},
    {"damaged_base64", "BINARY[1]", "what can be decoded is shown, as everywhere in this program"},
    {"damaged_quoted_printable", "BINARY[1]", "what can be decoded is shown, as everywhere in this program"},
    {"multipart_without_boundary", "", "a multipart that can't be opened is its text, to be read"},
    {"local_only", "\"MISSING_DOMAIN\")$", "a domain that is not there is not invented"},
    {"route", "(\"Joe\" \"@a.example,@b.example\"", "source routes are to be ignored"},
    {"quotes", "to: ours (NIL NIL \"a.b\" \"example.org\")", "spaces around dots belong to old addresses"},
    {"folded", "subject: ours \"one two", "what a field is folded with stays"},
    {"sections_out_of_order", "parameters: ours name=ab; x=y;", "sections stand where the first of them stood"},
    {"no_type", "root", "what is no type is text/plain (RFC 2045, section 5.2)"},
    {"no_subtype", "root type: ours TEXT/PLAIN", "what is no type is text/plain (RFC 2045, section 5.2)"},
    {"no_disposition", "disposition", "a disposition that is not known is an attachment (RFC 2183, section 2.8)"},
    {"message", "[1.1.1", "what is no multipart and no message has no parts"},
    {"message_in_base64", "", "a message in base64 is a file to be saved: no part of it could be fetched"},
};

TEST_F(Described, AsDovecotDoesButForWhatIsChosen) {
  std::vector<Sample> sample = sample_messages();
  sample.insert(sample.end(), kMore.begin(), kMore.end());
  Dovecot server;
  int64_t date = 1'600'000'000;
  for (const Sample& each : sample) server.deliver(each.octets, "INBOX", {}, ++date);
  Client client(server);
  const auto described = client.ask("FETCH 1:* (ENVELOPE BODYSTRUCTURE)");
  const auto plain = client.ask("FETCH 1:* (BODY)");
  ASSERT_EQ(described.size(), sample.size()) << testing::PrintToString(client.malformed());
  std::set<const Choice*> chosen;
  for (size_t i = 0; i < sample.size(); ++i) {
    const std::string octets = as_served(sample[i].octets);
    const mime::Message message = mime::parse(octets);
    Comparison comparison;
    compare_descriptions(message, described[i], plain[i], comparison);
    compare_decoded(message, i + 1, client, comparison);
    const std::vector<std::string> sections = sections_of(message);
    std::string command = "FETCH " + std::to_string(i + 1) + " (";
    for (size_t j = 0; j < sections.size(); ++j) command += (j == 0 ? "BODY.PEEK[" : " BODY.PEEK[") + sections[j] + "]";
    const auto answer = client.ask(command + ")");
    ASSERT_EQ(answer.size(), 1U);
    ASSERT_EQ(answer[0].bodies.size(), sections.size()) << sample[i].kind;
    for (size_t j = 0; j < sections.size(); ++j) {
      comparison.note("[" + sections[j] + "]", ours_of(sections[j], message), answer[0].bodies[j].second);
    }
    for (const std::string& line : comparison.found) {
      const auto* choice = std::ranges::find_if(kChoices, [&](const Choice& c) {
        return (c.kind.empty() || c.kind == sample[i].kind) && (line + "$").find(c.what) != line.npos;
      });
      if (choice == std::end(kChoices)) {
        ADD_FAILURE() << i + 1 << " " << sample[i].kind << " " << line;
      } else {
        chosen.insert(choice);
      }
    }
  }
  for (const Choice& choice : kChoices) {
    EXPECT_TRUE(chosen.contains(&choice)) << "is no difference any more: " << choice.kind << " " << choice.what;
  }
}

}  // namespace
}  // namespace libsync::server
