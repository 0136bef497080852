// What the article's measuring programs print, read: good documents, and all that is none.
#include "run/article_records.h"

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "expect_error.h"

namespace gilscope {
namespace {

using Json = nlohmann::json;
using test::error_of;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// A document of each kind that has every key with every kind of value that it may have.
Json exchange_document() {
  return Json::parse(R"({
    "schema": "gilscope.exchange/1", "python": "3.13.0", "start_method": "fork", "rows": [
      {"way": "multiprocessing.Queue", "between": "processes", "bytes": 67108864, "latency_ns": 90000000,
       "bytes_per_s": 745654044.4, "repeats": 3, "reason": null},
      {"way": "interpreters.Queue", "between": "sub-interpreters", "bytes": 1, "latency_ns": null,
       "bytes_per_s": null, "repeats": null, "reason": "needs Python 3.14"}]})");
}

Json process_count_document() {
  return Json::parse(R"({
    "schema": "gilscope.process-count/1", "python": "3.13.0", "default": "fork", "methods": [
      {"method": "fork", "processes": [{"pid": 7, "role": "program"}, {"pid": 8, "role": "worker"}],
       "reason": null},
      {"method": "spawn", "processes": [], "reason": "no more processes"}]})");
}

Json flavours_document() {
  return Json::parse(R"({
    "schema": "gilscope.flavours/1", "usable_cpus": 2, "repeats": 3, "rows": [
      {"name": "PyPy", "version": "7.3.11", "executable": "/usr/bin/pypy3", "status": "ok", "reason": "",
       "iterations": 12000000, "sequential_s": 1, "threads_s": 1.06,
       "ratio": {"median": 1.0625, "low": 1.0, "high": 1.125}, "has_gil": true},
      {"name": "Jython", "version": null, "executable": null, "status": "missing", "reason": "not found",
       "iterations": null, "sequential_s": null, "threads_s": null, "ratio": null, "has_gil": null}]})");
}

struct Kind {
  std::string name;
  Json document;
  const char* rows;
  std::function<void(const std::string&)> parse;
};

void PrintTo(const Kind& kind, std::ostream* stream) { *stream << kind.name; }

class ArticleDocument : public ::testing::TestWithParam<Kind> {
 protected:
  void expect_refused(const std::string& text, const std::string& words = "cannot be read") {
    const auto error = error_of([&] { GetParam().parse(text); });
    EXPECT_THAT(error.what(), HasSubstr("what should be gilscope." + GetParam().name + "/1")) << text;
    EXPECT_THAT(error.what(), HasSubstr(words)) << text;
    EXPECT_THAT(error.hint(), HasSubstr("report"));
  }
};

INSTANTIATE_TEST_SUITE_P(
    Kinds, ArticleDocument,
    testing::Values(Kind{"exchange", exchange_document(), "rows",
                         [](const auto& text) { static_cast<void>(parse_exchange(text)); }},
                    Kind{"process-count", process_count_document(), "methods",
                         [](const auto& text) { static_cast<void>(parse_process_count(text)); }},
                    Kind{"flavours", flavours_document(), "rows",
                         [](const auto& text) { static_cast<void>(parse_flavours(text)); }}));

TEST_P(ArticleDocument, that_is_good_is_read) {
  EXPECT_NO_THROW(GetParam().parse(GetParam().document.dump()));
}

TEST_P(ArticleDocument, of_another_schema_is_refused) {
  for (const auto& schema :
       {Json("gilscope.summary/1"), Json("gilscope." + GetParam().name + "/2"), Json(1), Json()}) {
    auto document = GetParam().document;
    document["schema"] = schema;
    expect_refused(document.dump(), "is another document");
  }
}

TEST_P(ArticleDocument, that_is_no_json_or_no_object_is_refused) {
  const auto whole = GetParam().document.dump();
  for (const auto& text :
       {std::string(), std::string("{"), std::string("null"), std::string("[]"), std::string("7"),
        std::string("\"text\""), std::string("Time taken: 1 seconds\n") + whole, whole + "}",
        whole.substr(0, whole.size() / 2), std::string("\xff\xfe"), std::string("\0", 1)})
    expect_refused(text);
}

