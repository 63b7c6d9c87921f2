#!/usr/bin/env python3
"""The checks of this folder can fail: each is run on small trees that break one rule."""

import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
MARK = "TO" + "DO"
NOTE = "DESI" + "GN"
PLACE = "/roo" + "t/mail"

CONFIG_PAGE = "| `jobs` | number | `jobs = 2` |\n| `remote` | address | `remote = \"imaps://…\"` |\n"
BUG = '[{}]\nstory = "s"\nfile = "libsync/mime/date.h"\nbefore = "Date"\nafter = "int"\ntests = ["{}"]\n'
BUGS = "".join(BUG.format(f"b{number}", "A.B") for number in range(12))
HOSTILE = "| comes | does | shown by |\n|---|---|---|\n| lies | nothing | {} |\n"

DEV = r"""packages='
bash  | it runs in
'
forbid_services() {
  policy_is_ours=
  if [ -e "$policy" ]; then mv "$policy" "$policy.aside"; fi
  printf '#!/bin/sh\nexit 101\n' >"$policy"; chmod 755 "$policy"
}
allow_services() {
  rm -f "$policy"
  if [ -e "$policy.aside" ]; then mv "$policy.aside" "$policy"; fi
}
help() { printf '  build  builds\n  help  this\n  setup  sets up\n'; }
verb=${1:-help}; [ $# = 0 ] || shift
case $verb in
  build) [ $# = 0 ] || { echo "tools/dev: no" >&2; exit 1; } ;;
  setup) [ $# = 0 ] || { echo "tools/dev: no" >&2; exit 1; }; echo "setup: all 1 packages are there" ;;
  help) help ;;
  *) echo "tools/dev: no" >&2; exit 1 ;;
esac
"""

SOUND = {
    "tools/dev": DEV,
    "CMakeLists.txt": "project(x)\n",
    "libsync/CMakeLists.txt": "twinbox_layer(base LINK fmt::fmt)\ntwinbox_layer(mime DEPS base)\n"
                              "twinbox_layer(imap DEPS base mime)\ntwinbox_layer(net DEPS base)\n"
                              "twinbox_layer(account DEPS base)\n",
    "libsync/base/text.h": "#include <string>\n",
    "libsync/mime/part.h": '#include "libsync/base/text.h"\n#include "libsync/mime/date.h"\n',
    "libsync/imap/grammar.h": '#include "libsync/mime/part.h"\n',
    "libsync/net/connect.cc": "#include <boost/asio.hpp>\n#include <sys/socket.h>\n",
    "tests/CMakeLists.txt": "foreach(layer base mime imap net account)\n  twinbox_test(unit ${layer})\nendforeach()\n",
    "tests/unit/net/connect_test.cc": "TEST(A, B) {}\n",
    "tests/unit/account/config_test.cc": "TEST(A, B) {}\n",
    "libsync/mime/date.h": "Date parse_date(std::string_view text);\n",
    "tests/fuzz/fuzz_part.cc": '#include "libsync/mime/part.h"\nextern "C" int LLVMFuzzerTestOneInput() {}\n',
    "tests/fuzz/parsers.txt": "# header target\nlibsync/mime/date.h part\n",
    "tests/fuzz/seeds/part/plain": "Subject: x\n",
    "libsync/account/config.cc": 'constexpr std::array<Key, 1> kAccountKeys = {{\n    {"remote", set_remote},\n}};\n'
                                 'kTopKeys = {{{"jobs", nullptr}}};\n',
    "docs/configuration.md": CONFIG_PAGE,
    "libsync/imap/quirks.h": "enum class Quirk : uint8_t {\n  LfOnly,\n  kCount,\n};\n",
    "libsync/imap/limits.h": "struct Limits {\n  size_t response = 5;\n  size_t depth = kDepth;\n};\n"
                             "inline constexpr size_t kDepth = 3;\n",
    "tests/unit/imap/quirks_test.cc": "TEST(ImapQuirks, LfOnly) { f({.response = 1}, kDepth); }\n",
    "docs/hostile.md": HOSTILE.format("`A.B`, `test_a.py Lies.test_one`"),
    "tests/e2e/test_a.py": "class Lies:\n    def test_one(self):\n        pass\n",
    "tests/planted/bugs.toml": BUGS, "docs/testing.md": "".join(f"`b{number}`" for number in range(12)),
    "tools/a": "\n", "plugins/a": "\n", "bench/a": "\n", "docs/a.md": "no harm in a todo-list, in a path/root/x,\n"
    "in `libsync/base`, `libsync/NAME.cc`, `libsync/**`, [this](../docs/a.md#part), [that](https://example.org/x)\n",
}

