#include "libsync/account/remote_url.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libsync/account/folder_filter.h"
#include "libsync/account/providers.h"

namespace libsync::account {
namespace {

using testing::HasSubstr;

std::string complaint(std::string_view url) {
  const auto remote = parse_remote(url);
  return remote ? "no complaint" : remote.error().what + " | " + remote.error().hint;
}

TEST(RemoteUrl, ReadsEverySchemeWithItsPort) {
  struct Row {
    const char* url;
    Protocol protocol;
    Security security;
    uint16_t port;
  };
  for (const Row& row : {Row{"imaps://u@h", Protocol::Imap, Security::Tls, 993},
                         Row{"imap+starttls://u@h", Protocol::Imap, Security::StartTls, 143},
                         Row{"imap+plain://u@h", Protocol::Imap, Security::Plain, 143},
                         Row{"pop3s://u@h", Protocol::Pop3, Security::Tls, 995},
                         Row{"pop3+starttls://u@h", Protocol::Pop3, Security::StartTls, 110},
                         Row{"POP3+plain://u@h:40110", Protocol::Pop3, Security::Plain, 40110}}) {
    const auto remote = parse_remote(row.url);
    ASSERT_TRUE(remote) << row.url << ": " << remote.error().what;
    EXPECT_EQ(remote->protocol, row.protocol) << row.url;
    EXPECT_EQ(remote->security, row.security) << row.url;
    EXPECT_EQ(remote->port, row.port) << row.url;
  }
}

TEST(RemoteUrl, TheLastAtSplitsUserAndHost) {
  for (const char* url :
       {"imaps://me@mail.example.org@imap.example.org", "imaps://me%40mail.example.org@imap.example.org/"}) {
    const auto remote = parse_remote(url);
    ASSERT_TRUE(remote) << remote.error().what;
    EXPECT_EQ(remote->user, "me@mail.example.org");
    EXPECT_EQ(remote->host, "imap.example.org");
  }
}

TEST(RemoteUrl, RoundTrips) {
  for (const char* url : {"imaps://me@mail.example.org@imap.example.org", "pop3s://a%3Ab@h:1995",
                          "imap+plain://u@[::1]:143", "imaps://张@qq.com@imap.qq.com", "imaps://100%25@h"}) {
    const auto remote = parse_remote(url);
    ASSERT_TRUE(remote) << url << remote.error().what;
    const auto again = parse_remote(to_url(*remote));
    ASSERT_TRUE(again) << to_url(*remote);
    EXPECT_EQ(*again, *remote);
  }
  EXPECT_EQ(to_url(*parse_remote("imaps://u@h:993")), "imaps://u@h");
  EXPECT_EQ(parse_remote("imap+plain://u@[::1]:40143")->host, "::1");
}

TEST(RemoteUrl, ComplaintsSayWhatToWrite) {
  EXPECT_THAT(complaint("imap://u@h"), HasSubstr("write imaps://, imap+starttls:// or imap+plain://"));
  EXPECT_THAT(complaint("imps://u@h"), HasSubstr("did you mean imaps://?"));
  EXPECT_THAT(complaint("mail.example.org"), HasSubstr("imaps://me@mail.example.org"));
  EXPECT_THAT(complaint("imaps://h"), HasSubstr("write imaps://USER@h"));
  EXPECT_THAT(complaint("imaps://u:secret@h"), HasSubstr("a password does not belong"));
  EXPECT_THAT(complaint("imaps://u:secret@h"), testing::Not(HasSubstr("secret")));
  EXPECT_THAT(complaint("imaps://@h"), HasSubstr("no user name"));
  EXPECT_THAT(complaint("imaps://u@"), HasSubstr("no host name"));
  EXPECT_THAT(complaint("imaps://u@h:0"), HasSubstr("port"));
  for (const char* port : {"65536", "65537", "99999", "4294967295", "18446744073709551617"}) {
    EXPECT_THAT(complaint(std::string("imaps://u@h:") + port), HasSubstr("is not between 1 and 65535")) << port;
  }
  EXPECT_EQ(parse_remote("imaps://u@h:65535")->port, 65535);
  for (const char* bad :
       {"imaps://u@h:70000", "imaps://u@h:x", "imaps://u@h/INBOX", "imaps://u@h?x", "imaps://%0D%0A@h", "imaps://%zz@h",
        "imaps://u%@h", "imaps://u@h h", "imaps://u@h%00", "imaps://u@h%93"}) {
    EXPECT_FALSE(parse_remote(bad)) << bad;
  }
  for (const char* scheme : {"imaps://", "pop3+starttls://"}) {
    EXPECT_TRUE(parse_remote(scheme + std::string(255, 'u') + "@" + std::string(255, 'h')));
    EXPECT_THAT(complaint(scheme + std::string(256, 'u') + "@h"), HasSubstr("the user name is longer than 255 bytes"));
    EXPECT_THAT(complaint(scheme + ("u@" + std::string(256, 'h'))), HasSubstr("is not a host name"));
  }
  EXPECT_THAT(complaint("imaps://u@" + std::string(2100, 'h')), HasSubstr("longer than 2048 bytes"));
  // The longest that are taken can be written and read again.
  const auto longest =
      parse_remote("imap+starttls://" + std::string(255, '>') + "@" + std::string(255, 'h') + ":65535");
  ASSERT_TRUE(longest);
  EXPECT_TRUE(parse_remote(to_url(*longest)));
}

TEST(FolderFilter, StarsStayInsideAComponentAndTwoDoNot) {
  EXPECT_TRUE(matches("inbox", {"INBOX"}));
  EXPECT_TRUE(matches("Archive/*", {"Archive", "2026"}));
  EXPECT_FALSE(matches("Archive/*", {"Archive", "2026", "May"}));
  EXPECT_TRUE(matches("Archive/**", {"Archive", "2026", "May"}));
  EXPECT_FALSE(matches("Archive/**", {"Archive"}));
  EXPECT_TRUE(matches("**/Sent", {"a", "b", "Sent"}));
  EXPECT_TRUE(matches("200?", {"2004"}));
  EXPECT_FALSE(matches("a/b", {"a/b"})) << "a slash in a name is no border";
  EXPECT_FALSE(matches("archive/*", {"Archive", "x"}));
}

TEST(FolderFilter, ExcludeWinsAndNothingIncludedMeansAll) {
  const std::vector<std::string> include = {"INBOX", "Archive/**"}, exclude = {"Archive/Old"};
  EXPECT_TRUE(wanted({"Archive", "New"}, include, exclude));
  EXPECT_FALSE(wanted({"Archive", "Old"}, include, exclude));
  EXPECT_FALSE(wanted({"Drafts"}, include, exclude));
  EXPECT_TRUE(wanted({"Drafts"}, {}, exclude));
}

TEST(FolderFilter, TimeIsBoundedWhateverThePattern) {
  std::string pattern;
  for (int i = 0; i < 500; ++i) pattern += "*a";
  EXPECT_FALSE(matches(pattern, {std::string(1000, 'a') + "b"}));
}

TEST(Providers, CoverTheImportantDomains) {
  size_t domains = 0;
  for (const Provider& provider : providers()) {
    domains += static_cast<size_t>(std::ranges::count(provider.domains, ' ')) + 1;
    EXPECT_FALSE(provider.source.empty()) << provider.name;
    EXPECT_EQ(provider.domains.find_first_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ@,"), std::string_view::npos)
        << provider.domains;
  }
  EXPECT_GE(domains, 60U);
  for (const char* domain : {"163.com",      "126.com",    "yeah.net",    "qq.com",      "foxmail.com", "sina.com",
                             "sohu.com",     "aliyun.com", "gmail.com",   "outlook.com", "yahoo.com",   "icloud.com",
                             "gmx.de",       "web.de",     "t-online.de", "mail.ru",     "yandex.ru",   "zoho.com",
                             "fastmail.com", "proton.me",  "posteo.de",   "mailbox.org", "naver.com",   "daum.net"}) {
    EXPECT_NE(find_provider(domain), nullptr) << domain;
  }
}

TEST(Providers, NoDomainIsListedTwice) {
  std::vector<std::string> seen;
  for (const Provider& provider : providers()) {
    std::string_view rest = provider.domains;
    while (!rest.empty()) {
      const size_t end = std::min(rest.find(' '), rest.size());
      seen.emplace_back(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
  std::ranges::sort(seen);
  const auto twice = std::ranges::adjacent_find(seen);
  EXPECT_TRUE(twice == seen.end()) << *twice;
}

TEST(Providers, EveryRemoteIsAValidAddress) {
  for (const Provider& provider : providers()) {
    const std::string address = "me@" + std::string(provider.domains.substr(0, provider.domains.find(' ')));
    for (const Protocol protocol : {Protocol::Imap, Protocol::Pop3}) {
      const auto remote = remote_for(provider, address, protocol);
      if (!remote) continue;
      const auto parsed = parse_remote(to_url(*remote));
      ASSERT_TRUE(parsed) << to_url(*remote);
      EXPECT_EQ(*parsed, *remote);
    }
  }
}

TEST(Providers, TheUserIsTheAddressOrItsLocalPart) {
  EXPECT_EQ(remote_for(*find_provider("me@163.com"), "me@163.com", Protocol::Imap)->user, "me@163.com");
  EXPECT_EQ(remote_for(*find_provider("Me@WEB.de"), "Me@WEB.de", Protocol::Imap)->user, "Me");
  EXPECT_FALSE(remote_for(*find_provider("icloud.com"), "me@icloud.com", Protocol::Pop3));
  EXPECT_EQ(find_provider("me@example.org"), nullptr);
  EXPECT_EQ(find_provider("me@qq.com vip.qq.com"), nullptr);
  EXPECT_EQ(find_provider(""), nullptr);
}

TEST(Providers, AreKnownByHostAndPort) {
  const auto name = [](std::string_view url) {
    const Provider* provider = find_provider_of(*parse_remote(url));
    return provider == nullptr ? std::string_view("none") : provider->name;
  };
  EXPECT_EQ(name("imaps://me@IMAP.126.com"), "NetEase 126");
  EXPECT_EQ(name("imap+starttls://me@imap.126.com"), "NetEase 126");
  EXPECT_EQ(name("pop3s://me@pop.126.com"), "NetEase 126");
  EXPECT_EQ(name("pop3s://me@imap.126.com"), "none");
  EXPECT_EQ(name("imaps://me@imap.126.com:40993"), "none");
  EXPECT_EQ(name("imap+starttls://me@127.0.0.1:1143"), "Proton");
  EXPECT_EQ(name("imaps://me@127.0.0.1:34935"), "none") << "a server of one's own, not Proton's bridge";
  EXPECT_EQ(name("imaps://me@127.0.0.1"), "none");
  EXPECT_EQ(name("pop3s://me@mail.example.org"), "none");
}

TEST(Providers, FastmailHasPop3) {
  EXPECT_EQ(to_url(*remote_for(*find_provider("fastmail.com"), "me@fastmail.com", Protocol::Pop3)),
            "pop3s://me@fastmail.com@pop.fastmail.com");
}

}  // namespace
}  // namespace libsync::account
