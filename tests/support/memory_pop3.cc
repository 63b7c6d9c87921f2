#include "tests/support/memory_pop3.h"

#include <utility>

namespace twinbox::test {

using libsync::Errc;
using libsync::fail;
using libsync::Result;

Pop3Session::Pop3Session(Maildrop& drop, AtQuit at_quit)
    : drop_(drop), at_quit_(std::move(at_quit)), out_("+OK ready\r\n") {}

void Pop3Session::send(std::string_view bytes) {
  in_ += bytes;
  for (size_t end = in_.find("\r\n"); end != in_.npos && !over_; end = in_.find("\r\n")) {
    const std::string line = in_.substr(0, end);
    in_.erase(0, end + 2);
    answer(line);
  }
}

Result<std::string_view> Pop3Session::receive(libsync::Deadline, std::stop_token stop) {
  if (stop.stop_requested()) return fail(Errc::Cancelled, "stopped");
  if (out_.empty() && !over_) return fail(Errc::Network, "timed out waiting for " + host_);
  given_ = std::exchange(out_, {});
  return std::string_view(given_);
}

void Pop3Session::answer(const std::string& line) {
  const size_t space = line.find(' ');
  const std::string verb = line.substr(0, space);
  const std::string argument = space == line.npos ? "" : line.substr(space + 1);
  if (verb == "CAPA") {
    out_ += "+OK\r\nUSER\r\nTOP\r\nUIDL\r\nPIPELINING\r\nRESP-CODES\r\n.\r\n";
  } else if (verb == "STAT") {
    size_t octets = 0;
    for (const auto& each : drop_.messages) octets += each.octets.size();
    out_ += "+OK " + std::to_string(drop_.messages.size()) + " " + std::to_string(octets) + "\r\n";
  } else if (verb == "LIST" || verb == "UIDL") {
    listing(verb == "UIDL");
  } else if (verb == "RETR") {
    message(std::stoul(argument), "");
  } else if (verb == "TOP") {
    message(std::stoul(argument), argument.substr(argument.find(' ') + 1));
  } else if (verb == "DELE") {
    marked_.insert(std::stoul(argument));
    out_ += "+OK\r\n";
  } else if (verb == "QUIT") {
    quit();
  } else {
    if (verb == "RSET") marked_.clear();
    out_ += "+OK\r\n";  // USER, PASS, NOOP
  }
}

void Pop3Session::listing(bool uidls) {
  out_ += "+OK\r\n";
  for (size_t i = 0; i < drop_.messages.size(); ++i) {
    const auto& each = drop_.messages[i];
    out_ += std::to_string(i + 1) + " " + (uidls ? each.uidl : std::to_string(each.octets.size())) + "\r\n";
  }
  out_ += ".\r\n";
}

// `lines`: how many of the body; empty: all.
void Pop3Session::message(size_t number, const std::string& lines) {
  if (number == 0 || number > drop_.messages.size()) {
    out_ += "-ERR no such message\r\n";
    return;
  }
  out_ += "+OK\r\n";
  const std::string& octets = drop_.messages[number - 1].octets;
  const size_t body = octets.find("\r\n\r\n");
  size_t left = lines.empty() ? octets.size() : std::stoul(lines);
  for (size_t at = 0; at < octets.size();) {
    const size_t end = octets.find("\r\n", at) + 2;
    if (body != octets.npos && at > body + 2 && left-- == 0) break;
    if (octets[at] == '.') out_ += '.';
    out_ += octets.substr(at, end - at);
    at = end;
  }
  out_ += ".\r\n";
}

void Pop3Session::quit() {
  std::vector<Maildrop::Message> stay, go;
  for (size_t i = 0; i < drop_.messages.size(); ++i) {
    (marked_.contains(i + 1) ? go : stay).push_back(drop_.messages[i]);
  }
  over_ = true;
  if (at_quit_ && !at_quit_(go)) return;
  drop_.messages = std::move(stay);
  out_ += "+OK\r\n";
}

}  // namespace twinbox::test
