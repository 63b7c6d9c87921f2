// APPEND (RFC 9051, section 6.3.12; RFC 3502 MULTIAPPEND; RFC 3516, section 4.4: literal8; RFC 6855, section 4:
// UTF8). The new UIDs come as APPENDUID (RFC 4315, section 3).
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "libsync/imap/command.h"

namespace libsync::imap {

struct AppendMessage {
  std::string flags{};  // our own words: "(\Seen todo)"; empty: none
  std::string date{};   // format_internal_date(); empty: the server's now
  bool utf8 = false;    // 8-bit octets in its header, and UTF8=ACCEPT is enabled: goes as UTF8 (~{n})
  Piece octets{};       // with a source it is the only message, and the command is exclusive
};

// More than one only with MULTIAPPEND: all of them or none.
inline Result<Command> append(std::string_view wire_name, std::span<AppendMessage> messages) {
  CommandBuilder builder(CommandKind::Append, "APPEND");
  builder.astring(wire_name);
  for (AppendMessage& message : messages) {
    if (!message.flags.empty()) builder.raw(" ").raw(message.flags);
    if (!message.date.empty()) builder.raw(" \"").raw(message.date).raw("\"");
    builder.raw(message.utf8 ? " UTF8 (" : " ");
    if (message.utf8) message.octets.binary = true;
    if (message.octets.source != nullptr) builder.exclusive();
    builder.literal(std::move(message.octets));
    if (message.utf8) builder.raw(")");
  }
  return builder.build();
}

}  // namespace libsync::imap
