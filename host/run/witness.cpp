#include "run/witness.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <ctime>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <span>
#include <string_view>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <type_traits>
#include <unistd.h>

#include "run/child.h"
#include "support/error_stream.h"
#include "support/file.h"
#include "support/system_files.h"

namespace gilscope {
namespace {

// What both processes see. Zero bits: nothing was told. Who writes nothing to `rest` takes no memory for it.
struct Shared {
  std::atomic<bool> is_dismissed;
  std::atomic<std::uint32_t> asked;     // how often
  std::atomic<std::uint32_t> answered;  // the latest of these that was
  std::atomic<pid_t> witness;
  std::size_t answer_size;
  std::array<char, std::size_t{1} << 16U> answer;
  std::size_t rest_size;
  std::array<char, std::size_t{1} << 20U> rest;
};
static_assert(std::is_trivially_copyable_v<Shared>, "never constructed: its first page alone is written to");
Shared* shared = nullptr;

// The longest that it takes to tell all, should nobody take what it says.
constexpr unsigned kPatienceS = 600;

// Of a process that nobody has waited for yet.
std::optional<int> status_of_zombie(pid_t process) {
  const auto stat = read_stat(process);
  if (!stat) return std::nullopt;
  constexpr std::size_t kExitCode = 49;  // the 52nd field
  const auto fields = split(*stat, ' ');
  if (fields.size() <= kExitCode || (fields.front() != "Z" && fields.front() != "X")) return std::nullopt;
  const auto status = parse_unsigned(fields[kExitCode]);
  return status ? std::optional(static_cast<int>(*status)) : std::nullopt;
}

// Of one that was waited for: Linux 6.15 and later. (include/uapi/linux/pidfd.h; not in older headers.)
std::optional<int> status_of_reaped(int pidfd) {
  struct Info {
    std::uint64_t mask;
    std::uint64_t cgroup;
    std::array<std::uint32_t, 11> ids;
    std::int32_t exit_code;
  };
  static_assert(sizeof(Info) == 64);
  constexpr std::uint64_t kExit = std::uint64_t{1} << 3U;
  Info info{.mask = kExit};
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg,bugprone-signed-bitwise)
  if (ioctl(pidfd, _IOWR(0xFF, 11, Info), &info) != 0 || (info.mask & kExit) == 0) return std::nullopt;
  return info.exit_code;
}

// Empty where somebody has waited for it before we looked, and the kernel is older. In between it is neither,
// for as long as who waits needs for a few instructions, on a machine that may be busy.
std::optional<int> status_of(pid_t process, int pidfd) {
  constexpr timespec kMillisecond{.tv_sec = 0, .tv_nsec = 1'000'000};
  for (int tries = 0; tries < 500; ++tries, nanosleep(&kMillisecond, nullptr)) {
    if (const auto status = status_of_zombie(process)) return status;
    if (const auto status = status_of_reaped(pidfd)) return status;
  }
  return std::nullopt;
}

// 0: it looks, and does not wait; -1: for ever.
bool has_ended(int pidfd, int timeout_ms) {
  pollfd ended{.fd = pidfd, .events = POLLIN};
  int count = 0;
  while ((count = poll(&ended, 1, timeout_ms)) < 0 && errno == EINTR) {
  }
  return count > 0;
}

timespec to_timespec(std::chrono::milliseconds time) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(time);
  return {.tv_sec = seconds.count(), .tv_nsec = std::chrono::nanoseconds(time - seconds).count()};
}

// While it has that value, until somebody else changes and wakes it, or that long.
void wait_while(std::atomic<std::uint32_t>& word, std::uint32_t value, std::chrono::milliseconds time) {
  const timespec timeout = to_timespec(time);
  syscall(SYS_futex, &word, FUTEX_WAIT, value, &timeout, nullptr, 0);
}
void wake(std::atomic<std::uint32_t>& word) { syscall(SYS_futex, &word, FUTEX_WAKE, 1, nullptr, nullptr, 0); }

void look_until_end(const WitnessPlan& plan, int pidfd) {
  std::uint32_t answered = 0;
  while (!has_ended(pidfd, 0)) {
    const std::uint32_t asked = shared->asked.load(std::memory_order_acquire);
    const std::string said = plan.look(asked != answered);
    if (asked != answered) {
      shared->answer_size = said.copy(shared->answer.data(), shared->answer.size());
      answered = asked;
      shared->answered.store(asked, std::memory_order_release);
      wake(shared->answered);
    }
    wait_while(shared->asked, asked, plan.interval);
  }
}

// Pipes end when this process closes them, not we.
void close_others(std::vector<int> kept) {
  std::ranges::sort(kept);
  unsigned from = 0;
  for (const int file : kept) {
    const auto number = static_cast<unsigned>(file);
    if (number > from) close_range(from, number - 1, 0);
    from = number + 1;
  }
  close_range(from, ~0U, 0);
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg)
  const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  for (int file = 0; file <= 2; ++file) {
    if (null >= 0 && fcntl(file, F_GETFD) < 0) dup2(null, file);  // NOLINT(cppcoreguidelines-pro-type-vararg)
  }
}

// What ends the programs of a terminal, a session or a service is not meant for it; what Python has set is
// not there any more.
void ignore_signals() {
  for (int number = 1; number < NSIG; ++number) {
    const bool is_fault = number == SIGSEGV || number == SIGBUS || number == SIGFPE || number == SIGILL ||
                          number == SIGABRT || number == SIGALRM;
    std::signal(number, is_fault ? SIG_DFL : SIG_IGN);
  }
  sigset_t none{};
  sigemptyset(&none);
  pthread_sigmask(SIG_SETMASK, &none, nullptr);
}

