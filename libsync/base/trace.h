// The dialogue with a server, for --trace and for tests. Sessions report protocol lines, net reports
// what happens below them.
#pragma once

#include <cstdint>
#include <string_view>

namespace libsync {

enum class TraceKind {
  Note,    // "*": DNS, connect, TLS, COMPRESS, proxy
  Client,  // "C:": a line sent
  Server,  // "S:": a line received
};

// One thread at a time per connection; an implementation shared by connections locks. Text comes
// without its line end, credentials already replaced by ***, literals and message text summed up
// ("(4,096 octets)"); it may hold any other byte: printing it safely is the implementation's job.
class Trace {
 public:
  virtual ~Trace() = default;
  virtual void line(TraceKind kind, std::string_view text) = 0;
};

}  // namespace libsync
