#include "tests/support/dovecot.h"

#include <filesystem>
#include <fstream>
#include <stdexcept>

#include <boost/json.hpp>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/temp_dir.h"

namespace twinbox::test {
namespace {

namespace json = boost::json;

std::string read_line(std::FILE* from) {
  std::string line;
  for (int c = std::fgetc(from); c != EOF && c != '\n'; c = std::fgetc(from)) line += static_cast<char>(c);
  return line;
}

}  // namespace

bool Dovecot::available() {
  return std::filesystem::exists("/usr/sbin/dovecot") && std::filesystem::exists("/usr/lib/dovecot/pop3-login");
}

Dovecot::Dovecot(const std::vector<std::string>& options) {
  int down[2];
  int up[2];
  if (pipe2(down, O_CLOEXEC) != 0 || pipe2(up, O_CLOEXEC) != 0) throw std::runtime_error("pipe");
  const std::string script = std::string(TWINBOX_SOURCE_DIR) + "/tests/support/dovecot.py";
  std::vector<std::string> words{"python3", script, "--run"};
  words.insert(words.end(), options.begin(), options.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  pid_ = fork();
  if (pid_ == 0) {
    dup2(down[0], 0);
    dup2(up[1], 1);
    execvp(argv[0], argv.data());
    _exit(127);
  }
  close(down[0]);
  close(up[1]);
  to_ = down[1];
  from_ = fdopen(up[0], "r");
  const json::object info = json::parse(read_line(from_)).as_object();
  if (const auto* error = info.if_contains("error")) throw std::runtime_error(json::value_to<std::string>(*error));
  const auto text = [&](const char* key) { return json::value_to<std::string>(info.at(key)); };
  host_ = text("host");
  user_ = text("user");
  password_ = text("password");
  ca_file_ = text("ca_file");
  fingerprint_ = text("fingerprint_sha256");
  for (const auto& [name, port] : info.at("ports").as_object()) ports_[name] = port.to_number<uint16_t>();
}

Dovecot::~Dovecot() {
  close(to_);  // the child ends with its input
  if (from_ != nullptr) std::fclose(from_);
  if (pid_ > 0) waitpid(pid_, nullptr, 0);
}

std::string Dovecot::ask(const std::string& line) {
  const std::string out = line + "\n";
  if (write(to_, out.data(), out.size()) != static_cast<ssize_t>(out.size()))
    throw std::runtime_error("Dovecot is gone");
  const json::object answer = json::parse(read_line(from_)).as_object();
  if (!answer.at("ok").as_bool()) throw std::runtime_error(json::value_to<std::string>(answer.at("error")));
  const auto* output = answer.if_contains("output");
  return output == nullptr ? std::string() : json::value_to<std::string>(*output);
}

void Dovecot::deliver(const std::string& octets, const std::string& folder, const std::vector<std::string>& flags,
                      int64_t date) {
  const TempDir dir;
  const std::string file = dir / "message";
  std::ofstream(file, std::ios::binary) << octets;
  ask(json::serialize(json::object{
      {"do", "deliver"}, {"file", file}, {"folder", folder}, {"flags", json::value_from(flags)}, {"date", date}}));
}

std::string Dovecot::doveadm(const std::vector<std::string>& arguments) {
  return ask(json::serialize(json::object{{"do", "doveadm"}, {"args", json::value_from(arguments)}}));
}

}  // namespace twinbox::test
