#include "capture/own_lane.h"

#include <atomic>
#include <utility>

namespace gilscope {

constinit Lane no_lane;
constinit thread_local OwnLane own_lane __attribute__((tls_model("initial-exec")));

namespace {

constinit LaneTable lanes;
constinit std::atomic<std::uint64_t> owners{Lane::kFirstOwner};

pthread_key_t lane_key;

// Other destructors of the thread may take the GIL after this one: then it has a new lane, and the C library
// calls this again, up to four times (PTHREAD_DESTRUCTOR_ITERATIONS); a lane taken after that stays taken.
// Of the recorder nothing is touched, as it may be gone: a lane outlives it, and `owner` tells whether it is
// still ours.
void give_lane_back(void*) noexcept {
  Lane* const lane = std::exchange(own_lane.lane, &no_lane);
  if (lane != &no_lane) LaneTable::give_back(*lane, own_lane.owner);
  own_lane = {.told = own_lane.told};
}

}  // namespace

int prepare_lanes() noexcept {
  static const int key_error = pthread_key_create(&lane_key, [](void* value) { give_lane_back(value); });
  return key_error != 0 ? key_error : lanes.prepare();
}

Lane* take_own_lane(std::uint64_t session, std::uint64_t ticks, ProcessFile& file) noexcept {
  OwnLane& own = own_lane;
  if (own.session == session && own.lane != &no_lane) {
    if (own.lane->last_ticks < ticks) return own.lane;
    LaneTable::give_back(*own.lane, own.owner);
  }
  own = {.session = session, .told = own.told};
  const std::uint64_t owner = owners.fetch_add(1, std::memory_order_relaxed);
  Lane* const lane = lanes.take(owner, ticks);
  if (lane == nullptr) return nullptr;
  if (lane->home == nullptr) lane->home = file.add_home();
  if (lane->home == nullptr || pthread_setspecific(lane_key, lane) != 0) {
    LaneTable::give_back(*lane, owner);
    return nullptr;
  }
  own = {.lane = lane, .session = session, .owner = owner, .told = own.told};
  lane->released_at = {};
  return lane;
}

std::uint64_t events_of_lanes() noexcept { return lanes.events(); }

void release_lanes() noexcept {
  lanes.for_each([](Lane& lane) {
    if (BlockHeader* const home = std::exchange(lane.home, nullptr)) ProcessFile::unmap_home(*home);
    if (StackTable* const stacks = std::exchange(lane.stacks, nullptr)) StackTable::destroy(*stacks);
  });
  lanes.clear();
}

}  // namespace gilscope
