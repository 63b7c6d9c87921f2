#include "libsync/mime/body.h"

#include <algorithm>

#include "libsync/base/text.h"
#include "libsync/mime/html.h"

namespace libsync::mime {
namespace {

constexpr size_t kPiece = 64 << 10;

// Cuts between characters. `text` is valid UTF-8.
void cut(std::string& text, uint64_t max_bytes) {
  if (text.size() <= max_bytes) return;
  size_t at = max_bytes;
  while (at > 0 && (static_cast<uint8_t>(text[at]) & 0xC0) == 0x80) --at;
  text.resize(at);
}

// Line ends to LF; NULs, which indexes and terminals do not like, to spaces.
void normalise(std::string& text) {
  size_t to = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\r') {
      if (i + 1 < text.size() && text[i + 1] == '\n') continue;
      text[to++] = '\n';
    } else {
      text[to++] = text[i] == '\0' ? ' ' : text[i];
    }
  }
  text.resize(to);
}

// A multipart in which no part was found (no boundary, or one that never occurs) is read as plain text: that is
// what is left to see in it.
bool is_unopened(const Part& part) { return part.type == "multipart" && part.children.empty(); }

bool is_blank(std::string_view text) { return trim(text).empty(); }

class TextCollector {
 public:
  TextCollector(Converters& converters, const TextOptions& options, size_t level)
      : converters_(converters), options_(options), level_(level) {}

  void collect(const Message& message, uint32_t index) {
    if (out.size() >= options_.max_bytes) return;
    const Part& part = message.parts[index];
    switch (part.kind) {
      case PartKind::Multipart:
        return multipart(message, index);
      case PartKind::Message:
        if (options_.nested && !part.children.empty()) nested(message, part.children.front());
        return;
      case PartKind::Leaf:
        return leaf(message, index);
    }
  }

  std::string out;
  std::vector<uint32_t> used{};  // parts of the outermost message that were read, empty or not

 private:
  void multipart(const Message& message, uint32_t index) {
    const Part& part = message.parts[index];
    if (is_unopened(part)) return leaf(message, index);
    const bool alternative = part.subtype == "alternative" && !options_.both_alternatives;
    const size_t before = out.size();
    const auto plain = [&](uint32_t child) {
      const Part& p = message.parts[child];
      return p.kind == PartKind::Leaf && p.type == "text" && p.subtype == "plain";
    };
    if (alternative) {
      for (const uint32_t child : part.children) {
        if (plain(child) && out.size() == before) collect(message, child);
      }
    }
    for (const uint32_t child : part.children) {
      if (!alternative || (out.size() == before && !plain(child))) collect(message, child);
    }
  }

  void nested(const Message& message, uint32_t root) {
    const Part& part = message.parts[root];
    append(Header(message.view(part.header)).text("Subject", converters_));
    collect(message, root);
  }

  void leaf(const Message& message, uint32_t index) {
    const Part& part = message.parts[index];
    if (part.type == "message" && (part.subtype == "rfc822" || part.subtype == "global")) {
      return encoded_message(message, index);
    }
    if (part.type != "text" && !is_unopened(part)) return;
    if (!options_.attachments) {
      const PartInfo info = part_info(message, part, converters_);
      if (info.disposition && info.disposition->type == "attachment") return;
    }
    used.push_back(index);
    append(part_text(message, part, converters_, options_));
  }

  // A message in base64: forbidden (RFC 2046, section 5.2.1; allowed for message/global), and it occurs.
  void encoded_message(const Message& outer, uint32_t index) {
    if (!options_.nested || level_ >= kMaxEncodedMessages) return;
    used.push_back(index);
    const std::string bytes = decode_body(outer, outer.parts[index], options_.max_source);
    const Message inner = parse(bytes);
    TextOptions rest = options_;
    rest.max_bytes -= out.size();
    TextCollector collector(converters_, rest, level_ + 1);
    collector.nested(inner, 0);
    append(std::move(collector.out));
  }

  void append(std::string text) {
    if (is_blank(text) || out.size() >= options_.max_bytes) return;
    if (!out.empty()) out += out.ends_with('\n') ? "\n" : "\n\n";
    out += text;
    cut(out, options_.max_bytes);
  }

  Converters& converters_;
  const TextOptions& options_;
  size_t level_;
};

}  // namespace

void decode_body(const Message& message, const Part& part, const std::function<bool(std::string_view)>& sink,
                 Defects* defects) {
  const std::string_view body = message.view(part.body);
  // A multipart's encoding is a mistake, its parts have their own.
  Encoding encoding = part.kind == PartKind::Leaf ? part.encoding : Encoding::Binary;
  if (encoding == Encoding::Uuencode && !has_uu_begin(body)) {  // its label is wrong: nothing of it is lost
    note(defects, Fault::BadUuencode);
    encoding = Encoding::Binary;
  }
  if (is_identity(encoding)) {
    for (size_t at = 0; at < body.size(); at += kPiece) {
      if (!sink(body.substr(at, kPiece))) return;
    }
    return;
  }
  TransferDecoder decoder(encoding, defects);
  std::string piece;
  for (size_t at = 0; at < body.size(); at += kPiece) {
    piece.clear();
    decoder.feed(body.substr(at, kPiece), piece);
    if (!piece.empty() && !sink(piece)) return;
  }
  piece.clear();
  decoder.finish(piece);
  if (!piece.empty()) sink(piece);
}

std::string decode_body(const Message& message, const Part& part, uint64_t max_bytes, Defects* defects) {
  std::string out;
  const auto sink = [&](std::string_view piece) {
    out += piece.substr(0, max_bytes - out.size());
    return out.size() < max_bytes;
  };
  if (max_bytes > 0) decode_body(message, part, sink, defects);
  return out;
}

std::string part_text(const Message& message, const Part& part, Converters& converters, const TextOptions& options,
                      Defects* defects) {
  if ((part.kind != PartKind::Leaf || part.type != "text") && !is_unopened(part)) return {};
  const std::string bytes = decode_body(message, part, options.max_source, defects);
  const Structured type = parse_structured(message.view(part.content_type));
  const std::string* charset = type.find("charset");
  std::string text;
  if (charset == nullptr) {
    converters.append_guess(bytes, text);  // us-ascii, if its sender knew what he said (RFC 2045, section 5.2)
  } else {
    const Fit fit = converters.append(*charset, bytes, text);
    if (fit == Fit::Unknown) note(defects, Fault::UnknownCharset);
    if (fit == Fit::Guessed || fit == Fit::Replaced) note(defects, Fault::WrongCharset);
  }
  if (part.type == "text" && part.subtype == "html") text = html_to_text(text, options.max_bytes);
  normalise(text);
  cut(text, options.max_bytes);
  return text;
}

std::string text_of(const Message& message, Converters& converters, const TextOptions& options,
                    std::vector<uint32_t>* used) {
  TextCollector collector(converters, options, 0);
  collector.collect(message, 0);
  if (used != nullptr) *used = std::move(collector.used);
  return std::move(collector.out);
}

}  // namespace libsync::mime
