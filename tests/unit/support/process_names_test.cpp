#include <algorithm>
#include <cerrno>
#include <cstring>
#include <future>
#include <pthread.h>
#include <string>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include <gtest/gtest.h>

#include "support/kernel_name.h"
#include "support/process_title.h"

namespace gilscope {
namespace {

// What `read` says of a thread that was made so, while it lives.
template <typename Prepare, typename Read>
std::string ask_of_thread(Prepare prepare, Read read) {
  std::promise<pid_t> prepared;
  std::promise<void> done;
  std::thread thread([&] {
    prepare();
    prepared.set_value(gettid());
    done.get_future().wait();
  });
  const std::string said{view_of(read(prepared.get_future().get()))};
  done.set_value();
  thread.join();
  return said;
}

void name_caller(const char* name) { pthread_setname_np(pthread_self(), name); }

TEST(KernelName, is_that_of_a_thread_as_others_and_itself_see_it) {
  EXPECT_EQ(ask_of_thread([] { name_caller("decoder-1"); }, read_own_name), "decoder-1");
  EXPECT_EQ(ask_of_thread([] { name_caller("fifteen letters"); }, read_own_name), "fifteen letters");
  std::string own;
  std::thread([&] {
    name_caller("fifteen letters");
    own = view_of(read_own_name(gettid()));
  }).join();
  EXPECT_EQ(own, "fifteen letters");
}

TEST(KernelName, is_no_own_one_where_it_is_that_of_the_process_now_or_at_its_start) {
  const std::string start{view_of(read_kernel_name(getpid()))};
  EXPECT_FALSE(start.empty());
  EXPECT_EQ(ask_of_thread([] {}, read_own_name), "");
  EXPECT_EQ(ask_of_thread([] {}, read_kernel_name), start);
  EXPECT_EQ(view_of(read_own_name(getpid())), "");
  name_caller("renamed");
  EXPECT_EQ(ask_of_thread([] {}, read_own_name), "");
  EXPECT_EQ(ask_of_thread([&] { name_caller(start.c_str()); }, read_own_name), "");
  EXPECT_EQ(view_of(read_own_name(getpid())), "");
  name_caller(start.c_str());
}

TEST(KernelName, is_empty_of_a_thread_that_is_not_there) {
  EXPECT_EQ(view_of(read_own_name(4'100'000)), "");
  EXPECT_EQ(view_of(read_kernel_name(4'100'000)), "");
}

// Exit code 0 where it is true in a child, whose command line it may write over.
template <typename Check>
int ask_child(Check is_so) {
  const pid_t child = fork();
  if (child == 0) _exit(is_so() ? 0 : 1);
  int status = 0;
  waitpid(child, &status, 0);
  return status;
}

// As setproctitle does: over the arguments, and over as much of the environment as it takes.
void write_title(const std::string& title) {
  char* const command_line = program_invocation_name;  // argv[0]
  std::memcpy(command_line, title.c_str(), title.size() + 1);
}

std::string title_text(const ProcessTitle::Text& text) { return text.data(); }

TEST(ProcessTitle, is_what_the_process_writes_over_its_command_line) {
  EXPECT_EQ(ask_child([] {
              ProcessTitle title;
              title.begin();
              if (!title_text(title.read()).empty() || !title_text(title.read_command_line()).empty())
                return false;
              write_title("gunicorn: worker [app:app]");
              if (title_text(title.read()) != "gunicorn: worker [app:app]") return false;
              if (title_text(title.read_command_line()) != "gunicorn: worker [app:app]") return false;
              write_title("idle");
              return title_text(title.read()) == "idle";
            }),
            0);
}

TEST(ProcessTitle, of_its_parent_is_not_its_own) {
  EXPECT_EQ(ask_child([] {
              write_title("gunicorn: master [app:app]");
              ProcessTitle title;
              title.begin();
              if (!title_text(title.read()).empty()) return false;
              write_title("gunicorn: worker [app:app]");
              return title_text(title.read()) == "gunicorn: worker [app:app]";
            }),
            0);
}

TEST(ProcessTitle, is_what_it_calls_its_first_thread_where_the_command_line_is_as_it_was) {
  EXPECT_EQ(ask_child([] {
              ProcessTitle title;
              title.begin();
              prctl(PR_SET_NAME, "ray::work");  // NOLINT(cppcoreguidelines-pro-type-vararg)
              if (!title_text(title.read_command_line()).empty()) return false;
              if (title_text(title.read()) != "ray::work") return false;
              write_title("a title");
              return title_text(title.read()) == "a title";
            }),
            0);
}

TEST(ProcessTitle, is_cut_where_it_is_long) {
  EXPECT_EQ(ask_child([] {
              ProcessTitle title;
              title.begin();
              // There is so much room: the environment follows.
              write_title(std::string(200, 'x'));
              return title_text(title.read()) == std::string(127, 'x');
            }),
            0);
}

}  // namespace
}  // namespace gilscope