# (check, what is laid over the sound tree; None takes away, words that the complaint holds)
BROKEN = [
    ("check_includes", {"libsync/base/text.h": '#include "libsync/mime/part.h"\n'}, "base may include nothing, not mime"),
    ("check_includes", {"libsync/mime/part.h": "#  include <sys/socket.h>\n"}, "mime has no I/O"),
    ("check_includes", {"libsync/imap/grammar.h": '#include <sqlite3.h>\n'}, "imap has no I/O"),
    ("check_includes", {"libsync/mime/part.cc": "#include <boost/asio/ip/tcp.hpp>\n"}, "heavy headers"),
    ("check_includes", {"libsync/net/connect.h": "#include <boost/beast/http.hpp>\n"}, "heavy headers"),
    ("check_includes", {"libsync/mime/part.h": '#include "tools/twinbox/cli.h"\n'}, "libsync never includes tools"),
    ("check_includes", {"libsync/mime/part.h": '#include "libsync/base/none.h"\n'}, "there is no such file"),
    ("check_includes", {"libsync/mime/tree.h": '#include "part.h"\n'}, "write the whole path"),
    ("check_includes", {"tools/twinbox/a.cc": "#include <boost/asio.hpp>\n"}, "heavy headers"),
    ("check_includes", {"libsync/account/a.cc": "#include <netdb.h>\n"}, "sockets: net only, not account"),
    ("check_includes", {"tools/twinbox/a.cc": "#include <netinet/in.h>\n"}, "sockets: net only, not tools"),
    ("check_includes", {"libsync/base/a.cc": "#include <openssl/ssl.h>\n"}, "TLS: net only, not base"),
    ("check_includes", {"libsync/account/a.cc": "#include <openssl/evp.h>\n"}, "OpenSSL: base, net, sasl only"),
    ("check_includes", {"libsync/net/a.cc": "#include <sqlite3.h>\n"}, "SQLite: store only, not net"),
    ("check_includes", {"tools/twinbox/a.cc": "#include <sqlite3.h>\n"}, "SQLite: store only, not tools"),
    ("check_includes", {"libsync/net/a.cc": "#include <zstd.h>\n"}, "zstd: store only"),
    ("check_includes", {"libsync/base/a.cc": "#include <zlib.h>\n"}, "zlib: net only"),
    ("check_includes", {"libsync/imap/a.cc": "#include <fstream>\n"}, "imap has no I/O"),
    ("check_includes", {"libsync/mime/a.cc": "#include <unistd.h>\n"}, "mime has no I/O"),
    ("check_includes", {"libsync/mime/part.hpp": "\n"}, "part.hpp: sources here end in"),
    ("check_includes", {"libsync/net/connect.cpp": "#include <sqlite3.h>\n"}, "connect.cpp: sources here end in"),
    ("check_includes", {"libsync/extra/a.h": "\n"}, "not in a layer"),
    ("check_includes", {"libsync/CMakeLists.txt": "twinbox_layer(base DEPS mime)\n"}, "does not come before it"),
    ("check_folders", {"scripts/a.sh": "\n"}, "scripts/: a top-level folder"),
    ("check_folders", {"bench/a": None}, "bench/: missing"),
    ("check_folders", {"notes.txt": "\n"}, "notes.txt: does not belong"),
    ("check_words", {"docs/a.md": f"{MARK}: write this\n"}, "docs/a.md:1: " + MARK),
    ("check_words", {"libsync/base/text.h": f'\n"{PLACE}"\n'}, "libsync/base/text.h:2"),
    ("check_words", {"libsync/base/text.h": f"// as {NOTE} 4 says\n"}, "libsync/base/text.h:1: " + NOTE),
    ("check_words", {"libsync/mime/part.h": f"// ({NOTE}.md)\n"}, "not in the repository"),
    ("check_docs", {"docs/a.md": "see [that](none.md)\n"}, "none.md is not there"),
    ("check_docs", {"docs/a.md": "see `libsync/base/none.h`\n"}, "libsync/base/none.h is not there"),
    ("check_docs", {"docs/a.md": "type `tools/dev` or `tools/none`\n"}, "tools/none is not there"),
    ("check_config", {"docs/configuration.md": "| `jobs` | number | `jobs = 2` |\n"}, "no row for the key remote"),
    ("check_config", {"docs/configuration.md": CONFIG_PAGE + "| `colour` | text | `colour = 1` |\n"}, "colour is no key"),
    ("check_config", {"docs/configuration.md": CONFIG_PAGE.replace("remote = ", "")}, "the row of remote has no example"),
    ("check_config", {"libsync/account/config.cc": "\n"}, "no table of keys"),
    ("check_dev", {"tools/dev": DEV.replace("  build  builds\\n", "")}, "help does not list build"),
    ("check_dev", {"tools/dev": DEV.replace("build  builds", "build  builds\\n  fly  flies")}, "help lists fly"),
    ("check_dev", {"tools/dev": DEV.replace("*) echo", "*) exit 0; echo")}, "nonsense: not refused"),
    ("check_dev", {"tools/dev": DEV.replace("bash  |", "bash  | a shell\nbash  |")}, "bash is in its table twice"),
    ("check_dev", {"tools/dev": DEV.replace("| it runs in", "|")}, "says no reason"),
    ("check_dev", {"tools/dev": DEV + "\nunpacked='\nshell | bash\n'\n"}, "bash is installed and need not be unpacked"),
    ("check_dev", {"tools/dev": DEV.replace("exit 101", "exit 0")}, "services may start"),
    ("check_dev", {"tools/dev": DEV.replace("rm -f", ": ")}, "is afterwards {'policy-rc.d'"),
    ("check_named", {"tests/unit/imap/quirks_test.cc": "TEST(Imap, LfOnly) { f({.response = 1}, kDepth); }\n"},
     "LfOnly has no TEST(ImapQuirks, LfOnly)"),
    ("check_named", {"tests/unit/imap/quirks_test.cc": "TEST(ImapQuirks, LfOnly) { f({.response = 1}); }\n"},
     "names the limit kDepth"),
    ("check_named", {"tests/unit/imap/quirks_test.cc": "TEST(ImapQuirks, LfOnly) { f(kDepth, response); }\n"},
     "names the limit response"),
    ("check_hostile", {"docs/hostile.md": HOSTILE.format("none")}, "the row names no test: lies"),
    ("check_hostile", {"docs/hostile.md": HOSTILE.format("`A.C`")}, "hostile.md:3: there is no test A.C"),
    ("check_hostile", {"docs/hostile.md": HOSTILE.format("`test_a.py Lies.test_two`")}, "no test test_a.py Lies.test_two"),
    ("check_hostile", {"docs/hostile.md": HOSTILE.format("`test_b.py Lies.test_one`")}, "no test test_b.py Lies.test_one"),
    ("check_hostile", {"tests/e2e/test_a.py": "class Lies:\n    pass\n"}, "no test test_a.py Lies.test_one"),
    ("check_hostile", {"docs/hostile.md": "nothing\n"}, "holds no row"),
    ("check_hostile", {"docs/hostile.md": None}, "docs/hostile.md is not there"),
    ("check_planted", {"tests/planted/bugs.toml": BUGS + BUG.format("b12", "A.B")}, "does not list the bug `b12`"),
    ("check_planted", {"tests/planted/bugs.toml": BUGS.replace("A.B", "A.C")}, "b0: there is no test A.C"),
    ("check_planted", {"tests/planted/bugs.toml": BUGS.replace("A.B", "test_b.py -k x")}, "there is no test test_b.py -k x"),
    ("check_planted", {"tests/planted/bugs.toml": BUGS.replace('["A.B"]', "[]")}, "b0 names no test"),
    ("check_planted", {"libsync/mime/date.h": "Day parse_date(std::string_view text);\n"}, "stands 0 times in"),
    ("check_planted", {"tests/planted/bugs.toml": BUG.format("b0", "A.B")}, "holds 1 bugs, fewer than 12"),
    ("check_planted", {"tests/planted/bugs.toml": None}, "bugs.toml is not there"),
    ("check_fuzz", {"tests/fuzz/seeds/part/plain": None}, "no seeds"),
    ("check_fuzz", {"tests/fuzz/seeds/other/plain": "x"}, "there is no"),
    ("check_fuzz", {"tests/fuzz/fuzz_part.cc": "int main() {}\n"}, "no LLVMFuzzerTestOneInput"),
    ("check_fuzz", {"tests/fuzz/parsers.txt": None}, "date.h: reads text, and has no row"),
    ("check_fuzz", {"libsync/net/wire.h": "  void feed(std::string_view bytes);\n"}, "wire.h: reads text, and has no row"),
    ("check_fuzz", {"tests/fuzz/parsers.txt": "libsync/mime/date.h other\n"}, "there is no tests/fuzz/fuzz_other.cc"),
    ("check_fuzz", {"libsync/mime/date.h": None}, "libsync/mime/date.h is not there"),
    ("check_fuzz", {"libsync/mime/part.h": "\n"}, "fuzz_part.cc never comes to libsync/mime/date.h"),
    ("check_tests", {"tests/unit/colour/a_test.cc": "TEST(A, B) {}\n"}, "colour is not a layer"),
    ("check_tests", {"tests/unit/net/deep/a_test.cc": "TEST(A, B) {}\n"}, "not directly in"),
    ("check_tests", {"tests/unit/net/connect_test.cc": "int x;\n"}, "holds no test"),
    ("check_tests", {"libsync/mime/part.cc": "\n"}, "libsync/mime: has code but no tests"),
    ("check_tests", {"tests/CMakeLists.txt": "foreach(layer base)\n  twinbox_test(unit ${layer})\nendforeach()\n"},
     "builds no unit tests of net"),
]


def outcome(check, changes):
    with tempfile.TemporaryDirectory() as root:
        for name, content in {**SOUND, **changes}.items():
            if content is None:
                continue
            path = os.path.join(root, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as file:
                file.write(content)
        done = subprocess.run((sys.executable, os.path.join(HERE, check + ".py"), root), capture_output=True, text=True,
                              check=False)
        return done.returncode, done.stdout + done.stderr


def main():
    wrong = []
    every = sorted(name[:-3] for name in os.listdir(HERE) if name.startswith("check_") and name.endswith(".py"))
    every.remove("check_checks")
    for check in every:
        status, words = outcome(check, {})
        if status:
            wrong.append(f"{check} complains about a sound tree: {words}")
        if check not in {row[0] for row in BROKEN}:
            wrong.append(f"{check}: no broken tree is tried on it")
    for check, changes, expected in BROKEN:
        status, words = outcome(check, changes)
        if status != 1 or expected not in words:
            wrong.append(f"{check} with {sorted(changes)}: status {status}, wanted 1 and \"{expected}\"; it said: {words}")
    print("\n".join(wrong) if wrong else f"{len(BROKEN)} broken trees, each found")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
