#include "capture/process_reader.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <string_view>
#include <utility>

#include <fmt/core.h>

#include "capture/lanes.h"
#include "support/error.h"

namespace gilscope {
namespace {

ClockPoint to_point(const FilePoint& point) noexcept {
  return {.ticks = point.ticks, .time = Nanoseconds(point.time)};
}

// Since the machine's start; it leaves differences without overflow.
bool is_plausible(const FilePoint& point) noexcept {
  return point.ticks <= kMaxTicks && point.time >= 0 && static_cast<std::uint64_t>(point.time) <= kMaxTicks;
}

}  // namespace

ProcessReader::ProcessReader(std::filesystem::path path) : file_(std::move(path), kLiveSuffix) {
  if (file_.size() == 0) {
    file_.reject(0, fmt::format("the header of an events file (it was in {}{} while that was recorded)",
                                file_.path().filename().string(), kLiveSuffix));
  }
  FileHeader header{};
  // The first bytes alone say whether the rest is worth a word.
  constexpr std::size_t kStart = offsetof(FileHeader, block_size);
  file_.read(&header, kStart, 0, "the header of an events file");
  if (header.magic != kFileMagic) file_.reject(0, "the mark of an events file of gilscope's");
  if (header.byte_order != kByteOrderMark) {
    file_.reject(offsetof(FileHeader, byte_order), "numbers with their lowest byte first");
  }
  if (header.version < kOldestVersion || header.version > kFormatVersion) {
    throw Error(fmt::format("{}: byte {}: expected version {} of the format, found {}", file_.path().string(),
                            offsetof(FileHeader, version), kFormatVersion, header.version),
                "read it with the gilscope that wrote it, or a newer one");
  }
  file_.read(&header, sizeof header, 0, "the header of an events file");
  check_header(header);
  take_facts(header);
  find_streams(header.first_stream);
  if (header.is_ring == 1) find_parts(header.lost_until);
}

void ProcessReader::check_header(const FileHeader& header) const {
  const auto require = [this](bool is_so, std::size_t offset, std::string_view expected) {
    if (!is_so) file_.reject(offset, std::string(expected));
  };
  require(header.block_size == kBlockSize, offsetof(FileHeader, block_size), "blocks of 16384 bytes");
  require(header.clock <= 1, offsetof(FileHeader, clock), "clock 0 or 1");
  require(header.is_finished <= 1, offsetof(FileHeader, is_finished), "0 or 1");
  require(is_plausible(header.begin), offsetof(FileHeader, begin), "a point of time");
  require(is_plausible(header.reference), offsetof(FileHeader, reference), "a point of time");
  require(header.reference.ticks <= header.begin.ticks && header.reference.time <= header.begin.time,
          offsetof(FileHeader, reference), "a point of time not after the begin");
  require(header.is_ring <= 1, offsetof(FileHeader, is_ring), "0 or 1");
  require(header.lost_until <= kMaxTicks, offsetof(FileHeader, lost_until), "a time below 2^62 ticks");
  require(header.process_begin >= 0, offsetof(FileHeader, process_begin), "a time that is not negative");
  require(header.start_method_length <= kStartMethodSize, offsetof(FileHeader, start_method_length),
          "at most 64 bytes of start method");
  require(header.metadata_length <= kMetadataSize, offsetof(FileHeader, metadata_length),
          "at most 3776 bytes of metadata");
  if (header.is_finished == 0) return;
  require(is_plausible(header.end) && header.end.ticks >= header.begin.ticks &&
              header.end.time >= header.begin.time,
          offsetof(FileHeader, end), "a point of time not before the begin");
  require(header.blocks <= file_.blocks(),
          std::min<std::uint64_t>(file_.size(), header.blocks * std::uint64_t{kBlockSize}),
          fmt::format("a file of {} blocks", header.blocks));
}

void ProcessReader::take_facts(const FileHeader& header) {
  facts_.pid = header.pid;
  facts_.parent_pid = header.parent_pid;
  facts_.clock = header.clock == 1 ? ClockKind::Tsc : ClockKind::Monotonic;
  facts_.begin = to_point(header.begin);
  facts_.began = header.begin.ticks;
  facts_.earliest = to_point(header.reference);
  facts_.latest = facts_.begin;
  facts_.is_finished = header.is_finished == 1;
  if (facts_.is_finished) {
    facts_.latest = to_point(header.end);
    if (header.is_ring == 0) facts_.events = header.events;
  }
  if (header.process_begin > 0) facts_.process_begin = Nanoseconds(header.process_begin);
  facts_.start_method.assign(header.start_method.data(), header.start_method_length);
  facts_.metadata.assign(header.metadata.data(), header.metadata_length);
  if (header.is_ring == 1) return;  // it begins after what was dropped
  if (header.first_dropped_ticks != kNoTicks) facts_.first_drop = header.first_dropped_ticks;

  std::map<ThreadId, std::uint64_t> drops;
  const auto add = [&](std::uint64_t& sum, std::uint64_t count, std::size_t offset) {
    if (__builtin_add_overflow(sum, count, &sum)) file_.reject(offset, "counts whose sum has 64 bits");
  };
  add(facts_.dropped_events, header.other_drops, offsetof(FileHeader, other_drops));
  for (std::size_t i = 0; i < header.drops.size(); ++i) {
    const FileDrops& entry = header.drops[i];
    if (entry.is_used != 2 || entry.count == 0) continue;
    const std::size_t offset = offsetof(FileHeader, drops) + i * sizeof(FileDrops);
    add(facts_.dropped_events, entry.count, offset);
    drops[ThreadId{entry.thread}] += entry.count;
  }
  for (const auto& [thread, events] : drops) facts_.dropped_by.push_back({thread, events});
}

// The list is followed before anything is read by it: one that goes round in a circle is longer than the
// file.
void ProcessReader::find_streams(std::uint32_t first) {
  for (std::uint32_t home = first; home != 0;) {
    const std::uint64_t offset = std::uint64_t{home} * kBlockSize;
    // No writer makes more; and the file may be sparse, and of any size.
    if (homes_.size() >= std::min(file_.blocks(), LaneTable::kMaxLanes)) {
      file_.reject(offset, "streams, each once");
    }
    BlockHeader header{};
    file_.read(&header, sizeof header, offset, "the home of a stream");
    if (header.magic != kBlockMagic) file_.reject(offset, "the mark of a block");
    take_point(home, header);
    homes_.push_back(home);
    home = header.next_stream;
  }
  std::ranges::reverse(homes_);  // the newest is first in the list
  facts_.streams = static_cast<std::uint32_t>(homes_.size());
}

void ProcessReader::take_point(std::uint32_t home, const BlockHeader& header) {
  const std::uint64_t offset = std::uint64_t{home} * kBlockSize;
  if (header.latest_point > 1) {
    file_.reject(offset + offsetof(BlockHeader, latest_point), "0 or 1");
  }
  const FilePoint& point = header.points[header.latest_point];
  if (!is_plausible(point)) file_.reject(offset + offsetof(BlockHeader, points), "a point of time");
  if (facts_.is_finished || point.ticks <= facts_.latest.ticks ||
      Nanoseconds(point.time) <= facts_.latest.time) {
    return;
  }
  facts_.latest = to_point(point);
}

// The parts of each stream that are there without a gap up to its home, and since when nothing is missing of
// any.
void ProcessReader::find_parts(std::uint64_t lost_until) {
  struct Part {
    std::uint64_t sequence;
    std::uint32_t block;
    std::uint64_t ticks;
  };
  std::map<std::uint32_t, std::vector<Part>> of_stream;
  std::map<std::uint32_t, BlockHeader> homes;
  for (std::uint32_t block = file_.next_written(1); block < file_.blocks();
       block = file_.next_written(block + 1)) {
    BlockHeader header{};
    file_.read(&header, sizeof header, std::uint64_t{block} * kBlockSize, "a block");
    if (header.magic != kBlockMagic) continue;
    if (header.stream == block) {
      homes[block] = header;
    } else {
      of_stream[header.stream].push_back({header.sequence, block, header.ticks});
    }
  }
  std::uint64_t begin = std::max(lost_until, facts_.begin.ticks);
  for (const std::uint32_t home : homes_) {
    const BlockHeader& newest = homes[home];
    auto& parts = of_stream[home];
    std::ranges::sort(parts, std::ranges::greater{}, &Part::sequence);
    RingParts kept;
    std::uint64_t number = newest.sequence;  // of the oldest one that the others follow without a gap
    std::uint64_t since = newest.ticks;
    for (const Part& part : parts) {
      const bool is_newest = part.sequence == newest.sequence;  // and the next was not begun: it is whole
      if (part.sequence >= number && !(is_newest && kept.has_home)) continue;
      if (part.sequence + 1 < number) break;
      if (is_newest) kept.has_home = false;
      kept.spilled.push_back(part.block);
      number = part.sequence;
      since = part.ticks;
    }
    if (number != 0) begin = std::max(begin, since);
    std::ranges::reverse(kept.spilled);
    parts_.push_back(std::move(kept));
  }
  if (begin <= facts_.begin.ticks) return;
  facts_.begin = {.ticks = begin, .time = TickConversion(facts_.earliest, facts_.latest).to_time(begin)};
  if (facts_.latest.ticks < begin) facts_.latest = facts_.begin;
}

EventSequence ProcessReader::events() const { return EventSequence(*this); }

EventSequence::EventSequence(const ProcessReader& reader)
    : file_(&reader.file_),
      names_(std::make_unique<CaptureNames>()),
      expected_(reader.facts_.events),
      begin_(reader.facts_.begin.ticks > reader.facts_.began ? reader.facts_.begin.ticks : 0),
      end_(!reader.parts_.empty() && reader.facts_.is_finished ? reader.facts_.latest.ticks : kMaxTicks),
      is_to_take_up_(begin_ != 0) {
  const auto window = StreamReader::window_of(reader.homes_.size());
  for (std::size_t i = 0; i < reader.homes_.size(); ++i) {
    const auto parts = reader.parts_.empty() ? std::nullopt : std::optional(reader.parts_[i]);
    auto stream = std::make_unique<StreamReader>(*file_, reader.homes_[i], reader.facts_.is_finished, *names_,
                                                 window, parts);
    if (!stream->advance()) continue;
    heap_.push_back({stream->key(), static_cast<std::uint32_t>(streams_.size())});
    streams_.push_back(std::move(stream));
  }
  std::ranges::make_heap(heap_, std::ranges::greater{});
}

// Of each thread what it did last before that is there, or nothing: so it is known what is on as the ring
// begins. A hold or a wait counts from there.
void EventSequence::take_up() {
  std::map<ThreadId, Taken> latest;
  Event event{};
  std::vector<Taken> first;
  while (first.empty() && next_of_file(event)) {
    (event.ticks > begin_ ? first.emplace_back() : latest[event.thread]) = {event, stands_};
  }
  std::map<GilId, Taken> holders;
  std::vector<Taken> waits;
  for (const auto& [thread, last] : latest) {
    Taken taken = last;
    taken.event.ticks = begin_;
    if (last.event.kind == EventKind::Acquire) {
      auto& holder = holders[last.event.gil];
      if (holder.event.ticks == 0 || latest[holder.event.thread].event.ticks < last.event.ticks)
        holder = taken;
    } else if (last.event.kind != EventKind::Release) {
      taken = {{.ticks = begin_, .gil = last.event.gil, .thread = thread, .kind = EventKind::Request}, {}};
      waits.push_back(taken);
    }
  }
  // From its end on.
  taken_up_ = std::move(first);
  taken_up_.insert(taken_up_.end(), waits.begin(), waits.end());
  for (const auto& [gil, holder] : holders) taken_up_.push_back(holder);
}

// The first head has changed: moves it to its place.
void EventSequence::settle() noexcept {
  const Head moved = heap_.front();
  std::size_t place = 0;
  for (;;) {
    std::size_t child = 2 * place + 1;
    if (child >= heap_.size()) break;
    if (child + 1 < heap_.size() && heap_[child + 1] < heap_[child]) ++child;
    if (moved <= heap_[child]) break;
    heap_[place] = heap_[child];
    place = child;
  }
  heap_[place] = moved;
}

bool EventSequence::next(Event& event) {
  if (std::exchange(is_to_take_up_, false)) take_up();
  if (taken_up_.empty()) return next_of_file(event);
  event = taken_up_.back().event;
  stands_ = taken_up_.back().stands;
  taken_up_.pop_back();
  return true;
}

bool EventSequence::next_of_file(Event& event) {
  while (!heap_.empty()) {
    if (heap_.front().key.ticks > end_) {
      heap_.clear();
      return false;
    }
    const StreamReader& stream = *streams_[heap_.front().stream];
    const CapturedWait* const wait = stream.lock_wait();
    if (wait == nullptr) {
      event = stream.event();
      stands_ = stream.stands();
      ++count_;
    } else if (take_lock_wait_ && wait->end > begin_) {
      CapturedWait taken = *wait;
      taken.begin = std::max(taken.begin, begin_);
      take_lock_wait_(taken);
    }
    advance();
    if (wait == nullptr) return true;
  }
  if (expected_ && *expected_ != count_) {
    file_->reject(offsetof(FileHeader, events), fmt::format("the {} events that are there", count_));
  }
  return false;
}

// The stream of the first head goes on.
void EventSequence::advance() {
  const auto first = heap_.front().stream;
  if (streams_[first]->advance()) {
    heap_.front().key = streams_[first]->key();
  } else {
    streams_[first].reset();
    heap_.front() = heap_.back();
    heap_.pop_back();
  }
  if (heap_.size() > 1) settle();
}

}  // namespace gilscope