TEST_P(ArticleDocument, whose_rows_are_none_is_refused) {
  for (const auto& rows :
       {Json(1), Json("rows"), Json{{"a", 1}}, Json{1}, Json{"text"}, Json{nullptr}, Json{Json::array()}}) {
    auto document = GetParam().document;
    document[GetParam().rows] = rows;
    expect_refused(document.dump());
  }
}

// Keys that are read; the others are for people.
bool is_read(const std::string& key) {
  for (const auto* unread :
       {"python", "start_method", "repeats", "usable_cpus", "iterations", "pid", "low", "high"}) {
    if (key == unread) return false;
  }
  return true;
}

// Calls it with each document that lacks one key, and with each that has a value of another kind there.
void for_each_spoiled(const Json& document, const std::function<void(const Json&)>& use) {
  const auto flat = document.flatten();
  for (const auto& item : flat.items()) {
    const Json::json_pointer pointer(item.key());
    if (!is_read(pointer.back())) continue;
    for (const auto& other : {Json(Json::array()), Json{{"surprise", 1}}}) {
      if (document[pointer].is_array() && other.is_array()) continue;  // the empty list of no processes
      auto changed = document;
      changed[pointer] = other;
      use(changed);
    }
    auto changed = document;
    changed[pointer.parent_pointer()].erase(pointer.back());
    use(changed);
  }
}

TEST_P(ArticleDocument, without_a_key_or_with_a_value_of_another_kind_is_refused) {
  for_each_spoiled(GetParam().document, [this](const Json& spoiled) { expect_refused(spoiled.dump(), ""); });
}

TEST(ExchangeRows, have_their_figures_or_a_reason) {
  const auto rows = parse_exchange(exchange_document().dump());
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].way, "multiprocessing.Queue");
  EXPECT_EQ(rows[0].between, "processes");
  EXPECT_EQ(rows[0].bytes, 1U << 26U);
  EXPECT_EQ(rows[0].latency, std::chrono::milliseconds(90));
  EXPECT_DOUBLE_EQ(*rows[0].bytes_per_s, 745654044.4);
  EXPECT_EQ(rows[0].reason, "");
  EXPECT_FALSE(rows[1].latency);
  EXPECT_FALSE(rows[1].bytes_per_s);
  EXPECT_EQ(rows[1].reason, "needs Python 3.14");
}

TEST(ProcessCounts, have_the_roles_of_their_processes_and_know_the_default) {
  const auto counts = parse_process_count(process_count_document().dump());
  ASSERT_EQ(counts.size(), 2U);
  EXPECT_TRUE(counts[0].is_default);
  EXPECT_THAT(counts[0].roles, ElementsAre("program", "worker"));
  EXPECT_EQ(counts[0].reason, "");
  EXPECT_FALSE(counts[1].is_default);
  EXPECT_THAT(counts[1].roles, IsEmpty());
  EXPECT_EQ(counts[1].reason, "no more processes");
}

TEST(FlavourRows, have_what_is_known) {
  const auto rows = parse_flavours(flavours_document().dump());
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].name, "PyPy");
  EXPECT_EQ(rows[0].version, "7.3.11");
  EXPECT_EQ(rows[0].executable, "/usr/bin/pypy3");
  EXPECT_EQ(rows[0].sequential_s, 1.0);
  EXPECT_EQ(rows[0].ratio, 1.0625);
  EXPECT_EQ(rows[0].has_gil, true);
  EXPECT_EQ(rows[1].status, "missing");
  EXPECT_EQ(rows[1].reason, "not found");
  EXPECT_EQ(rows[1].version, "");
  EXPECT_FALSE(rows[1].ratio);
  EXPECT_FALSE(rows[1].has_gil);
}

TEST(FlavourRows, may_be_none) {
  auto document = flavours_document();
  document["rows"] = Json::array();
  EXPECT_THAT(parse_flavours(document.dump()), IsEmpty());
}

}  // namespace
}  // namespace gilscope
