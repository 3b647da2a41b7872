# Thin: the build is CMake and Ninja, the steps are scripts in tools/.

.PHONY: all setup demo demo-cluster test check bench soak fuzz format clean
all:
	@tools/build.sh debug

setup:
	@tools/setup.sh

demo: setup
	@tools/build.sh release
	@rm -f build/demo-report.html
	@build/release/tpwallet demo --report build/demo-report.html

demo-cluster:
	@tools/demo_cluster.sh

test:
	@tools/test.sh

check:
	@tools/check.sh

bench:
	@tools/bench.sh

soak:
	@tools/soak.sh

fuzz:
	@tools/fuzz.sh

format:
	@tools/format.sh

clean:
	rm -rf build
