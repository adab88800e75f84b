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
GO_LICENSES   := $(TOOLS)/go-licenses
CYCLONEDX     := $(TOOLS)/cyclonedx-gomod
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
check: fmt-check vet mod-tidy-check generate-check lint licences test vuln ## Everything a change must pass
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

# bench/powercut mounts file systems and builds for Linux only; it is linted on any machine.
.PHONY: lint
lint: $(GOLANGCI_LINT) ## golangci-lint, every linter that .golangci.yml does not switch off
	$(GOLANGCI_LINT) run
	cd bench && $(GOLANGCI_LINT) run
	cd bench/powercut && GOOS=linux $(GOLANGCI_LINT) run

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

# Licences that ask for little more than to be named with the binary. Copyleft, even per file (MPL-2.0), is
# for a person to decide: there is none so far.
LICENCES := Apache-2.0,BSD-2-Clause,BSD-3-Clause,ISC,MIT
# What is linked into the binary for Linux, whatever machine this runs on.
LICENCES_OF := GOOS=linux GOARCH=amd64 CGO_ENABLED=0 $(GO_LICENSES)

.PHONY: licences
licences: $(GO_LICENSES) ## Fail on a licence not in LICENCES, or when docs/licences.md is out of date
	@mkdir -p $(BIN)
	@$(LICENCES_OF) check ./cmd/sever --ignore sever/ --allowed_licenses=$(LICENCES) 2>$(BIN)/licences.log || { \
	  echo "a licence that is not allowed; see LICENCES in Makefile:"; grep -v '^W\|^/' $(BIN)/licences.log; exit 1; }
	@$(LICENCES_OF) report ./cmd/sever --ignore sever/ --template tools/licences/licences.md.tmpl >$(BIN)/licences.md 2>$(BIN)/licences.log || { \
	  cat $(BIN)/licences.log; exit 1; }
	@cmp -s $(BIN)/licences.md docs/licences.md || { cp $(BIN)/licences.md docs/licences.md; \
	  echo "docs/licences.md was out of date; it is fresh now, commit it"; exit 1; }

.PHONY: sbom
sbom: build $(CYCLONEDX) ## What is inside bin/sever, as CycloneDX: bin/sever.cdx.json
	$(CYCLONEDX) bin -json -std -noserial -notimestamp -version $(VERSION) -output $(BIN)/sever.cdx.json $(BIN)/sever

##@ Prove

CHECKS ?= 20000
ROUNDS ?= 100
SOAK   ?= 1h
LAB    ?=

.PHONY: model
model: ## The model of the core, at length (CHECKS=20000 random plans)
	$(GO) test -run 'TestModel$$' -timeout 60m ./revocation -rapid.checks=$(CHECKS)

.PHONY: crash
crash: ## Kill Sever under load, ROUNDS times over (100), and judge what is left
	SEVER_CRASH_ROUNDS=$(ROUNDS) $(GO) test -count=1 -timeout 90m -v -run '^TestTheCrashLab$$' ./internal/app

.PHONY: powercut
powercut: build ## Power cuts under load, on a file system that forgets what was not fsynced (ROUNDS=100; needs FUSE)
	cd bench/powercut && POWERCUT_ROUNDS=$(ROUNDS) $(GO) test -count=1 -run 'TestNoAcceptedDeliveryIsLost|TestPeers' -v -timeout 90m .

.PHONY: soak
soak: ## Everything under a steady load for SOAK (1h): nothing lost or doubled, memory flat (BENCH_DIR=folder on a real disk)
	SOAK=$(SOAK) $(GO) test -run '^$$' -bench '^BenchmarkSoak$$' -benchtime 1x -timeout 0 -v ./internal/bench

.PHONY: lab
lab: build ## Sever beside a Watermill peer and the machine's limits (LAB=flags; see bench/README.md)
	cd bench && $(GO) run ./cmd/lab -sever $(BIN)/sever $(LAB)

.PHONY: labs-check
labs-check: build ## The labs themselves, in short
	cd bench && $(GO) mod tidy -diff && $(GO) vet ./...
	cd bench/powercut && $(GO) mod tidy -diff && $(GO) vet ./...
	$(GO) test -C bench ./...
	SEED=1 $(GO) test -C bench/powercut ./...

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

$(GO_LICENSES): tools/licences/go.mod tools/licences/go.sum
	cd tools/licences && GOFLAGS= GOBIN=$(TOOLS) $(GO) install tool
	@touch $@

$(CYCLONEDX): tools/cyclonedx/go.mod tools/cyclonedx/go.sum
	cd tools/cyclonedx && GOFLAGS= GOBIN=$(TOOLS) $(GO) install tool
	@touch $@

$(GOVULNCHECK): tools/govulncheck/go.mod tools/govulncheck/go.sum tools/govulncheck/probe/main.go
	cd tools/govulncheck && GOFLAGS=-buildvcs=false GOBIN=$(TOOLS) $(GO) install tool ./probe
	@touch $@
