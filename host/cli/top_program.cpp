#include "cli/top_program.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "run/child.h"
#include "support/error.h"

namespace gilscope::cli {
namespace {

constexpr const char* kOutput = "stdout";
constexpr const char* kErrors = "stderr";

// posix_spawn's attributes and actions, freed.
class Spawning {
 public:
  Spawning() {
    posix_spawnattr_init(&attributes_);
    posix_spawn_file_actions_init(&actions_);
    sigset_t defaults;
    sigemptyset(&defaults);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) sigaddset(&defaults, signal);
    posix_spawnattr_setsigdefault(&attributes_, &defaults);
    // Of a group of its own: Ctrl-C on the terminal is ours, and passed on once.
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF);
  }
  Spawning(const Spawning&) = delete;
  Spawning& operator=(const Spawning&) = delete;
  Spawning(Spawning&&) = delete;
  Spawning& operator=(Spawning&&) = delete;
  ~Spawning() {
    posix_spawnattr_destroy(&attributes_);
    posix_spawn_file_actions_destroy(&actions_);
  }

  void open(int descriptor, const std::string& file, int flags) {
    constexpr mode_t kOwner = 0600;
    posix_spawn_file_actions_addopen(&actions_, descriptor, file.c_str(), flags, kOwner);
  }
  void copy(int from, int to) { posix_spawn_file_actions_adddup2(&actions_, from, to); }

  [[nodiscard]] pid_t start(std::vector<std::string> command) const {
    std::vector<char*> pointers;
    for (auto& word : command) pointers.push_back(word.data());
    pointers.push_back(nullptr);
    pid_t pid = -1;
    const int error = posix_spawnp(&pid, pointers.front(), &actions_, &attributes_, pointers.data(), environ);
    if (error != 0) throw Error(command.front() + " cannot be started: " + std::strerror(error), "");
    return pid;
  }

 private:
  posix_spawnattr_t attributes_{};
  posix_spawn_file_actions_t actions_{};
};

void show_file(const std::filesystem::path& path, void (*write)(std::string_view)) {
  std::ifstream file(path, std::ios::binary);
  std::array<char, 65536> buffer{};
  do {
    file.read(buffer.data(), buffer.size());
    write({buffer.data(), static_cast<std::size_t>(file.gcount())});
  } while (file);
}

int code_of(int status) { return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status); }

}  // namespace

TopProgram::TopProgram(TrialProgram host, const std::vector<std::string>& arguments, Output output)
    : output_(output) {
  Spawning spawning;
  spawning.open(STDIN_FILENO, "/dev/null", O_RDONLY);
  if (output == Output::Kept) {
    const int flags = O_WRONLY | O_CREAT | O_APPEND;
    spawning.open(STDOUT_FILENO, folder_.path() / kOutput, flags);
    spawning.open(STDERR_FILENO, folder_.path() / kErrors, flags);
  } else {
    spawning.copy(STDERR_FILENO, STDOUT_FILENO);
  }
  auto& command = host.command;
  command.emplace_back("run");
  command.insert(command.end(), arguments.begin(), arguments.end());
  for (const auto& [name, value] : host.environment) setenv(name.c_str(), value.c_str(), 1);
  std::signal(SIGCHLD, SIG_DFL);  // where it came to us ignored, waitpid would never tell of an end
  pid_ = spawning.start(std::move(command));
}

TopProgram::~TopProgram() {
  if (exit_code()) return;
  interrupt(SIGINT);
  wait();
}

std::optional<int> TopProgram::exit_code() noexcept {
  int status = 0;
  if (!exit_code_ && waitpid(pid_, &status, WNOHANG) == pid_) exit_code_ = code_of(status);
  return exit_code_;
}

void TopProgram::interrupt(int signal) noexcept {
  if (!exit_code()) kill(-pid_, signal);
}

int TopProgram::wait() noexcept {
  while (!exit_code()) {
    const InterruptGuard fresh;  // a second Ctrl-C is passed on as well
    int status = 0;
    const auto ended = waitpid(pid_, &status, 0);
    if (ended == pid_) exit_code_ = code_of(status);
    if (ended < 0 && errno != EINTR) exit_code_ = EXIT_FAILURE;
    if (const auto signal = InterruptGuard::signal()) interrupt(*signal);
  }
  return *exit_code_;
}

void TopProgram::show_output() const {
  if (output_ != Output::Kept) return;
  show_file(folder_.path() / kOutput, [](std::string_view text) { print(text); });
  show_file(folder_.path() / kErrors, [](std::string_view text) { print_error(text); });
}

}  // namespace gilscope::cli
