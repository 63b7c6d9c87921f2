// The table behind providers.h. Facts only: a server, its port, its security. A second source that
// agrees is named too; what no second source confirms says so.
#include <array>

#include "libsync/account/providers.h"

namespace libsync::account {
namespace {

constexpr auto kTls = Security::Tls;
constexpr auto kLocal = UserForm::LocalPart;
constexpr auto kAddress = UserForm::Address;

constexpr std::string_view kIspdb = "Mozilla ISPDB, 2026-11";
constexpr std::string_view kIspdbDelta = "Mozilla ISPDB and Delta Chat provider-db, 2026-11";
constexpr std::string_view kIspdbGuide = "Mozilla ISPDB; POP3 from setup guides, 2026-11";
constexpr std::string_view kDelta = "Delta Chat provider-db, 2026-11";
constexpr std::string_view kDeltaCommon =
    "Delta Chat provider-db; POP3 from the provider's published settings, 2026-11";
constexpr std::string_view kGuide = "setup guides only, not confirmed elsewhere, 2026-11";
constexpr std::string_view kCommon = "the provider's published settings, not in the collected sources, 2026-11";

constexpr std::string_view kAuthCode =
    "switch IMAP or POP3 on in the web settings and use the authorisation code shown there, not the login password";
constexpr std::string_view kSwitchOn = "switch IMAP or POP3 on in the web settings first";
constexpr std::string_view kAppPassword = "needs an app password, made in the account's security settings";
constexpr std::string_view kGmail =
    "needs an app password (with 2-step verification on) or a token_command; POP3 must be switched on in the settings";
constexpr std::string_view kMicrosoft = "passwords are no longer accepted: use a token_command (OAuth 2.0)";
constexpr std::string_view kBridge = "works through Proton's Bridge program on this computer and the password it shows";
constexpr std::string_view kClientPassword =
    "needs a password of its own for mail programs, made in the web settings; IMAP or POP3 must be switched on there";

constexpr std::array kProviders = std::to_array<Provider>({
    // China
    {"NetEase 163", "163.com", {"imap.163.com"}, {"pop.163.com"}, kAddress, kAuthCode, kIspdbGuide},
    {"NetEase 126", "126.com", {"imap.126.com"}, {"pop.126.com"}, kAddress, kAuthCode, kIspdbGuide},
    {"NetEase yeah", "yeah.net", {"imap.yeah.net"}, {"pop.yeah.net"}, kAddress, kAuthCode, kIspdbGuide},
    {"QQ Mail", "qq.com vip.qq.com foxmail.com", {"imap.qq.com"}, {"pop.qq.com"}, kAddress, kAuthCode, kIspdbGuide},
    {"Sina", "sina.com", {"imap.sina.com"}, {"pop.sina.com"}, kAddress, kAuthCode, kGuide},
    {"Sina", "sina.cn", {"imap.sina.cn"}, {"pop.sina.cn"}, kAddress, kAuthCode, kGuide},
    {"Sina VIP", "vip.sina.com", {"imap.vip.sina.com"}, {"pop3.vip.sina.com"}, kAddress, kSwitchOn, kGuide},
    {"Sohu", "sohu.com", {"imap.sohu.com"}, {"pop3.sohu.com"}, kAddress, kAuthCode, kGuide},
    {"Aliyun", "aliyun.com", {"imap.aliyun.com"}, {"pop3.aliyun.com"}, kAddress, kSwitchOn, kDelta},
    {"139 Mail", "139.com", {"imap.139.com"}, {"pop.139.com"}, kAddress, kAuthCode, kGuide},
    {"189 Mail", "189.cn", {"imap.189.cn"}, {"pop.189.cn"}, kAddress, kSwitchOn, kGuide},
    {"21CN", "21cn.com", {"imap.21cn.com"}, {"pop.21cn.com"}, kAddress, kSwitchOn, kGuide},
    {"TOM", "tom.com", {"imap.tom.com"}, {"pop.tom.com"}, kAddress, kSwitchOn, kGuide},
    // World-wide
    {"Gmail",
     "gmail.com googlemail.com google.com",
     {"imap.gmail.com"},
     {"pop.gmail.com"},
     kAddress,
     kGmail,
     kIspdbDelta},
    {"Outlook",
     "outlook.com hotmail.com live.com msn.com windowslive.com office365.com onmicrosoft.com outlook.at outlook.be "
     "outlook.cl outlook.cz outlook.de outlook.dk outlook.es outlook.fr outlook.hu outlook.ie outlook.in outlook.it "
     "outlook.jp outlook.kr outlook.pt outlook.sa outlook.sg outlook.sk outlook.com.ar outlook.com.au outlook.com.br "
     "hotmail.de hotmail.fr hotmail.it hotmail.es hotmail.co.uk hotmail.co.jp live.de live.fr live.nl live.co.uk "
     "live.cn",
     {"outlook.office365.com"},
     {"outlook.office365.com"},
     kAddress,
     kMicrosoft,
     kIspdbDelta},
    {"Yahoo",
     "yahoo.com yahoo.ca yahoo.de yahoo.it yahoo.fr yahoo.es yahoo.se yahoo.co.in yahoo.co.uk yahoo.co.nz yahoo.com.au "
     "yahoo.com.ar yahoo.com.br yahoo.com.mx ymail.com myyahoo.com rocketmail.com cox.net",
     {"imap.mail.yahoo.com"},
     {"pop.mail.yahoo.com"},
     kAddress,
     kAppPassword,
     kIspdbDelta},
    {"AOL",
     "aol.com aim.com netscape.net netscape.com compuserve.com cs.com wmconnect.com aol.de aol.it aol.fr aol.es aol.se "
     "aol.co.uk aol.co.nz aol.com.au aol.com.ar aol.com.br aol.com.mx",
     {"imap.aol.com"},
     {"pop.aol.com"},
     kAddress,
     kAppPassword,
     kIspdbDelta},
    {"Verizon", "verizon.net", {"imap.aol.com"}, {"pop.aol.com"}, kAddress, kAppPassword, kIspdb},
    {"iCloud", "icloud.com me.com mac.com", {"imap.mail.me.com"}, {}, kLocal, kAppPassword, kIspdbDelta},
    {"Fastmail",
     "fastmail.com fastmail.fm fastmail.cn fastmail.co.uk fastmail.com.au fastmail.de fastmail.es fastmail.in "
     "fastmail.jp fastmail.net fastmail.nl fastmail.org fastmail.se fastmail.to fastmail.us messagingengine.com "
     "123mail.org airpost.net eml.cc f-m.fm fastest.cc fastimap.com",
     {"imap.fastmail.com"},
     {"pop.fastmail.com"},
     kAddress,
     kAppPassword,
     kDeltaCommon},
    {"Proton",
     "proton.me protonmail.com protonmail.ch pm.me",
     {"127.0.0.1", Security::StartTls, 1143},
     {},
     kAddress,
     kBridge,
     kCommon},
    {"Zoho", "zoho.com zohomail.com", {"imap.zoho.com"}, {"pop.zoho.com"}, kAddress, kSwitchOn, kIspdb},
    {"Zoho Europe", "zoho.eu zohomail.eu", {"imap.zoho.eu"}, {"pop.zoho.eu"}, kAddress, kSwitchOn, kIspdbDelta},
    {"Zoho India", "zoho.in zohomail.in", {"imap.zoho.in"}, {"pop.zoho.in"}, kAddress, kSwitchOn, kIspdb},
    {"Zoho Japan", "zoho.jp zohomail.jp", {"imap.zoho.jp"}, {"pop.zoho.jp"}, kAddress, kSwitchOn, kIspdb},
    {"Zoho Australia",
     "zoho.com.au zohomail.com.au",
     {"imap.zoho.com.au"},
     {"pop.zoho.com.au"},
     kAddress,
     kSwitchOn,
     kIspdb},
    // Germany, Austria, Switzerland
    {"GMX",
     "gmx.net gmx.de gmx.at gmx.ch gmx.eu gmx.biz gmx.org gmx.info mein.gmx mail.gmx email.gmx",
     {"imap.gmx.net"},
     {"pop.gmx.net"},
     kAddress,
     kSwitchOn,
     kIspdbDelta},
    {"GMX",
     "gmx.com gmx.tm gmx.us gmx.co.uk gmx.es gmx.fr gmx.ca gmx.cn gmx.co.in gmx.com.br gmx.com.my gmx.hk gmx.ie gmx.ph "
     "gmx.pt gmx.ru gmx.se gmx.sg gmx.tw gmx.com.tr gmx.it gmx.li",
     {"imap.gmx.com"},
     {"pop.gmx.com"},
     kAddress,
     kSwitchOn,
     kIspdb},
    {"WEB.DE", "web.de email.de", {"imap.web.de"}, {"pop3.web.de"}, kLocal, kSwitchOn, kIspdbDelta},
    {"T-Online",
     "t-online.de magenta.de",
     {"secureimap.t-online.de"},
     {"securepop.t-online.de"},
     kAddress,
     "needs a password of its own for mail programs, set in the e-mail centre",
     kIspdbDelta},
    {"Posteo",
     "posteo.de posteo.net posteo.org posteo.at posteo.be posteo.ca posteo.ch posteo.com posteo.cz posteo.dk posteo.es "
     "posteo.eu posteo.fi posteo.fr posteo.it posteo.jp posteo.me posteo.nl posteo.no posteo.pl posteo.se posteo.uk",
     {"posteo.de"},
     {"posteo.de"},
     kAddress,
     {},
     kIspdb},
    {"mailbox.org", "mailbox.org", {"imap.mailbox.org"}, {}, kAddress, {}, kDelta},
    {"mail.de", "mail.de", {"imap.mail.de"}, {}, kAddress, {}, kDelta},
    {"Vodafone",
     "vodafonemail.de arcor.de kabelmail.de",
     {"imap.vodafonemail.de"},
     {"pop3.vodafonemail.de"},
     kAddress,
     {},
     kIspdb},
    {"IONOS",
     "online.de onlinehome.de sofortstart.de sofortsurf.de go4more.de",
     {"imap.1und1.de"},
     {"pop.1und1.de"},
     kAddress,
     {},
     kIspdb},
    {"Strato", "strato.de rzone.de", {"imap.strato.de"}, {"pop3.strato.de"}, kAddress, {}, kIspdb},
    {"Systemli", "systemli.org", {"mail.systemli.org"}, {}, kAddress, {}, kDelta},
    {"Swisscom", "bluewin.ch bluemail.ch", {"imaps.bluewin.ch"}, {"pop3s.bluewin.ch"}, kAddress, {}, kIspdb},
    {"A1", "a1.net aon.at", {"securemail.a1.net"}, {}, kAddress, {}, kIspdb},
    // Western Europe
    {"Orange", "orange.fr wanadoo.fr", {"imap.orange.fr"}, {"pop.orange.fr"}, kAddress, {}, kIspdb},
    {"Free", "free.fr", {"imap.free.fr"}, {"pop.free.fr"}, kLocal, {}, kIspdb},
    {"La Poste", "laposte.net", {"imap.laposte.net"}, {"pop.laposte.net"}, kLocal, {}, kIspdb},
    {"SFR", "sfr.fr neuf.fr club-internet.fr", {"imap.sfr.fr"}, {"pop.sfr.fr"}, kAddress, {}, kIspdb},
    {"Mailo", "mailo.com", {"imap.mailo.com"}, {}, kAddress, {}, kDelta},
    {"OVH", "ovh.net", {"ssl0.ovh.net"}, {"ssl0.ovh.net"}, kAddress, {}, kIspdb},
    {"Gandi", "gandi.net", {"mail.gandi.net"}, {"mail.gandi.net"}, kAddress, {}, kIspdb},
    {"Libero",
     "libero.it iol.it blu.it inwind.it giallo.it",
     {"imapmail.libero.it"},
     {"popmail.libero.it"},
     kAddress,
     kClientPassword,
     kIspdb},
    {"Virgilio", "virgilio.it", {"in.virgilio.it"}, {"in.virgilio.it"}, kAddress, kClientPassword, kIspdb},
    {"Tiscali", "tiscali.it", {"imap.tiscali.it"}, {"pop.tiscali.it"}, kAddress, {}, kIspdbDelta},
    {"Proximus",
     "skynet.be proximus.be belgacom.net kidcity.be",
     {"imap.proximus.be"},
     {"pop.proximus.be"},
     kAddress,
     {},
     kIspdb},
    {"BT",
     "btinternet.com btopenworld.com talk21.com",
     {"mail.btinternet.com"},
     {"mail.btinternet.com"},
     kAddress,
     {},
     kIspdb},
    {"Virgin Media", "virginmedia.com", {"imap.virginmedia.com"}, {"pop3.virginmedia.com"}, kAddress, {}, kIspdb},
    {"Sky", "sky.com", {"imap.tools.sky.com"}, {"pop.tools.sky.com"}, kAddress, kAppPassword, kIspdb},
    {"Disroot", "disroot.org", {"disroot.org"}, {}, kLocal, {}, kDelta},
    {"Riseup", "riseup.net", {"mail.riseup.net"}, {}, kAddress, {}, kDelta},
    {"Migadu", "migadu.com", {"imap.migadu.com"}, {}, kAddress, {}, kDelta},
    // Eastern Europe
    {"Mail.ru",
     "mail.ru inbox.ru list.ru bk.ru corp.mail.ru internet.ru",
     {"imap.mail.ru"},
     {"pop.mail.ru"},
     kAddress,
     kAppPassword,
     kIspdbDelta},
    {"Yandex",
     "yandex.ru yandex.com yandex.net yandex.by yandex.kz yandex.ua ya.ru narod.ru",
     {"imap.yandex.com"},
     {"pop.yandex.com"},
     kAddress,
     kClientPassword,
     kIspdbDelta},
    {"Rambler", "rambler.ru", {"imap.rambler.ru"}, {"pop.rambler.ru"}, kAddress, kSwitchOn, kIspdbDelta},
    {"Seznam",
     "seznam.cz email.cz post.cz spoluzaci.cz",
     {"imap.seznam.cz"},
     {"pop3.seznam.cz"},
     kAddress,
     kSwitchOn,
     kIspdb},
    {"Onet",
     "onet.pl onet.eu op.pl vp.pl autograf.pl buziaczek.pl amorki.pl republika.pl onet.com.pl spoko.pl",
     {"imap.poczta.onet.pl"},
     {"pop3.poczta.onet.pl"},
     kAddress,
     kSwitchOn,
     kIspdb},
    {"WP", "wp.pl", {"imap.wp.pl"}, {"pop3.wp.pl"}, kLocal, kSwitchOn, kIspdb},
    {"o2", "o2.pl go2.pl tlen.pl prokonto.pl", {"poczta.o2.pl"}, {"poczta.o2.pl"}, kLocal, kSwitchOn, kIspdb},
    {"Inbox", "inbox.lv", {"mail.inbox.lv"}, {"mail.inbox.lv"}, kAddress, kClientPassword, kIspdb},
    // Americas and Pacific
    {"Comcast", "comcast.net", {"imap.comcast.net"}, {"mail.comcast.net"}, kAddress, kSwitchOn, kIspdb},
    {"AT&T",
     "att.net ameritech.net bellsouth.net currently.com flash.net pacbell.net prodigy.net sbcglobal.net snet.net",
     {"imap.mail.att.net"},
     {"inbound.att.net"},
     kAddress,
     "needs a secure mail key, made in the account's settings",
     kIspdb},
    {"Spectrum",
     "charter.net spectrum.net bresnan.net",
     {"mobile.charter.net"},
     {"mobile.charter.net"},
     kAddress,
     {},
     kIspdb},
    {"UOL", "uol.com.br", {"imap.uol.com.br"}, {"pop3.uol.com.br"}, kLocal, {}, kIspdb},
    {"BOL", "bol.com.br", {"imap.bol.com.br"}, {"pop3.bol.com.br"}, kLocal, {}, kIspdb},
    {"Telstra",
     "bigpond.com bigpond.net.au telstra.com bigpond.net",
     {"imap.telstra.com"},
     {"pop.telstra.com"},
     kAddress,
     {},
     kIspdb},
    // Japan, Korea, India
    {"Naver", "naver.com", {"imap.naver.com"}, {"pop.naver.com"}, kLocal, kSwitchOn, kIspdbDelta},
    {"Daum", "daum.net hanmail.net", {"imap.daum.net"}, {}, kAddress, kAppPassword, kIspdb},
    {"Yahoo Japan", "yahoo.co.jp", {}, {"pop.mail.yahoo.co.jp"}, kLocal, kSwitchOn, kIspdb},
    {"OCN", "ocn.ne.jp ocn.ad.jp", {}, {"pop.ocn.ne.jp"}, kAddress, {}, kIspdb},
    {"BIGLOBE", "biglobe.ne.jp", {}, {"mail.biglobe.ne.jp"}, kAddress, {}, kIspdb},
    {"SoftBank", "i.softbank.jp", {"imap.softbank.jp"}, {}, kLocal, {}, kIspdb},
    {"Rediffmail", "rediffmail.com", {}, {"pop.rediffmail.com"}, kAddress, {}, kIspdb},
});

static_assert(
    [] {
      for (const Provider& provider : kProviders) {
        if (provider.imap.host.empty() && provider.pop3.host.empty()) return false;
        if (provider.imap.security == Security::Plain || provider.pop3.security == Security::Plain) return false;
      }
      return kTls == ProviderServer{}.security;
    }(),
    "a provider has a server, and never an unencrypted one");

}  // namespace

std::span<const Provider> providers() { return kProviders; }

}  // namespace libsync::account
