// Steps of event loops that took long, of a real asyncio. A step here spins for longer than a long one takes:
// the machine can only make it longer.
#include <Python.h>

#include "probe/loop_steps.h"

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "probe/elf_slots.h"
#include "probe/probe_fixture.h"

namespace gilscope {
namespace {

class LoopStepsTest : public ProbeOfStacksTest {
 protected:
  void SetUp() override {
    ProbeOfStacksTest::SetUp();
    if (IsSkipped()) return;
    run("import asyncio, contextvars, functools, gc, time\n"
        "def spin():\n"
        "    end = time.perf_counter() + 0.06\n"
        "    while time.perf_counter() < end: pass\n");
    list_.note_steps(table_.get());
  }

  // Of the code, in the order in which they were noted.
  std::vector<std::string> steps_of(const std::string& code) {
    probe_.start(list_, Stacks::On);
    run("exec(compile(\"\"\"" + code + "\"\"\", 'app.py', 'exec'))");
    probe_.stop();
    std::vector<std::string> steps;
    for (const StepRow& row : table_->rows) {
      if (row.thread == 0) continue;
      EXPECT_EQ(row.thread, static_cast<std::uint64_t>(gettid()));
      EXPECT_GE(row.ticks, row.longest);
      EXPECT_NE(row.longest_begin, 0U);
      steps.push_back(std::string(row.file.data()) + ":" + std::to_string(row.line) + " " +
                      row.function.data() + (row.alone == row.count ? " alone" : ""));
      counts_.push_back(row.count);
    }
    return steps;
  }

