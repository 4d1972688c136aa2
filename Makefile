# make train   set up what is missing and train keyword_spotting_alexa, from text to a profiled .tflite
# make test    set up what is missing and run everything that must pass
# make dry-run every stage of a training on a few clips, in about a minute
# make docs    the documentation's site, into build/site
# make mcu     the front end on an emulated Cortex-M: flash, RAM, and instructions stage by stage (CPU=cortex-m33 ...)
# Variables: MODEL=name, ARGS="...", EXTRAS=speech-gpl (GPL-3 voices of espeak-ng), PYTHON=python3.12

PYTHON ?= python3
MODEL ?= keyword_spotting_alexa
ARGS ?=
EXTRAS ?=
CPU ?= cortex-m4
VENV := .venv
BIN := $(VENV)/bin
JOBS := $(shell nproc 2>/dev/null || echo 2)
comma := ,
SOURCES := pyproject.toml $(shell find cpp -name '*.cpp' -o -name '*.hpp' -o -name '*.h' -o -name '*.c' -o -name CMakeLists.txt -o -name '*.cmake' -o -name '*.txt')

# Where Python may not keep what it has compiled, each of the many programs that tests start reads all modules anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: train dry-run test quick lint cpp-test docs mcu test-tools clean system

train: $(VENV)/.train
	$(BIN)/python -m mltk_like train $(MODEL) $(ARGS)

dry-run: $(VENV)/.train
	$(BIN)/python -m mltk_like train $(MODEL)-test $(ARGS)

test: lint cpp-test test-tools
	$(BIN)/python -m pytest -q -n $(JOBS) --dist worksteal

quick: $(VENV)/.test
	$(BIN)/python -m pytest -q -n $(JOBS) --dist worksteal -m "not slow"

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy --platform win32 --cache-dir .mypy_cache/win32
	$(BIN)/mypy --platform darwin --cache-dir .mypy_cache/darwin
	$(BIN)/clang-format --dry-run -Werror $$(find cpp examples/cpp tests/stand_ins mltk_like/verbs/export/folders -name '*.cpp' -o -name '*.hpp' -o -name '*.h' -o -name '*.c' -o -name '*.ino')

cpp-test: $(VENV)/.test
	$(BIN)/cmake -S cpp -B build/cpp-test -G Ninja -DCMAKE_MAKE_PROGRAM=$(abspath $(BIN))/ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo -DMLTK_BUILD_TESTS=ON -DMLTK_SANITIZE=ON -DMLTK_TFLM_LIBRARY="$$($(BIN)/python -c 'from mltk_like.tflite import find_tflm; print(find_tflm())')"
	$(BIN)/cmake --build build/cpp-test
	$(BIN)/ctest --test-dir build/cpp-test --output-on-failure -j $(JOBS)

docs: $(VENV)/.test
	$(BIN)/python scripts/docs/settings_page.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

mcu: $(VENV)/.test
	@sh scripts/system_packages.sh $(PYTHON) mcu
	$(BIN)/cmake -S cpp -B build/mcu-$(CPU) -G Ninja -DCMAKE_MAKE_PROGRAM=$(abspath $(BIN))/ninja -DCMAKE_TOOLCHAIN_FILE=mcu/toolchain-arm-none-eabi.cmake -DMLTK_MCU_CPU=$(CPU)
	$(BIN)/cmake --build build/mcu-$(CPU) --target mcu_size
	$(BIN)/cmake --build build/mcu-$(CPU) --target mcu_count

# The tests on an emulated Cortex-M and in a browser run where these can be had, and are skipped elsewhere.
test-tools:
	@sh scripts/system_packages.sh $(PYTHON) for-tests

# What only the system can give: a C++ compiler and Python's venv.
system:
	@sh scripts/system_packages.sh $(PYTHON)

$(BIN)/python: | system
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip

$(VENV)/.train: $(SOURCES) | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable ".[train,speech$(if $(EXTRAS),$(comma)$(EXTRAS))]"
	@touch $@

$(VENV)/.test: $(VENV)/.train
	$(BIN)/python -m pip install --quiet --editable ".[train,speech,speech-gpl,test]"
	@touch $@

clean:
	rm -rf $(VENV) build
