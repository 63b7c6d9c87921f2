#include "tools/twinbox/cli.h"

#include <algorithm>
#include <array>
#include <exception>

#include <boost/program_options.hpp>
#include <fmt/format.h>

#include "libsync/base/nearest.h"
#include "libsync/base/text.h"
#include "libsync/base/words.h"

#include "tools/twinbox/command.h"
#include "tools/twinbox/context.h"
#include "tools/twinbox/help.h"

namespace twinbox {

namespace po = boost::program_options;
using libsync::Errc;
using libsync::Error;
using libsync::fail;
using libsync::Result;
using libsync::say;

namespace {

std::unexpected<Error> usage(std::string what, std::string hint = {}) {
  return fail(Error{.code = Errc::Usage, .what = std::move(what), .hint = std::move(hint)});
}

// The words of the command ("account", "add") taken out of the rest.
struct Split {
  std::vector<std::string> words;
  std::vector<std::string> rest;
};

bool takes_value(std::string_view arg) {
  if (!arg.starts_with("--") || arg.contains('=')) return false;
  return std::ranges::any_of(kGlobalOptions,
                             [&](const Option& o) { return o.name == arg.substr(2) && !o.value.empty(); });
}

bool is_group(std::string_view word) {
  return std::ranges::any_of(commands(),
                             [&](const Command* c) { return c->name.starts_with(std::string(word) + " "); });
}

// Only options that work everywhere may stand before the command, so the first other word is it.
Split split(const std::vector<std::string>& args) {
  Split out;
  bool more = true;
  for (size_t i = 0; i < args.size(); ++i) {
    if (more && !args[i].empty() && args[i][0] != '-') {
      out.words.push_back(args[i]);
      more = out.words.size() == 1 && (is_group(args[i]) || args[i] == "help");
      if (args[i] == "help") more = true;
      if (out.words.size() == 2 && out.words[0] == "help") more = is_group(args[i]);
      continue;
    }
    out.rest.push_back(args[i]);
    if (args[i] == "--") more = false;
    if (more && takes_value(args[i]) && i + 1 < args.size()) out.rest.push_back(args[++i]);
  }
  return out;
}

void describe(po::options_description& into, std::span<const Option> options) {
  for (const Option& option : options) {
    const std::string name =
        option.letter != 0 ? fmt::format("{},{}", option.name, option.letter) : std::string(option.name);
    if (option.value.empty()) {
      into.add_options()(name.c_str(), "");
    } else {
      into.add_options()(name.c_str(), po::value<std::string>(), "");
    }
  }
}

std::unexpected<Error> unknown_option(std::string name, const Command* command) {
  std::vector<std::string_view> names;
  for (const Option& option : kGlobalOptions) names.push_back(option.name);
  if (command != nullptr) {
    for (const Option& option : command->options) names.push_back(option.name);
  }
  name.erase(0, name.find_first_not_of('-'));
  if (const size_t end = name.find('='); end != name.npos) name.resize(end);
  const auto near = libsync::nearest(name, names);
  const std::string dashes = name.size() == 1 ? "-" : "--";
  std::string hint = near.empty()
                         ? say("twinbox {}--help lists the options", command ? fmt::format("{} ", command->name) : "")
                         : say("did you mean --{}?", near);
  return usage(say("unknown option {}{}", dashes, libsync::printable(name, 60)), std::move(hint));
}

// "-seen" as the word that it is, before the parser takes it for five options.
std::vector<po::option> take_signed_word(std::vector<std::string>& args) {
  const std::string& word = args.front();
  if (word.size() < 3 || word[0] != '-' || word[1] == '-') return {};
  po::option taken;
  taken.value.push_back(word);
  taken.original_tokens.push_back(word);
  args.erase(args.begin());
  return {std::move(taken)};
}

Result<Arguments> parse(const std::vector<std::string>& args, const Command* command) {
  po::options_description all;
  describe(all, kGlobalOptions);
  if (command != nullptr) describe(all, command->options);
  all.add_options()("words", po::value<std::vector<std::string>>(), "");
  po::positional_options_description positional;
  positional.add("words", -1);
  namespace style = po::command_line_style;
  try {
    po::command_line_parser parser(args);
    parser.options(all).positional(positional).style(style::unix_style & ~style::allow_guessing);
    if (command != nullptr && command->signed_words) parser.extra_style_parser(take_signed_word);
    const auto parsed = parser.run();
    Arguments out;
    for (const auto& option : parsed.options) {
      const std::string value = option.value.empty() ? std::string() : option.value.front();
      if (option.string_key == "words" && option.position_key < 0) return unknown_option("words", command);
      if (option.string_key == "words") {
        out.add_word(value);
      } else {
        out.add(option.string_key, value);
      }
    }
    return out;
  } catch (const po::unknown_option& error) {
    return unknown_option(error.get_option_name(), command);
  } catch (const po::error_with_option_name& error) {
    return usage(libsync::printable(error.what(), 200));
  } catch (const po::error& error) {
    return usage(libsync::printable(error.what(), 200));
  }
}

// "account": add, list, remove.
std::vector<std::string_view> verbs_of(std::string_view group) {
  std::vector<std::string_view> verbs;
  for (const Command* command : commands()) {
    if (command->name.starts_with(std::string(group) + " ")) verbs.push_back(command->name.substr(group.size() + 1));
  }
  return verbs;
}

// "acount add" → "account add", "schedule foo" → nothing: the verb decides where the group is right.
std::string nearest_command(const std::string& first, const std::string& second) {
  std::vector<std::string_view> names;
  for (const Command* command : commands()) names.push_back(command->name.substr(0, command->name.find(' ')));
  const std::string near(is_group(first) ? first : libsync::nearest(first, names));
  if (near.empty() || !is_group(near)) return near;
  const auto verb = libsync::nearest(second, verbs_of(near));
  return verb.empty() ? std::string() : fmt::format("{} {}", near, verb);
}

std::unexpected<Error> unknown_command(const Split& given) {
  const auto& words = given.words;
  const std::string all = fmt::format("{}", fmt::join(words, " "));
  const bool group = is_group(words[0]);
  if (group && words.size() == 1) {
    return usage(say("{} needs one of: {}", words[0], fmt::join(verbs_of(words[0]), ", ")));
  }
  std::string second = words.size() > 1 ? words[1] : std::string();
  for (size_t i = 0; i < given.rest.size(); ++i) {
    if (second.empty() && !given.rest[i].starts_with("-")) second = given.rest[i];
    if (takes_value(given.rest[i])) ++i;
  }
  const std::string near = nearest_command(words[0], second);
  std::string hint = say("twinbox --help lists the commands");
  if (!near.empty()) {
    hint = say("did you mean twinbox {}?", near);
  } else if (group) {
    hint = say("{} takes one of: {}", words[0], fmt::join(verbs_of(words[0]), ", "));
  }
  return usage(say("unknown command \"{}\"", libsync::printable(all, 60)), std::move(hint));
}

Globals globals_of(const Arguments& arguments, const Surroundings& around) {
  const auto no_color = around.environment("NO_COLOR");
  return {.config = arguments.value("config"),
          .json = arguments.has("json"),
          .quiet = arguments.has("quiet"),
          .verbose = arguments.has("verbose"),
          .trace = arguments.has("trace"),
          .color = !arguments.has("no-color") && !(no_color && !no_color->empty())};
}

libsync::Status check_words(const Command& command, const Arguments& arguments) {
  const size_t count = arguments.words().size();
  const std::string form = fmt::format("twinbox {} {}", command.name, command.usage);
  if (count < command.least_words) return usage(say("{} needs more words", command.name), say("write: {}", form));
  if (count > command.most_words) {
    return usage(say("\"{}\" is one word too many", libsync::printable(arguments.word(command.most_words), 60)),
                 say("write: {}", form));
  }
  return {};
}

// What ends here without a command: --version, --help, nothing at all.
std::optional<int> answer_plainly(const Split& given, const Arguments& arguments, const Command* command,
                                  Context& context) {
  if (arguments.has("version")) {
    context.out().line("twinbox " TWINBOX_VERSION);
    return 0;
  }
  const bool help = arguments.has("help");
  if (command != nullptr && help) {
    print_help(context.out(), *command);
    return 0;
  }
  if (given.words.empty()) {
    print_overview(context.out(), help);
    return 0;
  }
  if (help && is_group(given.words[0])) {
    print_group(context.out(), given.words[0]);
    return 0;
  }
  return std::nullopt;
}

Result<int> run_command(Split& given, const Arguments& arguments, const Command* command, Context& context) {
  if (const auto status = answer_plainly(given, arguments, command, context)) return *status;
  if (command == nullptr) return unknown_command(given);
  TB_TRY(check_words(*command, arguments));
  return command->run(context, arguments);
}

// What the command says, and whether all that it printed arrived.
Result<int> run_and_flush(Split& given, const Arguments& arguments, const Command* command, Context& context) {
  auto result = run_command(given, arguments, command, context);
  context.out().flush();
  if (!context.out().closed()) return result;
  // It gave up because its output did: that is what is told, or nothing where nobody reads any more.
  const bool gave_up = !result && result.error().code == Errc::Cancelled && !context.stop().stop_requested();
  if (!result && !gave_up) return result;
  TB_TRY(context.out().status());
  return gave_up ? 0 : result;
}

}  // namespace

int run(const std::vector<std::string>& args, Surroundings& around) {
  Split given = split(args);
  bool help = false;
  if (!given.words.empty() && given.words[0] == "help") {
    given.words.erase(given.words.begin());
    help = true;
  }
  const Command* command = find_command(fmt::format("{}", fmt::join(given.words, " ")));
  auto arguments = parse(given.rest, command);
  if (!arguments && command == nullptr && !given.words.empty()) arguments = Arguments();  // the command is the mistake
  if (!arguments) {
    const bool json = std::ranges::find(args, "--json") != args.end();
    around.err.write(json ? to_line(error_json(arguments.error())) + "\n" : error_text(arguments.error()));
    return exit_status(arguments.error().code);
  }
  if (help) arguments->add("help", "");
  Context context(around, globals_of(*arguments, around));
  try {
    const auto result = run_and_flush(given, *arguments, command, context);
    if (result) return *result;
    context.report(result.error());
    return exit_status(result.error().code);
  } catch (const std::exception& error) {
    const Error defect{.code = Errc::Internal,
                       .what = say("a defect of twinbox: {}", libsync::printable(error.what(), 200))};
    context.report(defect);
    return exit_status(defect.code);
  }
}

}  // namespace twinbox
