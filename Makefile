# Targets of Brume. `make` alone lists them.
.DEFAULT_GOAL := help
.PHONY: help models generate service

help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

node_modules/.package-lock.json: package.json package-lock.json
	npm ci --ignore-scripts --no-audit --no-fund

models: node_modules/.package-lock.json ## fetch AWS's API models (npm; needed to generate only)

generate: models ## regenerate api/*api and docs/COMPATIBILITY.md from the models, ops.txt and overlays
	go run ./api/gen

service: models ## add a service: make service NAME=athena
	@test -n "$(NAME)" || { echo "usage: make service NAME=athena"; exit 2; }
	go run ./api/gen -new $(NAME)
