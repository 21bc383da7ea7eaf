# Two commands do everything on a fresh machine that has a Swift toolchain:
#   make demo    builds the command and enlarges a photo
#   make test    builds and runs every test
# Both first install the C libraries' headers where they are missing (Debian and Ubuntu, as root or through sudo).

SWIFT ?= swift
# Tests are built apart: they are optimised but testable, and would otherwise rebuild everything whenever the two take turns.
TEST_FLAGS = -c release -Xswiftc -enable-testing --scratch-path .build/testing
# The same, with every row that a step touches checked against what is there.
CHECKED_FLAGS = -c release -Xswiftc -enable-testing -Xswiftc -DDEBUG --scratch-path .build/checked
DEMO_PHOTO = Examples/chelsea.png

.PHONY: build demo test test-checked fuzz docs benchmarks dist gpu-check format lint setup clean

build: setup
	$(SWIFT) build -c release --product swiftlet

demo: build
	mkdir -p demo
	.build/release/swiftlet eval upscale-x2 --data Examples --scales 2 --save demo
	.build/release/swiftlet upscale $(DEMO_PHOTO) --scale 2 -o demo/chelsea-large.png
	@echo "Look at demo/: truth, bicubic and network side by side, and the photo at twice its size."

test: setup
	$(SWIFT) build $(TEST_FLAGS) --build-tests
	SWIFTLET_EMULATED_TILES=1 Tools/run_tests.sh $(SWIFT) test $(TEST_FLAGS) --skip-build --disable-xctest

# The tests of the CPU engine in a build that traps where a step touches a row that is not there: not made yet, or written over.
test-checked: setup
	$(SWIFT) build $(CHECKED_FLAGS) --build-tests
	SWIFTLET_EMULATED_TILES=1 Tools/run_tests.sh $(SWIFT) test $(CHECKED_FLAGS) --skip-build --disable-xctest --filter 'CPUBackendTests|GeneratedNetworks'

# Hunts for inputs that break a promise, for MINUTES in all, and fails where it finds one.
MINUTES ?= 10
fuzz: setup
	SWIFT="$(SWIFT)" Fuzzing/fuzz.sh $(MINUTES) $(TARGETS)

# One archive that runs on Linux without Swift: dist/swiftlet-VERSION-linux-MACHINE.tar.xz
dist: setup
	SWIFT="$(SWIFT)" Tools/make_distribution.sh dist

# A folder that checks and times the CUDA backend on any Linux machine with NVIDIA's driver: dist/gpu-check
gpu-check: setup
	SWIFT="$(SWIFT)" Tools/make_gpu_check.sh dist

docs: setup
	Tools/documentation.sh

benchmarks: setup
	cd Benchmarks && $(SWIFT) run -c release layers && $(SWIFT) package benchmark

format:
	$(SWIFT) format -r -i Sources Tests Fuzzing Benchmarks/Sources Benchmarks/Benchmarks Package.swift Benchmarks/Package.swift

lint:
	$(SWIFT) format lint -r --strict Sources Tests Fuzzing Benchmarks/Sources Benchmarks/Benchmarks Package.swift Benchmarks/Package.swift

setup:
	@Tools/setup.sh

clean:
	rm -rf .build demo dist
