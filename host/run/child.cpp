#include "run/child.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <poll.h>
#include <set>
#include <span>
#include <string_view>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/core.h>

#include "support/error.h"
#include "support/file.h"

namespace gilscope {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::array kInterrupts{SIGINT, SIGTERM, SIGHUP};
// How often the end of a child is looked for that keeps its pipes open (a grandchild may hold them).
constexpr int kPollMilliseconds = 20;
// What a child that ran out of time gets for its last words: on SIGABRT, faulthandler writes where it hangs.
constexpr auto kLastWords = std::chrono::seconds(1);

volatile std::sig_atomic_t received_signal = 0;
std::array<struct sigaction, kInterrupts.size()> previous_actions;

void receive_signal(int number) { received_signal = number; }

struct Pipe {
  FileDescriptor read;
  FileDescriptor write;
};

Pipe make_pipe() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) {
    throw Error(std::string("no pipe for a child process: ") + std::strerror(errno), "");
  }
  return {FileDescriptor(ends[0]), FileDescriptor(ends[1])};
}

struct Streams {
  ChildOutput output;
  std::optional<off_t> input;  // from where on this process's standard input is read
  Pipe written;
  Pipe errors;
};

// Where a file is our standard input, how far it was read; empty where it is something else.
std::optional<off_t> find_input() {
  struct stat status{};
  if (fstat(STDIN_FILENO, &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
  const off_t at = lseek(STDIN_FILENO, 0, SEEK_CUR);
  return at < 0 ? std::nullopt : std::optional(at);
}

// With an offset of its own: several children may read it, one after the other. Between fork and exec.
int open_again(int descriptor, off_t offset) {
  std::array<char, 24> path{};
  constexpr std::string_view kFolder = "/proc/self/fd/";
  std::ranges::copy(kFolder, path.begin());
  path[kFolder.size()] = static_cast<char>('0' + descriptor);
  const int again = open(path.data(), O_RDONLY);  // NOLINT(cppcoreguidelines-pro-type-vararg)
  if (again >= 0) lseek(again, offset, SEEK_SET);
  return again;
}

// Runs in the child between fork and exec.
[[noreturn]] void become(std::vector<char*>& arguments, std::vector<char*>& environment,
                         const Streams& streams) {
  setsid();  // Ctrl-C on the terminal is for the parent, who then ends this whole group
  prctl(PR_SET_PDEATHSIG, SIGKILL);  // the parent killed: the child goes too
  const rlimit no_core{0, 0};        // a crash is a row of a table here, not a file in the user's folder
  setrlimit(RLIMIT_CORE, &no_core);
  for (const int number : kInterrupts) std::signal(number, SIG_DFL);
  std::signal(SIGPIPE, SIG_DFL);
  std::signal(SIGCHLD, SIG_DFL);
  const int null = open("/dev/null", O_RDWR);  // NOLINT(cppcoreguidelines-pro-type-vararg)
  if (null < 0) _exit(127);
  const int input = streams.input ? open_again(STDIN_FILENO, *streams.input) : null;
  dup2(input >= 0 ? input : null, STDIN_FILENO);
  if (streams.output != ChildOutput::Shown) {
    dup2(streams.output == ChildOutput::Read ? streams.written.write.get() : null, STDOUT_FILENO);
    dup2(streams.errors.write.get(), STDERR_FILENO);
  }
  if (input > STDERR_FILENO && input != null) close(input);
  if (null > STDERR_FILENO) close(null);
  execve(arguments.front(), arguments.data(), environment.data());
  const char* reason = strerrordesc_np(errno);  // unlike strerror, takes no lock and no memory
  for (const char* text : {static_cast<const char*>(arguments.front()), ": ", reason, "\n"}) {
    if (write(STDERR_FILENO, text, std::strlen(text)) < 0) break;
  }
  _exit(127);
}

std::vector<char*> pointers_to(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (const auto& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

std::vector<std::string> environment_with(const std::vector<std::pair<std::string, std::string>>& changes) {
  std::vector<std::string> variables;
  // clearenv(), which os.environ.clear() calls from 3.15 on, leaves no list at all.
  for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
    const std::string text = *variable;
    const auto is_changed = [&](const auto& change) { return text.starts_with(change.first + "="); };
    if (std::ranges::none_of(changes, is_changed)) variables.push_back(text);
  }
  for (const auto& [name, value] : changes) variables.push_back(name + "=" + value);
  return variables;
}

pid_t start(const ChildCommand& command, const Streams& streams) {
  const auto environment = environment_with(command.environment);
  auto argument_pointers = pointers_to(command.arguments);
  auto environment_pointers = pointers_to(environment);
  const pid_t child = fork();
  if (child < 0) throw Error(std::string("no child process: ") + std::strerror(errno), "");
  if (child == 0) become(argument_pointers, environment_pointers, streams);
  return child;
}

// Reads what is there; false at the end of the stream.
bool read_available(int descriptor, std::string& text) {
  std::array<char, 65536> buffer{};
  const auto count = read(descriptor, buffer.data(), buffer.size());
  if (count > 0) text.append(buffer.data(), static_cast<std::size_t>(count));
  return count > 0 || (count < 0 && (errno == EINTR || errno == EAGAIN));
}

void keep_tail(std::string& text, std::size_t size) {
  if (text.size() > size) text.erase(0, text.size() - size);
}

// The children that this thread, the main one, started or was left with as their reaper.
std::set<pid_t> children() {
  std::set<pid_t> found;
  const auto self = std::to_string(getpid());
  std::ifstream file("/proc/" + self + "/task/" + self + "/children");
  for (pid_t child = 0; file >> child;) found.insert(child);
  return found;
}

// Ends what is left of the child's: its process group, and (this process being their reaper) orphans of it
// that had left the group. `known` are children of this process that were there before.
void sweep(pid_t group, const std::set<pid_t>& known) {
  while (true) {
    kill(-group, SIGKILL);
    bool found = false;
    for (const pid_t child : children()) {
      if (known.contains(child)) continue;
      found = true;
      kill(child, SIGKILL);
      waitpid(child, nullptr, 0);
    }
    if (!found) return;
  }
}

Nanoseconds time_of(const timeval& time) {
  return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec);
}

void set_end(ChildResult& result, int status) {
  result.end = WIFSIGNALED(status) ? ChildResult::End::Signalled : ChildResult::End::Exited;
  result.code = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace

FileDescriptor open_pidfd(pid_t process) noexcept {
  return FileDescriptor(static_cast<int>(syscall(SYS_pidfd_open, process, 0)));
}

std::string signal_name(int number) {
  const char* const name = sigabbrev_np(number);
  return name == nullptr ? fmt::format("signal {}", number) : fmt::format("SIG{}", name);
}

std::string last_line(const std::string& text) {
  const auto end = text.find_last_not_of(" \n\r");
  if (end == std::string::npos) return "";
  const auto begin = text.find_last_of('\n', end);
  return text.substr(begin + 1, end - begin);
}

ChildResult run_child(const ChildCommand& command) {
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  std::signal(SIGCHLD, SIG_DFL);  // where it came to us ignored, waitpid would never tell of an end
  const auto known = children();
  Streams streams{.output = command.output,
                  .input = command.takes_input ? find_input() : std::nullopt,
                  .written = make_pipe(),
                  .errors = make_pipe()};
  const auto begin = SteadyClock::now();
  const pid_t child = start(command, streams);
  streams.written.write.close();
  streams.errors.write.close();
  for (const auto* pipe : {&streams.written, &streams.errors}) fcntl(pipe->read.get(), F_SETFL, O_NONBLOCK);
  // Tells of the end at once, whoever has the pipes. (Without it, it is looked for now and then.)
  const auto end_of_child = open_pidfd(child);

  ChildResult result;
  bool ended = false;
  bool is_late = false;
  auto limit = SteadyClock::now() + command.timeout;
  std::array<pollfd, 3> polled{{{streams.written.read.get(), POLLIN, 0},
                                {streams.errors.read.get(), POLLIN, 0},
                                {end_of_child.get(), POLLIN, 0}}};
  const auto drain = [&] {
    for (auto& [descriptor, events, happened] : std::span(polled).first<2>()) {
      if (descriptor < 0 || happened == 0) continue;
      auto& text = descriptor == streams.written.read.get() ? result.output : result.errors;
      if (!read_available(descriptor, text)) descriptor = -1;
    }
    keep_tail(result.errors, kErrorTail);
  };
  while (!ended) {
    poll(polled.data(), polled.size(), kPollMilliseconds);
    drain();
    int status = 0;
    rusage usage{};
    if (wait4(child, &status, WNOHANG, &usage) == child) {
      result.wall = SteadyClock::now() - begin;
      result.cpu = time_of(usage.ru_utime) + time_of(usage.ru_stime);
      if (!is_late) set_end(result, status);
      ended = true;
    } else if (InterruptGuard::signal() && result.end != ChildResult::End::Interrupted) {
      result.end = ChildResult::End::Interrupted;
      result.code = *InterruptGuard::signal();
      ended = command.grace == Nanoseconds::zero();
      is_late = true;
      limit = SteadyClock::now() + command.grace;
      kill(child, result.code);
    } else if (SteadyClock::now() >= limit) {
      ended = is_late;
      if (ended) continue;
      is_late = true;
      result.end = ChildResult::End::TimedOut;
      limit = SteadyClock::now() + kLastWords;
      kill(child, SIGABRT);
    } else if (result.output.size() > kMaxOutput) {
      sweep(child, known);
      throw Error("a child process printed more than 64 MiB where only its record belongs", "");
    }
  }
  sweep(child, known);
  // What it had written before it ended is still in the pipes.
  while (poll(polled.data(), 2, 0) > 0) drain();
  return result;
}

InterruptGuard::InterruptGuard() {
  received_signal = 0;
  struct sigaction action{};
  action.sa_handler = receive_signal;  // no SA_RESTART: poll must return
  for (std::size_t i = 0; i < kInterrupts.size(); ++i) {
    sigaction(kInterrupts[i], nullptr, &previous_actions[i]);
    // What nohup, or a shell's background, had us ignore stays ignored.
    if (previous_actions[i].sa_handler != SIG_IGN) sigaction(kInterrupts[i], &action, nullptr);
  }
}

InterruptGuard::~InterruptGuard() {
  for (std::size_t i = 0; i < kInterrupts.size(); ++i)
    sigaction(kInterrupts[i], &previous_actions[i], nullptr);
  received_signal = 0;
}

std::optional<int> InterruptGuard::signal() noexcept {
  return received_signal == 0 ? std::nullopt : std::optional<int>(received_signal);
}

}  // namespace gilscope
