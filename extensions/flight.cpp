#include "flight.h"

#include <atomic>
#include <chrono>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <tuple>
#include <unistd.h>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>
#include <pybind11/stl.h>

#include "capture/capture_folder.h"
#include "cli/flight_options.h"
#include "gil_released.h"
#include "own_recording.h"
#include "recording/dump.h"
#include "recording/flight_recorder.h"
#include "recording/recording.h"
#include "support/error.h"
#include "support/temporary_folder.h"

namespace gilscope {
namespace {

namespace py = pybind11;

// Folder, error, reason, process, thread, ns.
using DumpRow = std::tuple<std::string, std::string, std::string, std::int64_t, std::uint32_t, std::int64_t>;

// What Python's FlightRecorder drives. Its methods are called with the GIL held; any of them while another
// thread is in watch().
class Flight : public OwnRecording {
 public:
  // `python` is JSON, `command` that of the process.
  Flight(const std::string& keep, std::vector<std::string> when, const std::string& folder,
         std::uint64_t per_hour, const std::string& python, std::vector<std::string> command)
      : plan_{.folder = std::filesystem::absolute(folder), .per_hour = per_hour} {
    const auto parsed = cli::parse_keep(keep);
    const auto limits = cli::limits_of({.keep = keep, .when = std::move(when)});
    if (lack()) return;
    const auto bytes = parsed.bytes.value_or(CapturePlan::kRingBytes);
    folder_ = std::make_unique<TemporaryFolder>(root_in_memory(2 * bytes));
    const auto ring = folder_->path() / "ring";
    create_capture(ring,
                   {.gilscope = GILSCOPE_VERSION,
                    .command = std::move(command),
                    .python = nlohmann::json::parse(python),
                    .machine = nullptr},
                   Existing::Keep);
    recording_.emplace(Reach::WithChildren, CapturePlan{.folder = ring.string(),
                                                        .max_size = bytes,
                                                        .keep = parsed.time.value_or(CapturePlan::kForEver),
                                                        .limits = limits});
  }

  // False where there is nothing to record.
  bool start() {
    if (!start_recording()) return false;
    try {
      recorder_ = std::make_unique<FlightRecorder>(look_at_own(), plan_);
    } catch (...) {
      recording_->stop();
      throw;
    }
    process_ = getpid();
    return true;
  }

  // Looks for that long, or until there was a dump, or the end.
  std::vector<DumpRow> watch(double seconds) {
    const GilReleased released;
    const auto until = std::chrono::steady_clock::now() + from_seconds(seconds);
    for (;;) {
      auto rows = look(false);
      const auto now = std::chrono::steady_clock::now();
      if (!rows.empty() || now >= until || is_over_) return rows;
      std::this_thread::sleep_for(
          std::min<std::chrono::steady_clock::duration>(FlightRecorder::kInterval, until - now));
    }
  }

  void dump(const std::string& folder, bool force) {
    const GilReleased released;
    const auto run = look_at_own();
    write_dump(run, on_request(run), folder, force ? Existing::Overwrite : Existing::Keep);
  }

  // watch() returns; and is not called again.
  void end_watch() noexcept { is_over_ = true; }
  // After it: the dumps that were due. What was kept is gone then.
  std::vector<DumpRow> stop() {
    if (!recorder_) return {};
    recording_->stop();
    if (getpid() != process_) return {};  // of a fork: who made it looks
    const GilReleased released;
    auto rows = look(true);
    recorder_.reset();
    folder_.reset();
    return rows;
  }

  [[nodiscard]] std::uint64_t passed_over() const { return passed_over_; }

 private:
  [[nodiscard]] LiveRun look_at_own() const {
    auto run = LiveRun::at(recording_->file());
    if (!run) throw Error("what is recorded cannot be read: the program has closed its descriptors", "");
    return *std::move(run);
  }

  std::vector<DumpRow> look(bool is_last) {
    const std::scoped_lock lock(looking_);
    std::vector<DumpRow> rows;
    for (const auto& dump : recorder_->look(is_last)) {
      rows.emplace_back(dump.folder, dump.error, name_of(dump.trigger.kind), dump.trigger.pid,
                        static_cast<std::uint32_t>(dump.trigger.thread), dump.length.count());
    }
    passed_over_ = recorder_->passed_over();
    return rows;
  }

  FlightPlan plan_;
  pid_t process_ = 0;  // that looks
  std::mutex looking_;
  std::unique_ptr<FlightRecorder> recorder_;  // nullptr: it does not run
  std::atomic<bool> is_over_{false};
  std::atomic<std::uint64_t> passed_over_{0};
};

}  // namespace

void bind_flight(py::module_& module) {
  py::class_<Flight>(module, "Flight")
      .def(py::init<const std::string&, std::vector<std::string>, const std::string&, std::uint64_t,
                    const std::string&, std::vector<std::string>>(),
           py::arg("keep"), py::arg("when"), py::arg("folder"), py::arg("per_hour"), py::arg("python"),
           py::arg("command"))
      .def("lack", &Flight::lack)
      .def("start", &Flight::start)
      .def("name_thread", &Flight::name_thread)
      .def("name_process", &Flight::name_process, py::arg("name"), py::arg("is_worker") = false)
      .def("end_thread", &Flight::end_thread)
      .def("watch", &Flight::watch, py::arg("seconds"))
      .def("dump", &Flight::dump, py::arg("folder"), py::arg("force"))
      .def("end_watch", &Flight::end_watch)
      .def("stop", &Flight::stop)
      .def("passed_over", &Flight::passed_over);
}

}  // namespace gilscope
