#!/bin/sh
# Measures what the article claims, then draws the plots of docs/article.md and writes its figures. ARTICLE_JSON=FILE
# takes what `gilscope article --json` found earlier (docs/article/measured.json draws the same again). Arguments go to
# `gilscope article` (`sh tools/plots.sh --rounds 9`).
if [ -n "${ARTICLE_JSON:-}" ]; then
  ARTICLE_JSON=$(realpath -e -- "$ARTICLE_JSON") || exit 2
  . "$(dirname "$0")/setup.sh"
else
  . "$(dirname "$0")/build.sh"
  ARTICLE_JSON=$ROOT/build/article.json
  "$GILSCOPE_HOST" article --force --json "$ARTICLE_JSON" "$@"
fi
install_group plots

"$VENV/bin/python" tools/article_figures.py "$ARTICLE_JSON"
"$VENV/bin/python" tools/plot_article.py
say "docs/article.md and docs/article/ are up to date"
