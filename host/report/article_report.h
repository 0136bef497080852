// Words and JSON for what `gilscope article` measured, and for its verdicts.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "analysis/article.h"
#include "report/text.h"

namespace gilscope {

// What the figures were made from.
struct ArticleContext {
  nlohmann::ordered_json python;   // as doctor's JSON has it
  nlohmann::ordered_json machine;  // likewise
  std::vector<std::string> command;
  bool is_full = false;          // the article's own durations and sizes
  std::uint64_t iterations = 0;  // of each count of bytecode
  double scale = 1;              // of each wait
  unsigned rounds = 0;           // asked for
  bool is_complete = true;       // false: interrupted
};

// The programs, claim by claim what was measured and the verdict, and the article's seconds beside ours.
[[nodiscard]] std::string format_article(const ArticleMeasurements& measurements,
                                         const ArticleContext& context, const TextStyle& style = {});

// "The article under CPython 3.13.0, 2 CPUs usable: …"
[[nodiscard]] std::string describe_article(const ArticleContext& context);

// "13 claims: 11 hold, 1 does not, 1 cannot be tested here."
[[nodiscard]] std::string describe_claims(const std::vector<Claim>& claims);

// "queries speedup 1.98 × (1.90–2.00)", all in one line.
[[nodiscard]] std::string describe_figure(const Figure& figure);

// docs/schemas/article.schema.json describes it.
[[nodiscard]] nlohmann::ordered_json article_json(const ArticleMeasurements& measurements,
                                                  const ArticleContext& context);

}  // namespace gilscope
