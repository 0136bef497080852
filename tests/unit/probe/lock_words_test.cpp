#include "probe/lock_words.h"

#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace gilscope {
namespace {

struct Frame {
  std::string file;
  std::string function;
};

// Says of a point the frame that its code is.
class Frames final : public CodeReader {
 public:
  explicit Frames(std::vector<Frame> frames) : frames_(std::move(frames)) {
    for (const Frame& frame : frames_) points_.push_back({.code = &frame, .instruction = 0, .life = 0});
  }
  [[nodiscard]] bool describe(const CodePoint& point, CodeWords& words) const noexcept override {
    const auto& frame = *static_cast<const Frame*>(point.code);
    words.line = static_cast<std::uint32_t>(1 + (&frame - frames_.data()));
    words.file_bytes = frame.file.copy(words.file_text.data(), words.file_text.size());
    words.function_bytes = frame.function.copy(words.function_text.data(), words.function_text.size());
    return true;
  }
  [[nodiscard]] const std::vector<CodePoint>& points() const { return points_; }

 private:
  std::vector<Frame> frames_;
  std::vector<CodePoint> points_;
};

const std::string kLibrary = "/usr/lib/python3.13/";

// "work: app.py:3 parse, within Queue.get"
std::string describe(const std::vector<Frame>& stack, std::string_view call = "") {
  const Frames frames(stack);
  LockTexts texts;
  const LockWords words = describe_lock_place(frames.points(), frames, call, texts);
  std::string text = words.wait_for == WaitFor::Work ? "work: " : "turn: ";
  text += std::string(words.file) + ':' + std::to_string(words.line) + ' ' + std::string(words.function);
  if (words.gives_turn) text = "gives a " + text;
  return words.within.empty() ? text : text + ", within " + std::string(words.within);
}

TEST(LockWords, name_the_users_line_alone_where_it_waits_itself) {
  EXPECT_EQ(describe({{"app.py", "parse"}, {"app.py", "<module>"}}), "turn: app.py:1 parse");
}

TEST(LockWords, name_the_librarys_function_that_waits_and_the_users_line_that_led_there) {
  EXPECT_EQ(describe({{kLibrary + "logging/__init__.py", "Handler.acquire"},
                      {kLibrary + "logging/__init__.py", "Logger.info"},
                      {"app.py", "serve"}}),
            "turn: app.py:3 serve, within Handler.acquire");
}

TEST(LockWords, say_of_a_semaphore_that_who_gives_it_back_had_his_turn) {
  const auto file = kLibrary + "threading.py";
  const std::vector<Frame> notify{{file, "Condition.notify"}, {file, "Semaphore.release"}};
  const auto called = [&](const std::string& function) {
    auto stack = notify;
    stack.push_back({file, function});
    stack.push_back({"app.py", "work"});
    return describe(stack);
  };
  EXPECT_EQ(called("Semaphore.__exit__"), "gives a turn: app.py:4 work, within Semaphore.__exit__");
  EXPECT_EQ(called("BoundedSemaphore.release"),
            "gives a turn: app.py:4 work, within BoundedSemaphore.release");
  EXPECT_EQ(describe({{file, "Condition.notify"}, {file, "Semaphore.release"}, {"app.py", "work"}}),
            "turn: app.py:3 work, within Semaphore.release")
      << "which may be a signal";
}

TEST(LockWords, name_what_is_built_on_a_condition_by_what_was_called) {
  EXPECT_EQ(describe({{kLibrary + "threading.py", "Condition.wait"},
                      {kLibrary + "queue.py", "Queue.get"},
                      {kLibrary + "site-packages/pool/pool.py", "Pool.borrow"},
                      {"app.py", "serve"}}),
            "work: app.py:4 serve, within Queue.get");
  EXPECT_EQ(describe({{kLibrary + "threading.py", "Condition.wait"},
                      {kLibrary + "concurrent/futures/_base.py", "Future.result"},
                      {kLibrary + "concurrent/futures/_base.py", "Executor.map.<locals>.result_iterator"},
                      {"app.py", "serve"}}),
            "work: app.py:4 serve, within Future.result");
}

TEST(LockWords, tell_a_queue_whose_own_lock_another_one_has_from_one_that_is_empty) {
  EXPECT_EQ(describe({{kLibrary + "threading.py", "Condition.__enter__"},
                      {kLibrary + "queue.py", "Queue.get"},
                      {"app.py", "serve"}}),
            "turn: app.py:3 serve, within Queue.get");
}

TEST(LockWords, know_what_is_written_in_c_by_its_name) {
  EXPECT_EQ(describe({{"app.py", "serve"}}, "_queue.SimpleQueue.get"), "work: app.py:1 serve");
  EXPECT_EQ(describe({{"app.py", "serve"}}, "_thread.lock.acquire"), "turn: app.py:1 serve");
}

TEST(LockWords, say_of_who_fills_a_queue_or_starts_a_thread_that_he_gives_work) {
  const Frames frames(std::vector<Frame>{{"app.py", "serve"}});
  LockTexts texts;
  EXPECT_TRUE(describe_lock_place(frames.points(), frames, "_queue.SimpleQueue.put", texts).gives_work);
  EXPECT_TRUE(
      describe_lock_place(frames.points(), frames, "_thread.start_joinable_thread", texts).gives_work);
  EXPECT_FALSE(describe_lock_place(frames.points(), frames, "_thread.lock.release", texts).gives_work);
}

TEST(LockWords, name_what_is_called_of_a_lock_rather_than_the_thread_around_it) {
  EXPECT_EQ(describe({{kLibrary + "threading.py", "Condition.__exit__"},
                      {kLibrary + "multiprocessing/queues.py", "Queue._feed"},
                      {kLibrary + "threading.py", "Thread.run"},
                      {kLibrary + "threading.py", "Thread._bootstrap"}}),
            "turn: " + kLibrary + "threading.py:1 Condition.__exit__");
}

TEST(LockWords, are_of_the_library_where_nothing_of_the_users_runs) {
  EXPECT_EQ(describe({{kLibrary + "concurrent/futures/thread.py", "_worker"},
                      {kLibrary + "threading.py", "Thread.run"}}),
            "work: " + kLibrary + "concurrent/futures/thread.py:1 _worker");
  EXPECT_EQ(describe({}), "turn: :0 ");
}

}  // namespace
}  // namespace gilscope
