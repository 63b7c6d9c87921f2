#include "tools/twinbox/trace_printer.h"

#include <fmt/format.h>

#include "libsync/base/text.h"
#include "libsync/base/words.h"

#include "tools/twinbox/progress.h"

namespace twinbox {
namespace {

class Labelled final : public libsync::Trace {
 public:
  Labelled(TracePrinter& printer, std::string label) : printer_(printer), label_(std::move(label)) {}
  void line(libsync::TraceKind kind, std::string_view text) override { printer_.print(label_, kind, text); }

 private:
  TracePrinter& printer_;
  std::string label_;
};

constexpr size_t kMaxWords = 300;  // of one line of the server's, below an error

// The length of the UTF-8 character at the front, 0 if there is none that may be shown.
size_t shown_character(std::string_view text) {
  for (size_t length = 1; length <= 4 && length <= text.size(); ++length) {
    const auto piece = text.substr(0, length);
    if (libsync::is_valid_utf8(piece)) return libsync::printable(piece) == piece ? length : 0;
  }
  return 0;
}

}  // namespace

std::string visible(std::string_view text) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    if (out.size() > kMaxTraceLine) return out + "…";
    if (const size_t length = shown_character(text.substr(at, 4)); length > 0) {
      out += text.substr(at, length);
      at += length;
      continue;
    }
    out += text[at] == '\t' ? "\\t" : fmt::format("\\x{:02X}", static_cast<unsigned char>(text[at]));
    ++at;
  }
  return out;
}

void TraceNotes::line(libsync::TraceKind kind, std::string_view text) {
  const std::lock_guard lock(mutex_);
  if (kind == libsync::TraceKind::Note && notes_.size() < kMaxNotes) notes_.push_back(visible(text));
  if (kind != libsync::TraceKind::Server) return;
  said_.push_back(libsync::printable(text, kMaxWords));
  if (said_.size() > kLastWords) said_.pop_front();
}

std::vector<std::string> TraceNotes::lines() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> out = notes_;
  for (const auto& words : said_) out.push_back(libsync::say("the server: {}", words));
  return out;
}

std::unique_ptr<libsync::Trace> TracePrinter::label(std::string label) {
  return std::make_unique<Labelled>(*this, std::move(label));
}

void TracePrinter::print(std::string_view label, libsync::TraceKind kind, std::string_view text) {
  const char* who = kind == libsync::TraceKind::Client ? "C:" : kind == libsync::TraceKind::Server ? "S:" : "* ";
  const std::lock_guard lock(mutex_);
  const double seconds = std::chrono::duration<double>(clock_.now() - start_).count();
  const std::string name = label.empty() ? std::string() : fmt::format("{} ", label);
  std::string line = fmt::format("{:.3f} {}{} {}\n", seconds, name, who, visible(text));
  if (board_ == nullptr) {
    stream_.write(line);
  } else {
    board_->aside([this, words = std::move(line)] { stream_.write(words); });
  }
}

}  // namespace twinbox
