# Every target sets up what it needs first. `make` alone lists the targets.
.DEFAULT_GOAL := help
.PHONY: help setup run test check format validate train learn shell evaluate compare-nlu bench-turns bench-automation rules clean

PYTHON := .venv/bin/python

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' Makefile

setup: ## make both Python environments (instant when nothing changed)
	@ops/setup.sh

run: setup ## start everything on this machine; Ctrl-C stops it
	@$(PYTHON) -m ops run

test: setup ## run every test (PHASES="unit rasa" runs only these)
	@$(PYTHON) -m ops test $(PHASES)

check: setup ## lint, format, types, data files
	@$(PYTHON) -m ops test check

format: setup ## put the Python code into shape
	@$(PYTHON) -m ruff check --fix . && $(PYTHON) -m ruff format .

validate: setup ## for designers: is what I wrote in data/ and domain.yml right?
	@$(PYTHON) -m ops validate --with-rasa

train: setup ## train the bot (make run does it too, when something changed)
	@$(PYTHON) -m ops train

learn: setup ## learn from conversations: what to decide on, and a new model if it is no worse
	@$(PYTHON) -m ops learn $(ARGS)

shell: setup ## chat in the terminal; starts the system when it is not running
	@$(PYTHON) -m ops shell

evaluate: setup ## simulated customers: make evaluate CASES=file.jsonl [REPORT=out.json, page beside it]
	@$(PYTHON) -m evaluation $(if $(CASES),"$(CASES)",--help) $(if $(REPORT),--report "$(REPORT)") $(ARGS)

compare-nlu: setup ## ways to understand a message, side by side (ARGS="--write" into docs/)
	@$(PYTHON) -m evaluation.compare_nlu $(ARGS)

bench-turns: setup ## how long a turn of the bot takes, plain and with an action
	@$(PYTHON) -m ops train --if-needed
	@.venv-bot/bin/python -m bot.bench_turns

rules: setup ## why a ticket is as it is: make rules ORDER=... (order, waybill or ticket)
	@$(PYTHON) -m desk rules "$(ORDER)"

bench-automation: setup ## callbacks at a festival's speed, and kill -9 (REPORT=out.json, ARGS="--orders 50000")
	@$(PYTHON) -m ops train --if-needed
	@$(PYTHON) -m evaluation.bench_automation $(if $(REPORT),--report "$(REPORT)") $(ARGS)

clean: ## remove caches and trained models; environments and data (var/) stay
	@rm -rf models results .rasa .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -not -path './.venv*' -prune -exec rm -rf {} +