  EventList list_;
  Probe probe_;
  std::unique_ptr<StepTable> table_ = std::make_unique<StepTable>();
  std::vector<std::uint64_t> counts_;
};

using Steps = std::vector<std::string>;

TEST_F(LoopStepsTest, are_told_by_the_line_where_the_task_waits_now_or_the_line_where_it_began) {
  EXPECT_EQ(steps_of("async def deep():\n"
                     "    spin()\n"
                     "    await asyncio.sleep(0)\n"
                     "async def handle():\n"
                     "    await deep()\n"
                     "    spin()\n"
                     "asyncio.run(handle())\n"),
            (Steps{"app.py:3 deep alone", "app.py:4 handle alone"}));
}

TEST_F(LoopStepsTest, of_one_place_are_one_row) {
  EXPECT_EQ(steps_of("async def handle():\n"
                     "    for _ in range(3):\n"
                     "        spin()\n"
                     "        await asyncio.sleep(0)\n"
                     "asyncio.run(handle())\n"),
            Steps{"app.py:4 handle alone"});
  EXPECT_EQ(counts_.front(), 3U);
}

TEST_F(LoopStepsTest, of_callbacks_have_the_begin_of_what_was_called) {
  EXPECT_EQ(steps_of("class Server:\n"
                     "    def answer(self, times): spin()\n"
                     "async def main():\n"
                     "    loop = asyncio.get_running_loop()\n"
                     "    loop.call_soon(functools.partial(Server().answer, 1))\n"
                     "    loop.call_soon(spin)\n"
                     "    await asyncio.sleep(0)\n"
                     "asyncio.run(main())\n"),
            (Steps{"app.py:2 Server.answer alone", "<string>:2 spin alone"}));
}

TEST_F(LoopStepsTest, keep_somebody_waiting_where_a_timer_is_due_or_a_file_is_watched) {
  EXPECT_EQ(steps_of("async def beat():\n"
                     "    while True: await asyncio.sleep(0.001)\n"
                     "async def handle():\n"
                     "    beating = asyncio.create_task(beat())\n"
                     "    await asyncio.sleep(0)\n"
                     "    spin()\n"
                     "    beating.cancel()\n"
                     "    await asyncio.sleep(0)\n"
                     "    server = await asyncio.start_server(print, '127.0.0.1', 0)\n"
                     "    await asyncio.sleep(0)\n"
                     "    spin()\n"
                     "asyncio.run(handle())\n"),
            (Steps{"app.py:8 handle", "app.py:3 handle"}));
}

// Python collected meanwhile: so it was seen in the middle.
TEST_F(LoopStepsTest, that_were_seen_have_the_line_of_the_users_that_ran) {
  EXPECT_EQ(steps_of("def parse():\n"
                     "    spin()\n"
                     "    gc.collect(0)\n"
                     "async def handle():\n"
                     "    parse()\n"
                     "asyncio.run(handle())\n"),
            Steps{"app.py:3 parse alone"});
}

std::vector<Slot> slots_of_asyncio() {
  PyObject* const module = PyImport_ImportModule("_asyncio");
  const auto library = LoadedObject::containing(PyModule_GetDef(module));
  Py_DECREF(module);
  return library.imports("PyIter_Send") ? library.find_slots("PyIter_Send") : std::vector<Slot>();
}

// As uvloop's are, whose loop is no Python code.
constexpr const char* kOwnWay = "asyncio.events.Handle._run = lambda self: self._callback(*self._args)\n";

TEST_F(LoopStepsTest, of_a_loop_that_does_not_use_contexts_are_those_of_tasks) {
  if (slots_of_asyncio().empty()) GTEST_SKIP() << "it is a part of this Python";
  run("kept = asyncio.events.Handle._run");
  EXPECT_EQ(steps_of(kOwnWay + std::string("async def deep():\n"
                                           "    spin()\n"
                                           "    await asyncio.sleep(0)\n"
                                           "async def handle():\n"
                                           "    await deep()\n"
                                           "    asyncio.get_running_loop().call_soon(spin)\n"
                                           "    spin()\n"
                                           "    gc.collect(0)\n"
                                           "asyncio.run(handle())\n")),
            (Steps{"app.py:4 deep alone", "app.py:9 handle alone"}));
  run("asyncio.events.Handle._run = kept");
}

TEST_F(LoopStepsTest, of_tasks_are_seen_through_a_slot_that_is_as_it_was_afterwards) {
  const auto slots = slots_of_asyncio();
  std::vector<std::uintptr_t> before;
  for (const Slot& slot : slots) before.push_back(*slot.place);
  watch_steps(*table_, ProbeClock::best());
  for (std::size_t i = 0; i < slots.size(); ++i) EXPECT_NE(*slots[i].place, before[i]);
  unwatch_steps(*table_);
  for (std::size_t i = 0; i < slots.size(); ++i) EXPECT_EQ(*slots[i].place, before[i]);
}

TEST_F(LoopStepsTest, of_what_is_run_outside_of_a_loop_are_none) {
  EXPECT_TRUE(steps_of("contextvars.copy_context().run(spin)\n").empty());
}

TEST_F(LoopStepsTest, leave_the_exception_that_was_raised) {
  EXPECT_EQ(steps_of("async def fail():\n"
                     "    spin()\n"
                     "    raise KeyError('kept')\n"
                     "async def main():\n"
                     "    try: await asyncio.create_task(fail())\n"
                     "    except KeyError as error: told = error.args\n"
                     "    assert told == ('kept',), told\n"
                     "    def stop(): spin(); raise SystemExit(3)\n"
                     "    asyncio.get_running_loop().call_soon(stop)\n"
                     "    await asyncio.sleep(10)\n"
                     "try: asyncio.run(main())\n"
                     "except SystemExit as error: assert error.code == 3\n"
                     "else: assert False\n"),
            (Steps{"app.py:1 fail alone", "app.py:8 main.<locals>.stop alone"}));
}

TEST_F(LoopStepsTest, are_noted_by_each_probe_that_runs_and_leave_the_method_as_it_was) {
  const PyMethodDef* method = PyContext_Type.tp_methods;
  while (std::strcmp(method->ml_name, "run") != 0) ++method;
  const auto before = method->ml_meth;
  auto inner = std::make_unique<StepTable>();
  watch_steps(*inner, ProbeClock::best());
  EXPECT_NE(method->ml_meth, before);
  EXPECT_EQ(steps_of("async def handle(): spin()\nasyncio.run(handle())\n"), Steps{"app.py:1 handle alone"});
  EXPECT_EQ(inner->rows.front().count, 1U);
  EXPECT_NE(method->ml_meth, before) << "one of the two still watches";
  unwatch_steps(*inner);
  EXPECT_EQ(method->ml_meth, before);
  run("asyncio.run(handle())");
  EXPECT_EQ(inner->rows.front().count, 1U);
  EXPECT_EQ(table_->rows.front().count, 1U);
}

// The table itself needs no Python.
CodeWords words_of(const std::string& file, const std::string& function, std::uint32_t line) {
  CodeWords words{};
  words.line = line;
  words.file_bytes = file.copy(words.file_text.data(), words.file_text.size());
  words.function_bytes = function.copy(words.function_text.data(), words.function_text.size());
  return words;
}

TEST(StepTable, keeps_the_end_of_a_long_path_in_whole_characters) {
  auto table = std::make_unique<StepTable>();
  std::string path = "/srv";
  for (int i = 0; i < 100; ++i) path += "/ö";
  table->add({.thread = ThreadId{7}, .begin = 5, .ticks = 9},
             words_of(path + "/app.py", std::string(300, 'f'), 3));
  const StepRow& row = table->rows.front();
  const std::string file = row.file.data();
  EXPECT_TRUE(file.starts_with("…/ö") || file.starts_with("…ö")) << file;
  EXPECT_TRUE(file.ends_with("/ö/app.py"));
  EXPECT_EQ(std::string(row.function.data()), std::string(95, 'f'));
}

TEST(StepTable, has_the_longest_of_a_row_and_counts_those_that_find_none) {
  auto table = std::make_unique<StepTable>();
  for (std::uint32_t line = 1; line <= StepTable::kRows + 2; ++line) {
    table->add({.thread = ThreadId{7}, .begin = 5, .ticks = 9}, words_of("app.py", "f", line));
  }
  table->add({.thread = ThreadId{7}, .begin = 50, .ticks = 90, .is_alone = true}, words_of("app.py", "f", 1));
  table->add({.thread = ThreadId{7}, .begin = 500, .ticks = 8}, words_of("app.py", "f", 1));
  EXPECT_EQ(table->others, 2U);
  const StepRow& row = table->rows.front();
  EXPECT_EQ(row.count, 3U);
  EXPECT_EQ(row.alone, 1U);
  EXPECT_EQ(row.ticks, 107U);
  EXPECT_EQ(row.longest, 90U);
  EXPECT_EQ(row.longest_begin, 50U);
}

}  // namespace
}  // namespace gilscope
