#!/bin/bash
# Proves that the checkers can fail: a small clean tree passes each of them, then one violation
# at a time is planted in it and must be reported. Prints `N canaries, N caught`.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
root=$PWD
tree=$(mktemp -d) || exit 1
trap 'rm -rf "$tree"' EXIT
planted=0
caught=0
rules_seen=()
python=/usr/bin/python3

# --- the clean tree ---

write() { # write PATH: the file is stdin; its folder is made
    mkdir -p "$tree/$(dirname "$1")"
    cat >"$tree/$1"
}

write_test() { # write_test PATH HEADER BODY
    write "$1" <<END
/*
 * Goal: a canary.
 * Method: one case.
 */
#include "$2"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void canary_sings(void **state)
{
    (void)state;
    $3
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(canary_sings) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
END
}

clean_tree() {
    find "$tree" -mindepth 1 -maxdepth 1 ! -name build -exec rm -rf {} +
    cp -r "$root"/{CMakeLists.txt,CMakePresets.json,cmake,tools,.clang-format,.clang-tidy} "$tree"
    write tools/house.skips <<<'# skips: 0'
    mkdir -p "$tree/tests/fuzz"
    cp "$root/tests/fuzz/replay.c" "$tree/tests/fuzz/"
    write src/base/check.h <<'END'
/* check.h - stands in for the real one. */
#ifndef BASE_CHECK_H
#define BASE_CHECK_H

#define MUST_CHECK __attribute__((warn_unused_result))
#define CHECK(condition) ((void)(condition))

#endif
END
    write src/base/bird.h <<'END'
/* bird.h - a bird that sings. */
#ifndef BASE_BIRD_H
#define BASE_BIRD_H

int bird_sing(int times);

#endif
END
    write src/base/bird.c <<'END'
#include "base/bird.h"

int bird_sing(int times)
{
    return times + 1;
}
END
    write_test src/base/bird_test.c base/bird.h 'assert_int_equal(bird_sing(1), 2);'
    cp "$tree/src/base/bird.h" "$tree/src/base/bird.c" "$tree/src/base/bird_test.c" "$tree/"
    for layer in ledger wallet; do
        local upper=${layer^^}
        write "src/$layer/bird.h" < <(sed "s/BASE_BIRD/${upper}_BIRD/; s/bird_sing/${layer}_sing/" \
            "$tree/bird.h")
        write "src/$layer/bird.c" < <(sed "s,base/bird,$layer/bird,; s/bird_sing/${layer}_sing/" \
            "$tree/bird.c")
        write "src/$layer/bird_test.c" < <(sed "s,base/bird,$layer/bird,; s/bird_sing/${layer}_sing/" \
            "$tree/bird_test.c")
    done
    rm -f "$tree"/bird*
}

# --- the two ways to judge ---

require() { # require NAME PATTERN COMMAND...: it must fail and its output must match
    local name=$1 pattern=$2 output rc=0
    shift 2
    planted=$((planted + 1))
    output=$(cd "$tree" && "$@" 2>&1 </dev/null) || rc=$?
    if [ "$rc" -ne 0 ] && grep -qE -- "$pattern" <<<"$output"; then
        caught=$((caught + 1))
    else
        echo "canary: $name was NOT caught (exit $rc, looked for '$pattern')"
        tail -15 <<<"$output" | sed 's/^/    /'
    fi
}

require_clean() { # require_clean NAME COMMAND...: on the clean tree it must pass
    local name=$1 output
    shift
    if ! output=$(cd "$tree" && "$@" 2>&1 </dev/null); then
        echo "canary: $name fails on the clean tree, so its canaries prove nothing"
        tail -15 <<<"$output" | sed 's/^/    /'
        exit 1
    fi
}

# house RULE PATH: plants stdin at PATH (or only runs, for PATH -), and expects RULE there.
house() {
    local rule=$1 path=$2
    rules_seen+=("$rule")
    [ "${3:-}" = planted ] || write "$path"
    require "$rule ($path)" "^$path:[0-9]+: .*, $rule\]" "$python" tools/house.py
    clean_tree
}

# code RULE LAYER STATEMENT: plants one statement in a function of LAYER/bird.c.
code() {
    local rule=$1 layer=$2 statement=$3
    { head -n -1 "$tree/src/$layer/bird.c" && printf '    %s\n}\n' "$statement"; } >"$tree/planted"
    mv "$tree/planted" "$tree/src/$layer/bird.c"
    house "$rule" "src/$layer/bird.c" planted
}

lines() { for ((i = 0; i < $1; i++)); do echo "$2"; done; }

house_canaries() {
    require_clean house "$python" tools/house.py
    house header-line src/base/wing.h <<<'/* a wing */'
    house module-pair src/ledger/wing.c <<<'int wing;'
    house module-pair src/ledger/wing.h <<<$'/* wing.h - a wing. */\nint wing_flap(void);'
    house header-alone src/port/wing.h <<<$'/* wing.h - a wing. */\nsize_t wing_flap(void);'
    house header-alone src/port/wing.h <<<$'/* wing.h - twice. */\nstruct wing {\n    int a;\n};'
    sed -i '1i #include "wallet/bird.h"' "$tree/src/ledger/bird.c"
    house layer src/ledger/bird.c planted
    house layer src/api/wing.c <<<'#include "adapter/wing.h"'
    house layer src/adapter/wing.c <<<'#include "sim/wing.h"'
    house layer src/wallet/wing.c <<<'#include "doctor/wing.h"'
    house include-form src/wallet/wing.c <<<'#include "wing.h"'
    house include-form src/wallet/wing.c <<<'#include <base/bird.h>'
    house file-name src/base/utils.h <<<'/* utils.h - this and that. */'
    house file-name src/base/bird_v2.h <<<'/* bird_v2.h - the better bird. */'
    house file-place src/wallet/deep/wing.h <<<'/* wing.h - too deep. */'
    house file-place src/birds/wing.h <<<'/* wing.h - no such layer. */'
    house function-lines src/cmd/wing.c < <(
        echo 'int f(void)' && echo '{' && lines 69 '    ;' && echo '}'
    )
    house file-lines src/cmd/wing.c < <(lines 801 '')
    house parameters src/cmd/wing.c <<<'int f(int a, int b, int c, int d, int e, int f, int g) { }'
    house levels src/cmd/wing.c <<<'int f(void) { if (1) { for (;;) { if (2) { while (3) { } } } } }'
    house must-check src/port/wing.h < <(
        printf '/* wing.h - a wing. */\nenum status { OK };\nenum status wing_flap(int a);\n'
    )
    house outputs-last src/port/wing.h <<<$'/* wing.h - a wing. */\nint wing_flap(int *out_a, int b);'
    code no-logging ledger 'printf("a transfer");'
    house macro-flow src/cmd/wing.h <<<$'/* wing.h - a wing. */\n#define TRY(x) if (x) return 1'
    code check-effect ledger 'CHECK(times++ > 0);'
    code check-effect ledger 'CHECK(times = 1);'
    code malloc ledger 'void *p = malloc(10);'
    code malloc wallet 'free(p);'
    code json-by-hand wallet 'x = "{\"amount\":1}";'
    code sql-by-hand wallet 'x = "SELECT a FROM b WHERE c = %s";'
    code sql-by-hand wallet 'x = snprintf(b, n, "DELETE FROM b");'
    code banned-call base 'strcpy(a, b);'
    code banned-call ledger 'x = atoi(b);'
    code ignored-length base 'snprintf(a, 3, "abc");'
    code ignored-length base '(void)snprintf(a, 3, "abc");'
    code float ledger 'double rate = 1;'
    code secret-compare wallet 'x = memcmp(hmac, expected, 32);'
    code ambient ledger 'x = time(NULL);'
    code ambient wallet 'x = getrandom(b, 8, 0);'
    code ambient wallet 'fd = open("x", 0);'
    code ambient wallet 'pthread_mutex_lock(&m);'
    house ambient src/cmd/wing.c <<<'int f(void) { return clock_gettime(0, 0); }'
    house ambient src/sim/wing.c <<<'#include <pthread.h>'
    house test-opening tests/sim/wing_test.c <<<'/* no goal */'
    house test-waits tests/sim/wing_test.c <<<'int f(void) { usleep(10); }'
    house test-waits tests/sim/wing_test.c <<<'int f(void) { return htons(8080); }'
    code nolint base 'x = 1; // NOLINT'
    code rotting-word base '/* TO''DO: sing better */'
    code rotting-word base '/* Pha''se 3 */'
    house skips tools/house.skips <<<$'# skips: 0\nmalloc src/wallet/bird.c it was needed'
    house skips tools/house.skips <<<$'# skips: 1\nmalloc src/wallet/bird.c excuses nothing'
}

build_canaries() {
    require_clean build tools/build.sh debug
    require_clean objects "$python" tools/house.py objects build/debug
    require_clean test tools/test.sh debug
    require_clean format tools/format.sh --check
    require_clean tidy tools/tidy.sh

    rules_seen+=(global)
    sed -i 's/^    return/    static int sung;\n    sung++;\n    return/' "$tree/src/base/bird.c"
    (cd "$tree" && tools/build.sh debug >/dev/null 2>&1)
    require 'global' 'sung.* can be written to .*, global\]' "$python" tools/house.py objects build/debug
    clean_tree

    sed -i 's/^    return/  return/' "$tree/src/base/bird.c"
    require 'format' 'should be clang-formatted' tools/format.sh --check
    clean_tree

    sed -i 's/^    return/    if (times = 2) times++;\n    return/' "$tree/src/base/bird.c"
    require 'gcc warning' 'Werror' tools/build.sh debug
    clean_tree
    sed -i 's/^    return/    short a = times;\n    times = a;\n    return/' "$tree/src/base/bird.c"
    require 'clang warning' 'Werror' tools/build.sh clang
    clean_tree

    sed -i '1a #include <stdio.h>' "$tree/src/base/bird.c"
    sed -i 's/^    return/    fclose(stdin);\n    return/' "$tree/src/base/bird.c"
    require 'tidy, ignored result' 'cert-err33-c' tools/tidy.sh
    clean_tree
    sed -i 's/^    return/    int *p = 0;\n    if (times > 3) *p = 1;\n    return/' "$tree/src/base/bird.c"
    require 'tidy, null pointer' 'clang-analyzer' tools/tidy.sh
    clean_tree

    write tools/ugly.sh <<<"rm \$1"
    require 'shellcheck' 'SC2086' tools/shellcheck.sh
    clean_tree

    mkdir -p "$tree/docs"
    (cd "$tree" && tools/helpers.sh)
    sed -i '1s/sings/sang/' "$tree/src/base/bird.h"
    require 'helpers drift' 'out of date' tools/helpers.sh --check
    clean_tree
}

write_flaky() { # write_flaky PATH TEXT: a script that says TEXT and fails when it runs first
    write "$1" <<<"mark=build/\${0##*/}.mark; [ -e \$mark ] || { touch \$mark; echo '$2'; exit 3; }"
}

test_canaries() {
    sed -i 's/bird_sing(1), 2/bird_sing(1), 3/' "$tree/src/base/bird_test.c"
    require 'a failing test' '^[0-9]+ passed, 1 failed' tools/test.sh debug
    clean_tree
    sed -i 's/assert_int_equal/abort(); assert_int_equal/' "$tree/src/base/bird_test.c"
    require 'a crashing test' '^[0-9]+ passed, 1 failed' tools/test.sh debug
    clean_tree
    write tests/e2e/wing_test.sh <<<'exit 3'
    require 'a failing script' '^[0-9]+ passed, 1 failed' tools/test.sh debug
    clean_tree
    write_flaky tests/sim/crest_test.sh ''
    require 'a second try of a test without processes' '^[0-9]+ passed, 1 failed' tools/test.sh debug
    clean_tree
    write_flaky tests/e2e/wing_test.sh ''
    require 'a second try that nobody is told of' 'wing_test UNSTEADY' \
        bash -c 'tools/test.sh debug && false'
    clean_tree
    write_flaky tests/e2e/beak_test.sh 'x.c:1: runtime error: signed integer overflow'
    require 'a second try of a fault' '^[0-9]+ passed, 1 failed' tools/test.sh debug
    clean_tree
    for wing in left right third; do write_flaky "tests/e2e/${wing}_test.sh" ''; done
    require 'more second tries than a machine explains' '^[0-9]+ passed, 1 failed' \
        tools/test.sh debug
    clean_tree
    rm "$tree"/src/*/*_test.c
    require 'no tests at all' 'ran no tests' tools/test.sh debug
    clean_tree
    sed -i 's/return times/return tims/' "$tree/src/base/bird.c"
    require 'a build that fails' 'debug did not build' tools/test.sh debug
    clean_tree

    require_clean asan tools/test.sh asan
    write_test src/base/bird_test.c base/bird.h \
        'char *volatile p = malloc(3); assert_non_null(p); p[bird_sing(2)] = 1; free(p);'
    require 'address sanitizer' 'heap-buffer-overflow' tools/test.sh asan
    clean_tree
    write_test src/base/bird_test.c base/bird.h \
        'void *volatile p = malloc(3); assert_non_null(p); p = NULL;'
    require 'leak sanitizer' 'LeakSanitizer' tools/test.sh asan
    clean_tree
    write_test src/base/bird_test.c base/bird.h \
        'volatile int big = INT32_MAX; assert_int_not_equal(bird_sing(big), 0);'
    require 'undefined behaviour sanitizer' 'signed integer overflow' tools/test.sh asan
    clean_tree

    write_race
    require 'thread sanitizer' 'data race' tools/test.sh tsan
    clean_tree

    write tests/fuzz/wing_fuzz.c <<'END'
/*
 * Goal: a canary.
 * Method: crashes on the letter x.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 0 && data[0] == 'x') abort();
    return 0;
}
END
    require 'fuzzer' 'FOUND SOMETHING' env FUZZ_SECONDS=20 tools/fuzz.sh
    write tests/fuzz/corpus/wing/x <<<x
    require 'fuzz replay' 'fuzz-replay_wing' tools/test.sh debug
    clean_tree
}

write_race() {
    write src/adapter/wing.h <<<$'/* wing.h - a race. */\nint wing_race(void);'
    write src/adapter/wing.c <<'END'
#include "adapter/wing.h"

#include <pthread.h>
#include <stddef.h>

static int feathers;

static void *wing_pluck(void *unused)
{
    for (int i = 0; i < 1000; i++) feathers++;
    return unused;
}

int wing_race(void)
{
    pthread_t other;
    if (pthread_create(&other, NULL, wing_pluck, NULL) != 0) return -1;
    (void)wing_pluck(NULL);
    return pthread_join(other, NULL);
}
END
    write_test src/adapter/wing_test.c adapter/wing.h 'assert_int_equal(wing_race(), 0);'
}

# Each rule of the checker has a canary.
rules_covered() {
    local rule
    while read -r rule _; do
        [[ " ${rules_seen[*]} " == *" $rule "* ]] && continue
        planted=$((planted + 1))
        echo "canary: rule '$rule' of tools/house.py has no canary"
    done < <("$python" tools/house.py rules)
}

clean_tree
house_canaries
build_canaries
test_canaries
rules_covered
echo "$planted canaries, $caught caught"
[ "$planted" -eq "$caught" ]
