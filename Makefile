# The names of what can be done; how is in tools/. PYTHON=… chooses the CPython (tools/choose_python.py --why).
.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: demo build test test-all contract test-busy wheel cpython-tests sanitize bench flavours plots corpus docs docs-outputs lint format clean help

demo: ## Build, then compare the article's counting programs in every mode
	@sh tools/demo.sh
build: ## Install what is missing, build the host (build/gilscope) and the extension
	@sh tools/build.sh
test: ## Build, then run every test
	@sh tools/test.sh
test-all: ## Build and test with every usable CPython of this machine
	@sh tools/test_all.sh
contract: ## After `make test`: with every other usable CPython what is promised with each
	@sh tools/test_all.sh --contract
test-busy: ## Run every test three times on a machine that gives them little: all must be green
	@sh tools/test_busy.sh
wheel: ## Build the sdist and a wheel for every usable CPython into dist/, and test each where nothing else is
	@sh tools/wheel.sh
cpython-tests: ## Build, then run CPython's own tests of threads and processes under the host and without it
	@sh tools/cpython_tests.sh
sanitize: ## Build and run the unit tests with AddressSanitizer and UBSan, then with ThreadSanitizer
	@sh tools/sanitize.sh
bench: ## Build, then run the benchmarks
	@sh tools/bench.sh
flavours: ## Install PyPy and Jython (Debian), then measure which Python here has a GIL
	@sh tools/flavours.sh
plots: ## Measure the article's claims, then draw the plots of docs/article.md and write its figures
	@sh tools/plots.sh
corpus: ## Build, then record the programs of tests/corpus anew, and judge what is said of them
	@sh tools/corpus.sh
docs: ## Build, then make the site of docs/ (build/docs); no warning is accepted
	@sh tools/docs.sh
docs-outputs: ## Build, then run the commands that README.md and docs/ show, and write their output there
	@sh tools/docs_outputs.sh
lint: ## Run every linter and type checker; no warning is accepted
	@sh tools/lint.sh
format: ## Put C++ and Python into the project's format
	@sh tools/format.sh
clean: ## Remove what the others made
	@sh tools/clean.sh
help: ## List the targets
	@sed -n 's/^\([a-z-]*\): ## /  make \1\t/p' Makefile | expand -t 22
