// Compares with Python's email package on the messages of Debian's libpython3.11-testsuite: mail that nobody
// here wrote, read by a parser that nobody here wrote.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <set>
#include <sstream>

#include <gtest/gtest.h>

#include "libsync/base/digest.h"
#include "libsync/mime/body.h"
#include "libsync/mime/envelope.h"
#include "libsync/mime/message.h"

namespace libsync::mime {
namespace {

constexpr const char* kFolder = "/usr/lib/python3.11/test/test_email/data";

std::string read(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// Lines of the script, by file.
std::map<std::string, std::string> ask_python() {
  const std::string command =
      std::string("python3 " TWINBOX_SOURCE_DIR "/tests/unit/mime/python_reference.py ") + kFolder;
  const auto close = [](FILE* file) { pclose(file); };
  const std::unique_ptr<FILE, decltype(close)> pipe(popen(command.c_str(), "r"), close);
  std::map<std::string, std::string> result;
  std::string output;
  char buffer[4096];
  while (const size_t n = fread(buffer, 1, sizeof buffer, pipe.get())) output.append(buffer, n);
  std::istringstream lines(output);
  std::string file;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("file ")) {
      file = line.substr(5);
    } else {
      result[file] += line + "\n";
    }
  }
  return result;
}

std::string our_reading(const std::string& bytes) {
  Converters converters;
  const Message m = parse(bytes);
  std::string out;
  const Header header(bytes);
  for (const Field& field : header.fields()) {
    out += "field " + std::string(field.name) + " " + to_hex(unfold(field.value)) + "\n";
  }
  for (const Part& part : m.parts) {
    const PartInfo info = part_info(m, part, converters);
    const bool leaf = part.kind == PartKind::Leaf && part.type != "multipart";
    out += "part " + part.type + "/" + part.subtype + " " + (leaf ? to_hex(sha256(decode_body(m, part))) : "-") + " " +
           to_hex(info.filename.empty() ? "-" : info.filename) + "\n";
  }
  for (size_t i = 0; i < m.parts.size(); ++i) {
    const Part& part = m.parts[i];
    if (part.kind != PartKind::Leaf || part.type + part.subtype != "textplain") continue;
    Defects defects;
    const std::string text = part_text(m, part, converters, {}, &defects);
    if (!defects.has(Fault::UnknownCharset) && !defects.has(Fault::WrongCharset))
      out += "text " + std::to_string(i) + " " + to_hex(sha256(text)) + "\n";
  }
  const Envelope e = parse_envelope(bytes, converters);
  out += "subject " + to_hex(e.subject) + "\n";
  const std::pair<const char*, const std::vector<Address>&> lists[] = {{"from", e.from}, {"to", e.to}, {"cc", e.cc}};
  for (const auto& [name, list] : lists) {
    for (const Address& a : list) {
      if (const std::string spec = addr_spec(a); !spec.empty())
        out += std::string("address ") + name + " " + spec + "\n";
    }
  }
  return out + "date " + (e.date ? std::to_string(e.date->unix_seconds) : "-") + "\n";
}

TEST(PythonsMessages, AreReadAsPythonReadsThem) {
  if (!std::filesystem::exists(kFolder)) {
    GTEST_SKIP() << "NOT TESTED: " << kFolder << " is missing; install libpython3.11-testsuite (tools/dev setup)";
  }
  const auto expected = ask_python();
  ASSERT_GT(expected.size(), 40U);
  // Where Python is known to differ, and why this reading is meant.
  const std::map<std::string, std::string> differs = {
      {"msg_15.txt", "a multipart with its parent's boundary: Python gives up on it"},
      {"msg_16.txt", "message/delivery-status is no message: Python opens it, IMAP servers do not"},
      {"msg_36.txt", "message/external-body is no message here: as above"},
      {"msg_37.txt", "two delimiters without anything between: an empty part, as IMAP servers count"},
      {"msg_39.txt", "as msg_15"},
      {"msg_43.txt", "as msg_16"},
  };
  for (const auto& [file, reading] : expected) {
    const std::string ours = our_reading(read(std::string(kFolder) + "/" + file));
    if (const auto known = differs.find(file); known != differs.end()) {
      EXPECT_NE(ours, reading) << file << " is read alike by now: " << known->second;
    } else {
      EXPECT_EQ(ours, reading) << file;
    }
  }
}

}  // namespace
}  // namespace libsync::mime
