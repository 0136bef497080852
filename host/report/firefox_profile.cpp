#include "report/firefox_profile.h"

#include <map>
#include <optional>
#include <utility>

#include <nlohmann/json.hpp>

#include "support/json_values.h"

namespace gilscope {
namespace {

using nlohmann::ordered_json;

constexpr int kVersion = 48;
constexpr int kHolding = 1;  // by number in the list of categories
constexpr int kWaiting = 2;
constexpr int kLocked = 3;

ordered_json category(const char* name, const char* color) {
  return {{"name", name}, {"color", color}, {"subcategories", {"Other"}}};
}

ordered_json field(const char* key, const char* label, const char* format) {
  return {{"key", key}, {"label", label}, {"format", format}, {"searchable", true}};
}

ordered_json schemas() {
  const ordered_json everywhere{"marker-chart", "marker-table", "timeline-overview"};
  return {{{"name", "GilHold"},
           {"display", everywhere},
           {"tooltipLabel", "holds GIL {marker.data.gil}"},
           {"tableLabel", "{marker.data.to}"},
           {"chartLabel", "{marker.data.to}"},
           {"data",
            {field("gil", "GIL", "integer"), field("forced", "Release", "string"),
             field("caused", "Made others wait", "duration"), field("from", "From", "unique-string"),
             field("to", "To", "unique-string")}}},
          {{"name", "GilWait"},
           {"display", everywhere},
           {"tooltipLabel", "waits for GIL {marker.data.gil}"},
           {"tableLabel", "GIL {marker.data.gil}"},
           {"chartLabel", "{marker.name}"},
           {"data", ordered_json::array({field("gil", "GIL", "integer")})}},
          {{"name", "LockWait"},
           {"display", everywhere},
           {"tooltipLabel", "{marker.name}"},
           {"tableLabel", "{marker.data.at}"},
           {"chartLabel", "{marker.name}"},
           {"data", ordered_json::array({field("at", "At", "unique-string")})}}};
}

ordered_json meta_of(const std::string& name, const FirefoxOrigin& origin) {
  return {{"interval", 1},
          {"startTime", origin.since_epoch_ms},
          {"startTimeAsClockMonotonicNanosecondsSinceBoot", origin.since_boot.count()},
          {"processType", 0},
          {"product", name},
          {"importedFrom", "gilscope"},
          {"stackwalk", 1},
          {"debug", false},
          {"version", 30},
          {"preprocessedProfileVersion", kVersion},
          {"symbolicated", true},
          {"usesOnlyOneStackType", true},
          {"doesNotUseFrameImplementation", true},
          {"sourceCodeIsNotOnSearchfox", true},
          {"keepProfileThreadOrder", true},
          {"categories",
           {category("Other", "grey"), category("Holding the GIL", "blue"),
            category("Waiting for the GIL", "orange"), category("Waiting for a lock", "purple")}},
          {"markerSchema", schemas()}};
}

// Milliseconds, exact to the nanosecond.
std::string milliseconds(Nanoseconds time) {
  return fmt::format("{}.{:06}", time.count() / 1'000'000, time.count() % 1'000'000);
}

// The tables of one thread, whose rows refer to each other by number.
class Tables {
 public:
  explicit Tables(const CodeStacks& stacks) : stacks_(&stacks) {}

  std::size_t string(const std::string& text) {
    const auto [at, is_new] = string_numbers_.try_emplace(text, strings_.size());
    if (is_new) strings_.push_back(text);
    return at->second;
  }
  std::size_t place(StackId stack) {
    return string(describe_frame(stacks_->place(stacks_->stack(stack).front())));
  }
  // Its row in the stack table: a tree, of which each row names its parent.
  std::size_t stack(StackId id) {
    const auto known = stack_numbers_.find(id);
    if (known != stack_numbers_.end()) return known->second;
    const auto& places = stacks_->stack(id);
    auto place = places.rbegin();
    std::size_t row = node({}, frame(*place));
    while (++place != places.rend()) row = node(row, frame(*place));
    return stack_numbers_[id] = row;
  }

