// How fast messages are parsed: the tree, the envelope of a usual header, encoded words, transfer decoding.
#include <benchmark/benchmark.h>

#include "libsync/mime/body.h"
#include "libsync/mime/encoded_word.h"
#include "libsync/mime/envelope.h"
#include "libsync/mime/message.h"

namespace {

using namespace libsync::mime;

constexpr std::string_view kHeader =
    "Return-Path: <bounce+1234@lists.example.org>\r\n"
    "Received: from mx.example.org (mx.example.org [192.0.2.10])\r\n\tby mail.example.net with ESMTPS id abc123\r\n"
    "\tfor <me@example.net>; Mon, 02 Jan 2006 15:04:06 +0700 (ICT)\r\n"
    "Received: from client.example.org ([192.0.2.11])\r\n\tby mx.example.org with ESMTPSA id def456;\r\n"
    "\tMon, 02 Jan 2006 15:04:05 +0700\r\n"
    "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.org; s=key;\r\n"
    "\th=from:to:subject:date:message-id; bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=;\r\n"
    "\tb=dzdVyOfAKCdLXdJOc9G2q8LoXSlEniSbav+yuU4zGeeruD00lszZVoG4ZHRNiYzR\r\n"
    "Date: Mon, 02 Jan 2006 15:04:05 +0700\r\n"
    "From: =?utf-8?B?5byg5LiJ?= <zhang.san@example.org>\r\n"
    "To: \"Doe, John\" <john.doe@example.net>, jane@example.net\r\n"
    "Cc: Team <team@lists.example.org>\r\n"
    "Message-ID: <20060102150405.12345@example.org>\r\n"
    "In-Reply-To: <20060101120000.999@example.net>\r\n"
    "References: <20060101100000.1@example.net>\r\n\t<20060101120000.999@example.net>\r\n"
    "Subject: =?utf-8?B?UmU6IOmhueebrui/m+WxleWSjOS4i+WRqOeahOWuieaOkg==?=\r\n"
    "List-Id: Project <project.lists.example.org>\r\n"
    "MIME-Version: 1.0\r\nUser-Agent: Example/1.0\r\n"
    "Content-Type: multipart/mixed; boundary=\"----=_Part_1\"\r\n\r\n";

std::string message_of(size_t body_bytes) {
  std::string bytes(kHeader);
  bytes +=
      "------=_Part_1\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nHello\r\n------=_Part_1\r\n"
      "Content-Type: application/octet-stream; name=a.bin\r\nContent-Transfer-Encoding: base64\r\n\r\n";
  const std::string line = std::string(76, 'Q') + "\r\n";
  while (bytes.size() < body_bytes) bytes += line;
  return bytes + "------=_Part_1--\r\n";
}

void parse_tree(benchmark::State& state) {
  const std::string bytes = message_of(static_cast<size_t>(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(parse(bytes));
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * bytes.size()));
}
BENCHMARK(parse_tree)->Arg(4 << 10)->Arg(64 << 10)->Arg(16 << 20);

void envelope(benchmark::State& state) {
  Converters converters;
  for (auto _ : state) benchmark::DoNotOptimize(parse_envelope(kHeader, converters));
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * kHeader.size()));
}
BENCHMARK(envelope);

void encoded_word(benchmark::State& state, std::string_view text) {
  Converters converters;
  for (auto _ : state) benchmark::DoNotOptimize(decode_text(text, converters));
}
BENCHMARK_CAPTURE(encoded_word, utf8_base64, "=?utf-8?B?UmU6IOmhueebrui/m+WxleWSjOS4i+WRqOeahOWuieaOkg==?=");
BENCHMARK_CAPTURE(encoded_word, gb2312_base64, "=?gb2312?B?UmU6IMTjusPKwL3n?=");
BENCHMARK_CAPTURE(encoded_word, iso2022jp, "=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=");
BENCHMARK_CAPTURE(encoded_word, latin1_q, "=?iso-8859-1?Q?caf=E9_au_lait?=");
BENCHMARK_CAPTURE(encoded_word, plain, "Re: plans for next week");

void base64_body(benchmark::State& state) {
  const std::string bytes = message_of(1 << 20);
  const Message m = parse(bytes);
  for (auto _ : state)
    decode_body(m, m.parts.back(), [](std::string_view piece) {
      benchmark::DoNotOptimize(piece.data());
      return true;
    });
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * bytes.size()));
}
BENCHMARK(base64_body);

}  // namespace
