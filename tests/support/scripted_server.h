// A mail server that does exactly what a test's script says, for hostile and broken behaviour over real
// sockets, IMAP and POP3 alike:
//
//   ScriptedServer server({
//       say("* OK ready\r\n"),
//       expect("([A-Z0-9]+) STARTTLS"),          // a regular expression over the whole line
//       say("$1 OK\r\n* CAPABILITY IMAP4rev1\r\n"),  // $1…$9: what the last expect() captured
//       start_tls(certificate),
//       hang(),
//   });
//   … the client under test against 127.0.0.1:server.port() …
//   EXPECT_EQ(server.deviation(), "");
//
// Each connection runs the script from its start, or the Nth script when several are given (the last
// one again for more connections). A client that departs from the script gets its connection closed,
// and the first departure is kept for deviation().
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/tls_server.h"

namespace twinbox::test {

struct Step {
  enum class Kind { Expect, ExpectRaw, Say, Filler, StartTls, Close, CloseAbruptly, Reset, Hang, Pause, Repeat };
  Kind kind = Kind::Hang;
  std::string text{};  // pattern, or bytes to send
  size_t count = 0;    // bytes, milliseconds or repetitions
  size_t piece = 0;    // send in pieces of this many bytes; 0: at once
  ServerTls tls{};
  std::vector<Step> steps{};  // Repeat
};

// Reads a line (CRLF or LF) and demands that the ECMAScript expression matches all of it.
Step expect(std::string pattern);
// Reads that many bytes, whatever they are (a literal).
Step expect_bytes(size_t count);
// Sends the bytes with $1…$9 replaced ("$$" is a dollar); in pieces if piece > 0, each its own segment.
Step say(std::string bytes, size_t piece = 0);
// Sends `pattern` over and over, `count` bytes in all; never held in memory as a whole.
Step filler(size_t count, std::string pattern = "x");
Step start_tls(const Certificate& certificate);
Step start_tls(ServerTls tls);
Step close();           // orderly
Step close_abruptly();  // FIN without close_notify
Step reset();           // RST
Step hang();            // reads nothing, says nothing, until the client goes
Step pause(size_t milliseconds);
Step repeat(size_t times, std::vector<Step> steps);

class ScriptedServer {
 public:
  using Script = std::vector<Step>;
  explicit ScriptedServer(Script script);
  explicit ScriptedServer(std::vector<Script> scripts);
  // TLS from the first byte of every connection.
  ScriptedServer(ServerTls implicit_tls, std::vector<Script> scripts);
  ~ScriptedServer();

  uint16_t port() const;
  // Waits until every connection accepted so far has ended (its script done and the client gone), at
  // most 20 s, then gives the first departure from a script: what was expected and what came; "" if
  // there was none. A connection that ends in the middle of a script is a departure too, except in hang().
  std::string deviation();
  // All that the clients sent, in order, by connection (decrypted).
  std::vector<std::string> received() const;
  int connections() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace twinbox::test