  [[nodiscard]] std::string json() const {
    const auto all = [](const ordered_json& column, const ordered_json& value) {
      return ordered_json(column.size(), value);
    };
    const ordered_json none = ordered_json::array();
    return fmt::format(
        R"("frameTable":{},"funcTable":{},"stackTable":{},"resourceTable":{},"nativeSymbols":{},"stringArray":{})",
        dump_json({{"length", lines_.size()},
                   {"address", all(lines_, -1)},
                   {"inlineDepth", all(lines_, 0)},
                   {"category", all(lines_, kHolding)},
                   {"subcategory", all(lines_, 0)},
                   {"func", funcs_},
                   {"nativeSymbol", all(lines_, nullptr)},
                   {"innerWindowID", all(lines_, nullptr)},
                   {"implementation", all(lines_, nullptr)},
                   {"line", lines_},
                   {"column", all(lines_, nullptr)}}),
        dump_json({{"length", func_names_.size()},
                   {"name", func_names_},
                   {"isJS", all(func_names_, false)},
                   {"relevantForJS", all(func_names_, false)},
                   {"resource", all(func_names_, -1)},
                   {"fileName", func_files_},
                   {"lineNumber", all(func_names_, nullptr)},
                   {"columnNumber", all(func_names_, nullptr)}}),
        dump_json({{"length", frames_.size()},
                   {"frame", frames_},
                   {"prefix", prefixes_},
                   {"category", all(frames_, kHolding)},
                   {"subcategory", all(frames_, 0)}}),
        dump_json({{"length", 0}, {"lib", none}, {"name", none}, {"host", none}, {"type", none}}),
        dump_json(
            {{"length", 0}, {"libIndex", none}, {"address", none}, {"name", none}, {"functionSize", none}}),
        dump_json(strings_));
  }

 private:
  std::size_t func(const CodePlace& place) {
    const auto [at, is_new] = func_numbers_.try_emplace({place.file, place.function}, func_names_.size());
    if (is_new) {
      func_names_.push_back(string(place.function));
      func_files_.push_back(string(place.file));
    }
    return at->second;
  }
  std::size_t frame(PlaceId id) {
    const auto [at, is_new] = frame_numbers_.try_emplace(id, lines_.size());
    if (is_new) {
      const auto& place = stacks_->place(id);
      funcs_.push_back(func(place));
      lines_.push_back(place.line > 0 ? ordered_json(place.line) : ordered_json(nullptr));
    }
    return at->second;
  }
  std::size_t node(std::optional<std::size_t> parent, std::size_t frame) {
    const auto [at, is_new] = node_numbers_.try_emplace({parent, frame}, frames_.size());
    if (is_new) {
      frames_.push_back(frame);
      prefixes_.push_back(parent ? ordered_json(*parent) : ordered_json(nullptr));
    }
    return at->second;
  }

