// Export as one mbox file (RFC 4155 describes the family; this is mboxrd, whose quoting can be undone).
#include <ctime>

#include <fmt/format.h>

#include "libsync/base/digest.h"
#include "libsync/base/words.h"
#include "libsync/mime/address.h"

#include "tools/twinbox/export_files.h"

namespace twinbox {
namespace {

using libsync::Result;
using libsync::Status;

// "From me@example.org Sun Nov 22 18:04:05 2026": the sender without spaces, the date in UTC.
std::string from_line(const libsync::store::MessageInfo& message) {
  static constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::string sender = "MAILER-DAEMON";
  for (const auto& address : libsync::mime::parse_addresses(message.envelope.from, nullptr)) {
    const std::string spec = libsync::mime::addr_spec(address);
    const bool plain = spec.find_first_of(" \t\r\n\"") == spec.npos;
    if (address.kind != libsync::mime::AddressKind::Mailbox || spec.empty() || !plain) continue;
    sender = spec;
    break;
  }
  const std::time_t t = message.internaldate;
  std::tm utc{};
  ::gmtime_r(&t, &utc);
  return fmt::format("From {} {} {} {:2} {:02}:{:02}:{:02} {}\n", sender, kDays[utc.tm_wday % 7],
                     kMonths[utc.tm_mon % 12], utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec, utc.tm_year + 1900);
}

// Puts a '>' before lines that begin with any number of '>' and "From ". Keeps no more than the
// beginning of a line.
class FromQuoter {
 public:
  void quote(std::string_view in, std::string& out) {
    for (size_t at = 0; at < in.size();) {
      if (!begin_) {
        const size_t end = std::min(in.find('\n', at), in.size() - 1) + 1;
        out += in.substr(at, end - at);
        begin_ = in[end - 1] == '\n';
        at = end;
        continue;
      }
      at += take_begin(in.substr(at), out);
    }
  }
  void finish(std::string& out) {
    flush_head(out, false);
    begin_ = true;
  }

 private:
  static constexpr std::string_view kFrom = "From ";

  // At the beginning of a line: collects '>' and "From " until it is clear what the line is.
  size_t take_begin(std::string_view in, std::string& out) {
    for (size_t i = 0; i < in.size(); ++i) {
      if (matched_ == 0 && in[i] == '>') {
        ++arrows_;
      } else if (in[i] == kFrom[matched_]) {
        if (++matched_ == kFrom.size()) {
          flush_head(out, true);
          return i + 1;
        }
      } else {
        flush_head(out, false);
        return i;  // this character is no part of a head; an LF is handled as text
      }
    }
    return in.size();
  }
  void flush_head(std::string& out, bool quoted) {
    if (quoted) out += '>';
    out.append(arrows_, '>');
    out += kFrom.substr(0, matched_);
    arrows_ = matched_ = 0;
    begin_ = false;
  }

  bool begin_ = true;
  size_t arrows_ = 0, matched_ = 0;
};

class MboxTarget final : public ExportTarget {
 public:
  MboxTarget(libsync::FileSystem& fs, std::string file, std::function<bool(std::string_view)> out)
      : fs_(fs), path_(std::move(file)), out_(std::move(out)) {}

  Result<Exported> add(const libsync::sync::Path&, const libsync::store::MessageInfo& message,
                       const Octets& octets) override {
    // A damaged message must not leave its first half in the file: it is read once before it is written.
    TB_TRY(octets([](std::string_view) { return true; }));
    TB_TRY(write(from_line(message)));
    LineEnds ends;
    FromQuoter quoter;
    Status written;
    char last = '\n';
    std::string lf, quoted;
    const auto put = [&] {
      quoter.quote(lf, quoted);
      if (!lf.empty()) last = lf.back();
      lf.clear();
      written = write(quoted);
      quoted.clear();
      return written.has_value();
    };
    TB_TRY(octets([&](std::string_view piece) {
      ends.convert(piece, lf);
      return put();
    }));
    TB_TRY(written);
    ends.finish(lf);
    put();
    TB_TRY(written);
    quoter.finish(quoted);
    if (last != '\n') quoted += '\n';
    quoted += '\n';
    TB_TRY(write(quoted));
    return Exported::Written;
  }

  Status finish() override {
    if (path_ == "-") return {};
    if (!file_) {
      TB_TRY(open());
    }
    if (fs_.exists(path_)) {
      TB_ASSIGN(const auto there, file_digest(fs_, path_));
      if (there == hash_.finish()) return {};
      libsync::Error error = taken(path_);
      error.hint = libsync::say("an mbox is written whole, never added to: name another file, or move this one away");
      return libsync::fail(std::move(error));
    }
    return file_->commit_durably();
  }

 private:
  Status open() {
    TB_ASSIGN(NewFile file, NewFile::create(fs_, path_));
    file_ = std::make_unique<NewFile>(std::move(file));
    return {};
  }
  Status write(std::string_view bytes) {
    if (path_ == "-") {
      if (out_(bytes)) return {};
      return libsync::fail(libsync::Errc::Cancelled, libsync::say("standard output was closed"));
    }
    if (!file_) TB_TRY(open());
    hash_.update(bytes);
    return file_->write(bytes);
  }

  libsync::FileSystem& fs_;
  std::string path_;
  std::function<bool(std::string_view)> out_;
  std::unique_ptr<NewFile> file_;
  libsync::Sha256 hash_;
};

}  // namespace

std::unique_ptr<ExportTarget> mbox_target(libsync::FileSystem& fs, std::string file,
                                          std::function<bool(std::string_view)> out) {
  return std::make_unique<MboxTarget>(fs, std::move(file), std::move(out));
}

}  // namespace twinbox
