#include "report/interval_spool.h"

#include <type_traits>

#include <fmt/core.h>

#include "support/error.h"

namespace gilscope {

// It goes to the file and comes back as it is.
static_assert(std::is_trivially_copyable_v<SpooledInterval>);

IntervalSpool::IntervalSpool()
    : path_(folder_.path() / "intervals"),
      file_(path_, std::ios::binary | std::ios::in | std::ios::out | std::ios::trunc) {
  if (!file_) fail("made");
}

void IntervalSpool::fail(const char* what) const {
  throw Error(fmt::format("the temporary file {} could not be {}", path_.string(), what),
              "TMPDIR names a folder with more space");
}

void IntervalSpool::add(ThreadId thread, const SpooledInterval& interval) {
  Lane& lane = lanes_[thread];
  ++lane.count;
  lane.newest.push_back(interval);
  if (lane.newest.size() < kBlock) return;
  file_.seekp(static_cast<std::streamoff>(blocks_ * kBlock * sizeof(SpooledInterval)));
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): bytes of a trivially copyable type
  file_.write(reinterpret_cast<const char*>(lane.newest.data()), kBlock * sizeof(SpooledInterval));
  if (!file_) fail("written");
  lane.blocks.push_back(blocks_++);
  lane.newest.clear();
}

std::vector<ThreadId> IntervalSpool::threads() const {
  std::vector<ThreadId> list;
  for (const auto& [thread, lane] : lanes_) list.push_back(thread);
  return list;
}

void IntervalSpool::read(ThreadId thread, const std::function<void(const SpooledInterval&)>& take) {
  const Lane& lane = lanes_.at(thread);
  std::vector<SpooledInterval> block(lane.blocks.empty() ? 0 : kBlock);
  for (const auto number : lane.blocks) {
    file_.seekg(static_cast<std::streamoff>(number * kBlock * sizeof(SpooledInterval)));
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): see add()
    file_.read(reinterpret_cast<char*>(block.data()), kBlock * sizeof(SpooledInterval));
    if (!file_) fail("read");
    for (const auto& interval : block) take(interval);
  }
  for (const auto& interval : lane.newest) take(interval);
}

}  // namespace gilscope
