# Targets of Brume. `make` alone lists them.
.DEFAULT_GOAL := help
.PHONY: help build test lint bench ci models generate service

help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## build ./brume, without cgo
	CGO_ENABLED=0 go build -o brume ./cmd/brume

test: ## run all tests
	go test ./...

lint: ## vet, the rules of the house, and staticcheck
	go vet ./...
	go test -count=1 .
	go run honnef.co/go/tools/cmd/staticcheck@v0.8.2 -checks inherit,-ST1005,-SA1008 ./...

bench: build ## measure the platform beside what the machine could do at best
	./brume bench

ci: ## what CI runs
	.ci/run

node_modules/.package-lock.json: package.json package-lock.json
	npm ci --ignore-scripts --no-audit --no-fund

models: node_modules/.package-lock.json ## fetch AWS's API models (npm; needed to generate only)

generate: models ## regenerate api/*api and docs/COMPATIBILITY.md from the models, ops.txt and overlays
	go run ./api/gen

service: models ## add a service: make service NAME=athena
	@test -n "$(NAME)" || { echo "usage: make service NAME=athena"; exit 2; }
	go run ./api/gen -new $(NAME)