// The command line is this process's: who looks for that finds it once.
void take_name() {
  constexpr const char* kName = "gilscope-witness";
  prctl(PR_SET_NAME, kName);  // NOLINT(cppcoreguidelines-pro-type-vararg)
  const auto stat = read_stat(getpid());
  if (!stat) return;
  constexpr std::size_t kArgumentsBegin = 45;  // the 48th field, and the next
  const auto fields = split(*stat, ' ');
  if (fields.size() <= kArgumentsBegin + 1) return;
  const auto begin = parse_unsigned(fields[kArgumentsBegin]).value_or(0);
  const auto end = parse_unsigned(fields[kArgumentsBegin + 1]).value_or(0);
  if (begin == 0 || end <= begin) return;
  // NOLINTNEXTLINE(performance-no-int-to-ptr): where the kernel has put them
  const std::span arguments(reinterpret_cast<char*>(begin), end - begin);
  std::ranges::fill(arguments, '\0');
  std::ranges::copy(std::string_view(kName).substr(0, arguments.size() - 1), arguments.begin());
}

void write_rest() {
  const std::string_view rest(shared->rest.data(), std::min(shared->rest_size, shared->rest.size()));
  static_cast<void>(write_patiently(STDERR_FILENO, rest, std::chrono::seconds(kPatienceS)));
}

[[noreturn]] void stay(const WitnessPlan& plan, pid_t process, int pidfd) {
  shared->witness.store(getpid(), std::memory_order_relaxed);
  setsid();
  ignore_signals();
  take_name();
  plan.part();
  auto kept = plan.files;
  kept.insert(kept.end(), {STDERR_FILENO, pidfd});
  close_others(std::move(kept));
  if (plan.look != nullptr) look_until_end(plan, pidfd);
  has_ended(pidfd, -1);
  alarm(kPatienceS);
  if (!shared->is_dismissed.load(std::memory_order_acquire)) {
    plan.tell(end_of_process(status_of(process, pidfd)));
  } else {
    write_rest();
  }
  _exit(0);
}

// Whether what loses its parent comes to this process.
bool is_reaper() {
  int is_subreaper = 0;
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg)
  return getpid() == 1 || prctl(PR_GET_CHILD_SUBREAPER, &is_subreaper) != 0 || is_subreaper != 0;
}

}  // namespace

ProcessEnd end_of_process(std::optional<int> status) {
  if (status && WIFEXITED(*status)) return {.exit_code = WEXITSTATUS(*status), .by = "exit"};
  if (!status || !WIFSIGNALED(*status)) return {.exit_code = {}, .by = "unknown"};
  return {.exit_code = 128 + WTERMSIG(*status), .by = signal_name(WTERMSIG(*status))};
}

// Signals wait meanwhile: no handler of Python's runs in the two. _Fork() runs no other's handlers either;
// and of the one that dies at once no SIGCHLD is seen. A pipe ends when the witness is in place.
bool post_witness(const WitnessPlan& plan) noexcept {
  if (is_reaper() || count_threads() != 1) return false;
  const pid_t process = getpid();
  const auto pidfd = open_pidfd(process);
  void* const memory = mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE,
                            MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  std::array<int, 2> pipe{};
  if (pidfd.get() < 0 || memory == MAP_FAILED || pipe2(pipe.data(), O_CLOEXEC) != 0) return false;
  shared = static_cast<Shared*>(memory);

  sigset_t all{};
  sigset_t before{};
  sigset_t pending{};
  sigset_t death{};
  sigfillset(&all);
  sigemptyset(&death);
  sigaddset(&death, SIGCHLD);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  sigpending(&pending);
  const pid_t first = _Fork();
  if (first == 0) {
    const pid_t second = _Fork();
    if (second != 0) _exit(second < 0 ? 1 : 0);
    stay(plan, process, pidfd.get());
  }
  int status = 1;
  while (first > 0 && waitpid(first, &status, 0) < 0 && errno == EINTR) {
  }
  close(pipe[1]);
  char nothing = 0;
  while (read(pipe[0], &nothing, 1) < 0 && errno == EINTR) {
  }
  close(pipe[0]);
  const timespec at_once{};
  if (first > 0 && sigismember(&pending, SIGCHLD) == 0) sigtimedwait(&death, nullptr, &at_once);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return status == 0;
}

std::optional<std::string> ask_witness(std::chrono::milliseconds patience) noexcept {
  if (shared == nullptr) return std::nullopt;
  const auto until = std::chrono::steady_clock::now() + patience;
  const std::uint32_t number = shared->asked.load(std::memory_order_relaxed) + 1;
  shared->asked.store(number, std::memory_order_release);
  wake(shared->asked);
  for (;;) {
    const std::uint32_t answered = shared->answered.load(std::memory_order_acquire);
    if (answered == number) {
      return std::string(shared->answer.data(), std::min(shared->answer_size, shared->answer.size()));
    }
    if (!is_alive(shared->witness.load(std::memory_order_relaxed))) return std::nullopt;
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
    if (left.count() <= 0) return std::nullopt;
    constexpr std::chrono::milliseconds kBetweenLooks{100};  // whether it is still there
    wait_while(shared->answered, answered, std::min(left, kBetweenLooks));
  }
}

void dismiss_witness(std::string_view rest) noexcept {
  if (shared == nullptr) return;
  shared->rest_size = rest.copy(shared->rest.data(), shared->rest.size());
  shared->is_dismissed.store(true, std::memory_order_release);
}

}  // namespace gilscope
