// FETCH responses read as this program's client reads them: lines and literals by its framer, items by its parser.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libsync/imap/fetch.h"
#include "libsync/imap/framer.h"

namespace libsync::fuzz {

struct ReadBack {
  uint32_t number = 0;
  std::unique_ptr<imap::Envelope> envelope{};
  std::unique_ptr<imap::BodyPart> structure{};
  std::vector<std::pair<std::string, std::string>> bodies{};  // section, content; NIL is "NIL"
};

class Reader final : public imap::FrameSink {
 public:
  Reader() { framer_.logged_in(); }

  // False where the framer gives up.
  bool feed(std::string_view bytes) { return framer_.feed(bytes, *this).has_value(); }

  std::vector<ReadBack> responses{};
  std::vector<std::string> others{};     // lines that are no FETCH
  std::vector<std::string> malformed{};  // FETCH responses that could not be read: why
  imap::Quirks quirks{};
  bool idle() const { return framer_.idle(); }

  void frame(const imap::Frame& frame) override {
    std::vector<std::string> texts = std::exchange(texts_, {});
    imap::Parser in(frame, quirks);
    std::string_view word;
    in.ch('*');
    in.space();
    const auto number = in.number();
    if (!number || !in.space() || !in.expect_atom(word) || word != "FETCH") {
      others.emplace_back(frame.text);
      return;
    }
    imap::FetchData data;
    data.number = static_cast<uint32_t>(*number);
    if (!imap::parse_fetch(in, data) || !in.at_end()) {
      malformed.emplace_back(in.why());
      return;
    }
    ReadBack& response = responses.emplace_back();
    response = {data.number, std::move(data.envelope), std::move(data.structure), {}};
    size_t next = 0;
    for (imap::BodySection& body : data.bodies) {
      std::string text = body.content.kind == imap::Text::Kind::Nil ? "NIL" : std::move(body.content.text);
      if (body.content.kind == imap::Text::Kind::Streamed) text = std::move(texts.at(next++));
      response.bodies.emplace_back(body.section, std::move(text));
    }
  }
  void literal_begin(std::string_view, std::span<const imap::Literal>) override { texts_.emplace_back(); }
  void literal_data(std::string_view bytes) override { texts_.back() += bytes; }
  void literal_end() override {}

 private:
  imap::Limits limits_;
  imap::Framer framer_{limits_, quirks};
  std::vector<std::string> texts_;
};

// The items of one FETCH response; null where the client can't read them.
inline std::unique_ptr<ReadBack> read_back(std::string_view items, imap::Quirks* quirks = nullptr) {
  Reader reader;
  const std::string line = "* 1 FETCH (" + std::string(items) + ")\r\n";
  if (!reader.feed(line) || !reader.idle() || reader.responses.size() != 1 || !reader.others.empty()) return nullptr;
  if (quirks != nullptr) *quirks = reader.quirks;
  return std::make_unique<ReadBack>(std::move(reader.responses.front()));
}

}  // namespace libsync::fuzz
