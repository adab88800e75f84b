# "make" alone lists what there is. Everything here needs Go, make and git only; "lint", "fmt" and "vuln"
# fetch their tool through the Go module proxy on first use, at the version in tools/*/go.mod.

.DEFAULT_GOAL := help
.NOTPARALLEL: # the steps of "check" stop at the first failure, in order

GO         ?= go
BIN        := $(CURDIR)/bin
VERSION    := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
ARGS       ?=
TEST_FLAGS ?=
BENCH_PKGS ?= ./...
FUZZTIME   ?= 60s
# Go would spend up to a minute on making each interesting input smaller, and that minute is all there is.
# A crash that it leaves large: repeat that target with more, such as FUZZMIN=60s.
FUZZMIN    ?= 200x

# A linter built with an older Go refuses to read newer code, so each Go version has its own tools.
TOOLS         := $(BIN)/tools-$(shell $(GO) env GOVERSION)
GOLANGCI_LINT := $(TOOLS)/golangci-lint
GOVULNCHECK   := $(TOOLS)/govulncheck
VULN_PROBE    := $(TOOLS)/probe
GOVULNDB      ?= https://vuln.go.dev

# The race detector needs cgo, and Go turns cgo off where it finds no C compiler.
RACE := $(if $(filter 1,$(shell $(GO) env CGO_ENABLED)),-race)

##@ Use

.PHONY: help
help: ## List the targets
	@awk 'BEGIN { FS = ":.*## " } \
	  /^##@ / { printf "\n%s\n", substr($$0, 5) } \
	  /^[a-z][a-z-]*:.*## / { printf "  %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: ## Build bin/sever, static, with its version
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o $(BIN)/sever ./cmd/sever

.PHONY: demo
demo: ## Watch alerts become revocations on this machine (ARGS=--once to stop by itself)
	$(GO) run ./cmd/sever demo $(ARGS)

##@ Check

.PHONY: check
check: fmt-check vet mod-tidy-check generate-check lint test vuln ## Everything a change must pass
	@echo "check: all passed"

.PHONY: fmt-check
fmt-check: ## Fail on files gofmt would change
	@files=$$($$($(GO) env GOROOT)/bin/gofmt -l .) && test -z "$$files" || { echo "not formatted; run \"make fmt\":"; echo "$$files"; exit 1; }

.PHONY: vet
vet: ## go vet
	$(GO) vet ./...

.PHONY: mod-tidy-check
mod-tidy-check: ## Fail when go.mod or go.sum is not tidy
	$(GO) mod tidy -diff

# Compares the working tree before and after, in an index of its own: what was changed but not yet
# committed does not matter, what "go generate" changes does.
TREE := GIT_INDEX_FILE=$(BIN)/generate-check.index sh -c 'git add -A . && git write-tree'

.PHONY: generate-check
generate-check: ## Fail when a generated file is out of date
	@mkdir -p $(BIN)
	@before=$$($(TREE)) && $(GO) generate ./... && after=$$($(TREE)) || exit 1; \
	  rm -f $(BIN)/generate-check.index; \
	  test "$$before" = "$$after" || { \
	    echo "generated files were out of date; they are fresh now, commit them:"; \
	    git diff --name-status "$$before" "$$after"; exit 1; }

.PHONY: lint
lint: $(GOLANGCI_LINT) ## golangci-lint, every linter that .golangci.yml does not switch off
	$(GOLANGCI_LINT) run

.PHONY: test
test: ## Tests with the race detector, in random order
ifeq ($(RACE),)
	@echo "****************************************************************"
	@echo "** NO C COMPILER: testing WITHOUT the race detector.          **"
	@echo "** Install gcc or clang, and unset CGO_ENABLED, to have it.   **"
	@echo "****************************************************************"
endif
	$(GO) test $(RACE) -shuffle=on $(TEST_FLAGS) ./...

.PHONY: vuln
vuln: $(GOVULNCHECK) ## Known vulnerabilities in what the code calls (GOVULNDB=URL for a mirror)
	@case "$(GOVULNDB)" in file:*) ;; *) $(VULN_PROBE) "$(GOVULNDB)";; esac; reached=$$?; \
	case $$reached in \
	0) $(GOVULNCHECK) -db "$(GOVULNDB)" ./... ;; \
	1) echo "****************************************************************"; \
	   echo "** vulnerability database not reachable: NOT CHECKED"; \
	   echo "** $(GOVULNDB)"; \
	   echo "****************************************************************" ;; \
	*) exit $$reached ;; \
	esac

##@ Measure

.PHONY: bench
bench: ## Benchmarks (BENCH_PKGS=./queue/... for some)
	$(GO) test -run '^$$' -bench . -benchmem $(BENCH_PKGS)

.PHONY: cover
cover: ## Test coverage: total here, lines in bin/coverage.html
	@mkdir -p $(BIN)
	$(GO) test -coverpkg=./... -covermode=atomic -coverprofile=$(BIN)/coverage.out ./...
	$(GO) tool cover -html=$(BIN)/coverage.out -o $(BIN)/coverage.html
	@$(GO) tool cover -func=$(BIN)/coverage.out | tail -n 1

.PHONY: fuzz
fuzz: ## Every fuzz target for FUZZTIME (60s)
	@set -e; packages=$$($(GO) list ./...); \
	for package in $$packages; do \
	  listed=$$($(GO) test -list '^Fuzz' $$package); \
	  for target in $$(echo "$$listed" | grep '^Fuzz' || true); do \
	    echo "fuzz: $$package $$target"; \
	    $(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime $(FUZZMIN) $$package; \
	  done; \
	done

##@ Change

.PHONY: fmt
fmt: $(GOLANGCI_LINT) ## Format as the linter wants it (gofumpt, goimports)
	$(GOLANGCI_LINT) fmt

.PHONY: generate
generate: ## go generate
	$(GO) generate ./...

.PHONY: clean
clean: ## Remove bin/
	rm -rf $(BIN)

# A tool is its own stamp: rebuilt when its go.mod or go.sum changes, or with another Go (see TOOLS).
$(GOLANGCI_LINT): tools/golangci-lint/go.mod tools/golangci-lint/go.sum
	@echo "building golangci-lint: a few minutes the first time, then never again"
	cd tools/golangci-lint && GOFLAGS= GOBIN=$(TOOLS) $(GO) install tool
	@touch $@

$(GOVULNCHECK): tools/govulncheck/go.mod tools/govulncheck/go.sum tools/govulncheck/probe/main.go
	cd tools/govulncheck && GOFLAGS=-buildvcs=false GOBIN=$(TOOLS) $(GO) install tool ./probe
	@touch $@
