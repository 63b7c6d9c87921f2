#include "libsync/replicas/imap_content.h"

#include <algorithm>

#include "libsync/sync/octet_counter.h"

namespace libsync::replicas {
namespace {

// Looks for what decides how a message is sent.
class Inspector {
 public:
  void add(std::string_view octets, ImapContent& into) {
    into.nul = into.nul || octets.find('\0') != std::string_view::npos;
    for (const char c : octets) {
      if (over_) return;
      if (static_cast<unsigned char>(c) >= 0x80) into.eight_bit_header = true;
      over_ = into.eight_bit_header || (c == '\n' && line_is_empty_);
      if (c != '\r') line_is_empty_ = c == '\n';
    }
  }

 private:
  bool line_is_empty_ = true, over_ = false;
};

class ConvertedSource final : public imap::LiteralSource {
 public:
  explicit ConvertedSource(sync::ContentSource& source) : source_(source) {}
  Result<std::string_view> next() override {
    constexpr size_t kStretch = size_t{64} << 10;
    if (piece_.empty()) {
      TB_ASSIGN(piece_, source_.next());
    }
    const std::string_view now = piece_.substr(0, kStretch / 2);  // each octet may become two
    piece_.remove_prefix(now.size());
    out_.clear();
    maker_.add(now, out_);
    return std::string_view(out_);
  }

 private:
  sync::ContentSource& source_;
  std::string_view piece_;
  CrlfMaker maker_;
  std::string out_;
};

}  // namespace

void CrlfMaker::add(std::string_view octets, std::string& out) {
  while (!octets.empty()) {
    const size_t end = std::min(octets.find('\n'), octets.size());
    if (end > 0) last_ = octets[end - 1];
    out.append(octets.substr(0, end));
    octets.remove_prefix(end);
    if (octets.empty()) return;
    out.append(last_ == '\r' ? "\n" : "\r\n");
    last_ = '\n';
    octets.remove_prefix(1);
  }
}

Result<ImapContent> read_content(sync::ContentSource& source, uint64_t most_held) {
  ImapContent content;
  sync::OctetCounter counter;
  Inspector inspector;
  CrlfMaker maker;
  while (true) {
    TB_ASSIGN(const std::string_view piece, source.next());
    if (piece.empty()) break;
    counter.update(piece);
    inspector.add(piece, content);
    if (counter.count() <= most_held) {
      maker.add(piece, content.text);
    } else {
      content.text = {};
    }
  }
  content.octets = counter.count();
  return content;
}

Result<std::shared_ptr<imap::LiteralSource>> stream_content(sync::ContentSource& source) {
  TB_TRY(source.rewind());
  return std::make_shared<ConvertedSource>(source);
}

}  // namespace libsync::replicas