  const CodeStacks* stacks_;
  std::map<std::string, std::size_t> string_numbers_;
  std::map<std::pair<std::string, std::string>, std::size_t> func_numbers_;
  std::map<PlaceId, std::size_t> frame_numbers_;
  std::map<std::pair<std::optional<std::size_t>, std::size_t>, std::size_t> node_numbers_;
  std::map<StackId, std::size_t> stack_numbers_;
  ordered_json strings_ = ordered_json::array();
  ordered_json func_names_ = ordered_json::array();
  ordered_json func_files_ = ordered_json::array();
  ordered_json funcs_ = ordered_json::array();   // of frames
  ordered_json lines_ = ordered_json::array();   // of frames
  ordered_json frames_ = ordered_json::array();  // of the stack table
  ordered_json prefixes_ = ordered_json::array();
};

bool is_hold(const SpooledInterval& interval) { return interval.kind == IntervalKind::Hold; }

int category_of(const SpooledInterval& interval) {
  if (is_of_lock(interval.kind)) return kLocked;
  return is_hold(interval) ? kHolding : kWaiting;
}

bool is_sample(const SpooledInterval& interval) { return interval.caused_wait > Nanoseconds::zero(); }

std::string payload_of(const SpooledInterval& interval, Tables& tables) {
  if (is_of_lock(interval.kind)) {
    return interval.from ? fmt::format(R"({{"type":"LockWait","at":{}}})", tables.place(*interval.from))
                         : R"({"type":"LockWait"})";
  }
  const auto gil = static_cast<std::uint32_t>(interval.gil);
  if (!is_hold(interval)) return fmt::format(R"({{"type":"GilWait","gil":{}}})", gil);
  auto text = fmt::format(R"({{"type":"GilHold","gil":{},"forced":"{}")", gil,
                          interval.is_forced ? "forced" : "voluntary");
  if (is_sample(interval)) text += fmt::format(R"(,"caused":{})", milliseconds(interval.caused_wait));
  if (interval.from) text += fmt::format(R"(,"from":{})", tables.place(*interval.from));
  if (interval.to) text += fmt::format(R"(,"to":{})", tables.place(*interval.to));
  return text + '}';
}

}  // namespace

FirefoxProfile::FirefoxProfile(TextSink sink, const std::string& name, const FirefoxOrigin& origin)
    : text_(std::move(sink)) {
  text_.print(R"({{"meta":{},"libs":[],"pages":[],"threads":[)", dump_json(meta_of(name, origin)));
}

// `write` returns the text of an interval's cell; none: the interval has no row in this table.
template <typename Write>
void FirefoxProfile::write_column(const char* name, ThreadId thread, IntervalSpool& spool, Write write) {
  text_.print(R"("{}":[)", name);
  bool is_first = true;
  spool.read(thread, [&](const SpooledInterval& interval) {
    const std::string cell = write(interval);
    if (cell.empty()) return;
    if (!is_first) text_.append(",");
    is_first = false;
    text_.append(cell);
  });
  text_.append("]");
}

void FirefoxProfile::add(const FirefoxProcess& process, const FirefoxThread& thread, IntervalSpool& spool,
                         const CodeStacks& stacks) {
  std::uint64_t samples = 0;
  std::optional<Nanoseconds> begin;
  spool.read(thread.id, [&](const SpooledInterval& interval) {
    if (!begin) begin = interval.begin;
    if (is_sample(interval)) ++samples;
  });
  Tables tables(stacks);
  const auto column = [&](const char* name, auto write) { write_column(name, thread.id, spool, write); };
  const auto sample_column = [&](const char* name, auto write) {
    column(name, [&](const SpooledInterval& row) { return is_sample(row) ? write(row) : std::string(); });
  };
  text_.append(is_empty_ ? "\n" : ",\n");
  is_empty_ = false;
  text_.print(R"({{"processType":"default","processStartupTime":{},"processShutdownTime":null,)"
              R"("registerTime":{},"unregisterTime":null,"pausedRanges":[],"showMarkersInTimeline":true,)"
              R"("name":{},"isMainThread":{},"processName":{},"pid":{},"tid":{},"samples":{{"length":{},)",
              milliseconds(process.begin), milliseconds(begin.value_or(process.begin)),
              quote_json(thread.name), thread.is_main, quote_json(process.name), quote_json(process.pid),
              static_cast<std::uint32_t>(thread.id), samples);
  sample_column("stack", [&](const SpooledInterval& row) {
    return row.to ? fmt::format("{}", tables.stack(*row.to)) : std::string("null");
  });
  text_.append(",");
  sample_column("time", [](const SpooledInterval& row) { return milliseconds(row.end); });
  text_.append(",");
  sample_column("weight", [](const SpooledInterval& row) { return milliseconds(row.caused_wait); });
  text_.print(R"(,"weightType":"tracing-ms"}},"markers":{{"length":{},)", spool.count(thread.id));
  column("data", [&](const SpooledInterval& row) { return payload_of(row, tables); });
  text_.append(",");
  std::map<IntervalKind, std::size_t> names;  // of those that there are
  column("name", [&](const SpooledInterval& row) {
    const auto [at, is_new] = names.try_emplace(row.kind);
    if (is_new) at->second = tables.string(std::string(name_of(row.kind)));
    return fmt::format("{}", at->second);
  });
  text_.append(",");
  column("startTime", [](const SpooledInterval& row) { return milliseconds(row.begin); });
  text_.append(",");
  column("endTime", [](const SpooledInterval& row) { return milliseconds(row.end); });
  text_.append(",");
  column("phase", [](const SpooledInterval&) { return std::string("1"); });  // an interval
  text_.append(",");
  column("category", [](const SpooledInterval& row) { return fmt::format("{}", category_of(row)); });
  text_.append("},");
  text_.append(tables.json());
  text_.append("}");
}

void FirefoxProfile::finish() {
  text_.append("\n]}\n");
  text_.flush();
}

}  // namespace gilscope
