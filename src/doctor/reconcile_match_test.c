/*
 * Goal: each rule explains what it says and nothing else; no line is ever in two results; what
 * matched by a rule has exactly the sum that the rule promises.
 * Method: groups of a few lines and the verdicts that they must get, in tables; random groups held
 * against a naive matcher that tries every pair, and against sums that must hold in any case.
 */
#include "doctor/reconcile_match.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/prng.h"
#include "base/reserve.h"

enum { LINES_MAX = 64, RESULTS_MAX = 64 };

struct seen {
    enum reconcile_verdict verdict;
    uint32_t count;
    struct signed_amount drift;
    struct signed_amount sums[2];
    struct signed_amount nets[2];
    uint32_t currencies; /* how many different ones */
};

struct bench {
    struct reconcile_matcher *matcher;
    struct seen seen[RESULTS_MAX];
    uint32_t seen_count;
};

static void found(void *context, const struct reconcile_result *result)
{
    struct bench *bench = context;
    assert_true(bench->seen_count < RESULTS_MAX);
    struct seen *seen = &bench->seen[bench->seen_count++];
    *seen = (struct seen){ .verdict = result->verdict, .count = result->count };
    seen->drift = result->drift;
    for (uint32_t i = 0; i < result->count; i++) {
        const struct reconcile_line *line = result->lines[i];
        seen->sums[line->side].minor += line->amount.minor;
        seen->nets[line->side].minor += line->amount.minor - line->fee.minor;
        if (i == 0 || line->currency != result->lines[i - 1]->currency) seen->currencies++;
        if (i > 0) assert_true(result->lines[i - 1]->side <= line->side);
    }
}

static int setup(void **state)
{
    struct bench *bench = calloc(1, sizeof *bench);
    if (bench == NULL) return -1;
    bench->matcher = reserve_new(sizeof *bench->matcher);
    bench->matcher->found = found;
    bench->matcher->context = bench;
    bench->matcher->due_days = 2;
    bench->matcher->as_of.days = 20000;
    bench->matcher->window_ns = 2 * NS_PER_DAY;
    *state = bench;
    return 0;
}

static int teardown(void **state)
{
    struct bench *bench = *state;
    reserve_free(bench->matcher, sizeof *bench->matcher);
    free(bench);
    return 0;
}

/* side, amount, then what differs from the usual. */
struct given {
    char side; /* 'o' or 't'; 0 ends the list */
    int amount;
    int fee;
    int id;
    uint32_t currency;
    uint8_t flags;
    int day;
    int key; /* besides the usual one; NO_KEY: none */
};

enum { NO_KEY = -1 };

static uint32_t lines_make(const struct given *given, struct reconcile_line *out_lines)
{
    uint32_t count = 0;
    for (; count < LINES_MAX && given[count].side != 0; count++) {
        const struct given *from = &given[count];
        out_lines[count] = (struct reconcile_line){
            .key = { from->key == NO_KEY ? 0 : 7,
                     from->key == NO_KEY ? 0 : 7 + (uint64_t)from->key },
            .ref = { 8, 8 },
            .batch = { 9, 9 },
            .id = { (uint64_t)from->id, 0 },
            .amount = { from->amount },
            .fee = { from->fee },
            .at = { from->day * NS_PER_DAY },
            .line = count + 1,
            .currency = from->currency,
            .side = from->side == 'o' ? RECONCILE_OURS : RECONCILE_THEIRS,
            .flags = from->flags,
        };
    }
    return count;
}

enum { NET = RECONCILE_FLAG_NET, TOLD = RECONCILE_FLAG_FEE_TOLD, BY = RECONCILE_FLAG_CONTRACT };

#define V(name) RECONCILE_##name
#define O(...)                                                                                     \
    {                                                                                              \
        .side = 'o', .amount = __VA_ARGS__                                                         \
    }
#define T(...)                                                                                     \
    {                                                                                              \
        .side = 't', .amount = __VA_ARGS__                                                         \
    }

struct expected {
    enum reconcile_verdict verdict;
    uint32_t count;
    int drift;
};

struct scene {
    const char *name;
    struct given given[12];
    struct expected expected[8]; /* ends with a count of 0 */
};

typedef void (*group_function)(struct reconcile_matcher *, struct reconcile_line *, uint32_t);

static void scenes_play(struct bench *bench, const struct scene *scenes, size_t count,
                        group_function group, int (*order)(const void *, const void *))
{
    for (size_t i = 0; i < count; i++) {
        struct reconcile_line lines[LINES_MAX];
        uint32_t line_count = lines_make(scenes[i].given, lines);
        qsort(lines, line_count, sizeof lines[0], order);
        bench->seen_count = 0;
        group(bench->matcher, lines, line_count);
        uint32_t at = 0;
        for (; scenes[i].expected[at].count > 0; at++) {
            const struct expected *expected = &scenes[i].expected[at];
            if (at >= bench->seen_count) fail_msg("%s: result %u is missing", scenes[i].name, at);
            const struct seen *seen = &bench->seen[at];
            if (seen->verdict != expected->verdict || seen->count != expected->count ||
                seen->drift.minor != expected->drift)
                fail_msg("%s: result %u is %s of %u lines, drift %lld", scenes[i].name, at,
                         reconcile_verdict_name(seen->verdict), seen->count,
                         (long long)seen->drift.minor);
        }
        if (at != bench->seen_count)
            fail_msg("%s: one more: %s", scenes[i].name,
                     reconcile_verdict_name(bench->seen[at].verdict));
    }
}

static void what_one_key_comes_to(void **state)
{
    static const struct scene scenes[] = {
        { "one to one", { O(100), T(100) }, { { V(KEY), 2, 0 } } },
        { "two external lines never share one record",
          { O(100), T(100, .id = 1), T(100, .id = 2) },
          { { V(KEY), 2, 0 }, { V(DUPLICATE_THEIRS), 1, 100 } } },
        { "two records never share one external line",
          { O(100), O(100), T(100) },
          { { V(KEY), 2, 0 }, { V(DUPLICATE_OURS), 1, -100 } } },
        { "two and two are two pairs",
          { O(100), O(100), T(100), T(100) },
          { { V(KEY), 2, 0 }, { V(KEY), 2, 0 } } },
        { "a line that was imported twice is one line",
          { O(100), O(100), T(100, .id = 5), T(100, .id = 5) },
          { { V(REPEATED_LINE), 1, 100 }, { V(KEY), 2, 0 }, { V(DUPLICATE_OURS), 1, -100 } } },
        { "a positive drift is a break", { O(100), T(105) }, { { V(AMOUNT_DIFFERS), 2, 5 } } },
        { "a negative drift is a break", { O(100), T(95) }, { { V(AMOUNT_DIFFERS), 2, -5 } } },
        { "a refund is not its charge", { O(100), T(-100) }, { { V(AMOUNT_DIFFERS), 2, -200 } } },
        { "charge and refund under one key",
          { O(100), O(-30), T(100), T(-30) },
          { { V(KEY), 2, 0 }, { V(KEY), 2, 0 } } },
        { "another currency is never a match",
          { O(100), T(100, .currency = 1) },
          { { V(CURRENCY_DIFFERS), 2, 0 } } },
        { "one record, two captures", { O(100), T(60), T(40) }, { { V(KEY_SPLIT), 3, 0 } } },
        { "two records, one line", { O(60), O(40), T(100) }, { { V(KEY_SPLIT), 3, 0 } } },
        { "after the contract's fee",
          { O(100, .fee = 3, .flags = BY), T(97, .flags = NET) },
          { { V(KEY_NET), 2, 0 } } },
        { "after another fee",
          { O(100, .fee = 3, .flags = BY), T(96, .flags = NET) },
          { { V(AMOUNT_DIFFERS), 2, -1 } } },
        { "net lines never match gross",
          { O(100, .fee = 3, .flags = BY), T(100, .flags = NET) },
          { { V(AMOUNT_DIFFERS), 2, 3 } } },
        { "a net line twice",
          { O(100, .fee = 3, .flags = BY), T(97, .flags = NET, .id = 1),
            T(97, .flags = NET, .id = 2) },
          { { V(KEY_NET), 2, 0 }, { V(DUPLICATE_THEIRS), 1, 97 } } },
        { "the fee that is told is not the contract's",
          { O(100, .fee = 3, .flags = BY), T(100, .fee = 4, .flags = TOLD) },
          { { V(KEY), 2, 0 }, { V(FEE_DIFFERS), 2, 1 } } },
        { "no contract, no comparison of fees",
          { O(100), T(100, .fee = 4, .flags = TOLD) },
          { { V(KEY), 2, 0 } } },
        { .name = "alone", .given = { O(100) } },
    };
    scenes_play(*state, scenes, sizeof scenes / sizeof scenes[0], reconcile_key_group,
                reconcile_by_key);
}

static void what_one_amount_comes_to(void **state)
{
    static const struct scene scenes[] = {
        { "the only candidate",
          { O(5, .day = 1), T(5, .day = 3) },
          { { V(AMOUNT_WINDOW), 2, 0 } } },
        { .name = "too far apart", .given = { O(5, .day = 1), T(5, .day = 4) } },
        { .name = "two candidates of theirs: none is chosen",
          .given = { O(5, .day = 1), T(5, .day = 1), T(5, .day = 2) } },
        { .name = "two candidates of ours: none is chosen",
          .given = { O(5, .day = 1), O(5, .day = 2), T(5, .day = 1) } },
        { .name = "two keys that say different things are no match",
          .given = { O(5, .day = 1, .key = 1), T(5, .day = 1, .key = 2) } },
        { "a key that only one side has says nothing",
          { O(5, .day = 1, .key = 1), T(5, .day = 1, .key = NO_KEY) },
          { { V(AMOUNT_WINDOW), 2, 0 } } },
        { "nor does a key that only ours can know",
          { O(5, .day = 1, .key = 1, .flags = RECONCILE_FLAG_OWN_KEY), T(5, .day = 1, .key = 2) },
          { { V(AMOUNT_WINDOW), 2, 0 } } },
        { "far apart pairs are pairs",
          { O(5, .day = 1), T(5, .day = 1), O(5, .day = 9), T(5, .day = 8) },
          { { V(AMOUNT_WINDOW), 2, 0 }, { V(AMOUNT_WINDOW), 2, 0 } } },
    };
    scenes_play(*state, scenes, sizeof scenes / sizeof scenes[0], reconcile_amount_group,
                reconcile_by_amount);
}

static void what_one_batch_comes_to(void **state)
{
    static const struct scene scenes[] = {
        { "a payout of three", { O(10), O(20), O(-5), T(25) }, { { V(BATCH_NET), 4, 0 } } },
        { "after fees",
          { O(10, .fee = 1, .flags = BY), O(20, .fee = 2, .flags = BY), T(27, .flags = NET) },
          { { V(BATCH_NET), 3, 0 } } },
        { "a subset, and one that is left",
          { O(10), O(20), O(40), T(50) },
          { { V(BATCH_SUBSET), 3, 0 } } },
        { "two subsets: none is chosen",
          { O(10), O(20), O(30), T(30) },
          { { V(BATCH_AMBIGUOUS), 4, -30 } } },
        { "one of ours is several of theirs",
          { O(30), T(10), T(20), T(7) },
          { { V(BATCH_SUBSET), 3, 0 } } },
        { "no subset", { O(10), O(20), T(29) }, { { V(BATCH_DIFFERS), 3, -1 } } },
        { .name = "one side only", .given = { O(10), O(20) } },
    };
    scenes_play(*state, scenes, sizeof scenes / sizeof scenes[0], reconcile_batch_group,
                reconcile_by_batch);
}

static void why_a_line_stands_alone(void **state)
{
    struct bench *bench = *state;
    /* 20000 is 2024-10-04, a Friday. */
    static const struct {
        char side;
        int day;
        enum reconcile_verdict verdict;
    } cases[] = {
        { 'o', 20000, V(IN_TRANSIT) }, /* due on Tuesday */
        { 'o', 19998, V(IN_TRANSIT) }, /* due today */
        { 'o', 19997, V(MISSING_IN_STATEMENT) }, { 'o', 20001, V(AFTER_AS_OF) },
        { 't', 20001, V(AFTER_AS_OF) },          { 't', 20000, V(MISSING_IN_LEDGER) },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct given given[] = { { .side = cases[i].side, .amount = 5, .day = cases[i].day },
                                       { 0 } };
        struct reconcile_line line[LINES_MAX];
        assert_int_equal(lines_make(given, line), 1);
        bench->seen_count = 0;
        reconcile_rest(bench->matcher, &line[0]);
        assert_int_equal(bench->seen_count, 1);
        assert_int_equal(bench->seen[0].verdict, cases[i].verdict);
    }
    struct business_date friday = { 20000 };
    assert_int_equal(reconcile_due(friday, 0).days, 20000);
    assert_int_equal(reconcile_due(friday, 1).days, 20003);
    assert_int_equal(reconcile_due(friday, 2).days, 20004);
    assert_int_equal(reconcile_due(friday, 6).days, 20010);
}

static void ours_after_the_newest_line_is_not_covered(void **state)
{
    struct bench *bench = *state;
    static const struct {
        char side;
        int64_t ns;
        uint8_t flags;
        bool newest_ends;
        enum reconcile_verdict verdict;
    } cases[] = {
        { 'o', 1, 0, true, V(NOT_COVERED) },
        { 'o', 1, 0, false, V(IN_TRANSIT) },
        { 'o', 0, 0, true, V(IN_TRANSIT) },
        { 'o', -1, 0, true, V(IN_TRANSIT) },
        { 't', 1, 0, true, V(MISSING_IN_LEDGER) },
        { 'o', 1, RECONCILE_FLAG_DAY_ONLY, true, V(IN_TRANSIT) }, /* the same day: nobody knows */
        { 'o', NS_PER_DAY, RECONCILE_FLAG_DAY_ONLY, true, V(NOT_COVERED) },
        { 'o', NS_PER_DAY, 0, false, V(AFTER_AS_OF) },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct given given[] = { { .side = cases[i].side, .amount = 5, .day = 20000 },
                                       { 0 } };
        struct reconcile_line line[LINES_MAX];
        assert_int_equal(lines_make(given, line), 1);
        bench->matcher->newest = line[0];
        bench->matcher->newest_ends = cases[i].newest_ends;
        line[0].at.ns += cases[i].ns;
        line[0].flags = cases[i].flags;
        bench->seen_count = 0;
        reconcile_rest(bench->matcher, &line[0]);
        assert_int_equal(bench->seen_count, 1);
        assert_int_equal(bench->seen[0].verdict, cases[i].verdict);
    }
    bench->matcher->newest_ends = false;
}

/* The naive twin: how many pairs of one key, currency and amount there can be at most. */
static uint32_t naive_pairs(const struct reconcile_line *lines, uint32_t count)
{
    bool used[LINES_MAX] = { false };
    uint32_t pairs = 0;
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t k = 0; k < count && lines[i].side == RECONCILE_OURS; k++) {
            if (used[k] || lines[k].side != RECONCILE_THEIRS) continue;
            if (lines[k].currency != lines[i].currency) continue;
            if (lines[k].amount.minor != lines[i].amount.minor) continue;
            used[k] = true;
            pairs++;
            break;
        }
    }
    return pairs;
}

/* What any set of results must satisfy, whatever the lines. */
static void results_hold(const struct bench *bench, uint32_t line_count)
{
    uint32_t consumed = 0;
    for (uint32_t i = 0; i < bench->seen_count; i++) {
        const struct seen *seen = &bench->seen[i];
        if (seen->verdict == V(FEE_DIFFERS)) continue;
        consumed += seen->count;
        if (reconcile_verdict_class(seen->verdict) != RECONCILE_MATCH) continue;
        assert_int_equal(seen->currencies, 1);
        assert_true(seen->drift.minor == 0);
        bool gross = seen->sums[0].minor == seen->sums[1].minor;
        bool net = seen->nets[0].minor == seen->sums[1].minor;
        assert_true(gross || net);
    }
    assert_true(consumed <= line_count); /* found() CHECKs that none is consumed twice */
}

static uint32_t lines_invent(struct prng *prng, struct reconcile_line *out_lines)
{
    struct given given[LINES_MAX] = { 0 };
    uint32_t count = (uint32_t)prng_between(prng, 1, 14);
    for (uint32_t i = 0; i < count; i++) {
        given[i] = (struct given){
            .side = prng_chance(prng, 1, 2) ? 'o' : 't',
            .amount = (int)prng_between(prng, 1, 6) - 2,
            .id = (int)prng_between(prng, 1, 1000000),
            .currency = prng_chance(prng, 1, 8),
            .day = (int)prng_between(prng, 1, 6),
        };
    }
    return lines_make(given, out_lines);
}

static uint32_t count_of(const struct bench *bench, enum reconcile_verdict verdict)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < bench->seen_count; i++) count += bench->seen[i].verdict == verdict;
    return count;
}

static void random_groups_agree_with_a_naive_matcher(void **state)
{
    struct bench *bench = *state;
    struct prng prng;
    prng_init(&prng, 20261129);
    for (int round = 0; round < 20000; round++) {
        struct reconcile_line lines[LINES_MAX];
        uint32_t count = lines_invent(&prng, lines);
        uint32_t pairs = naive_pairs(lines, count);
        qsort(lines, count, sizeof lines[0], reconcile_by_key);
        bench->seen_count = 0;
        reconcile_key_group(bench->matcher, lines, count);
        assert_int_equal(count_of(bench, V(KEY)), pairs);
        results_hold(bench, count);
        for (uint32_t i = 0; i < count; i++) {
            lines[i].flags = 0;
            lines[i].currency = 0; /* a batch is looked at per currency */
        }
        qsort(lines, count, sizeof lines[0], reconcile_by_batch);
        bench->seen_count = 0;
        reconcile_batch_group(bench->matcher, lines, count);
        results_hold(bench, count);
    }
}

/* The naive twin of the window: for each of ours, all of theirs within it, and back. */
static uint32_t naive_window(const struct reconcile_line *lines, uint32_t count, int64_t window_ns)
{
    uint32_t pairs = 0;
    uint32_t partners[LINES_MAX] = { 0 };
    uint32_t partner[LINES_MAX] = { 0 };
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t k = 0; k < count; k++) {
            int64_t apart = lines[i].at.ns - lines[k].at.ns;
            if (lines[i].side == lines[k].side || llabs(apart) > window_ns) continue;
            partners[i]++;
            partner[i] = k;
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        if (lines[i].side != RECONCILE_OURS || partners[i] != 1) continue;
        pairs += partners[partner[i]] == 1;
    }
    return pairs;
}

static void random_windows_agree_with_a_naive_matcher(void **state)
{
    struct bench *bench = *state;
    struct prng prng;
    prng_init(&prng, 7);
    for (int round = 0; round < 20000; round++) {
        struct reconcile_line lines[LINES_MAX];
        uint32_t count = lines_invent(&prng, lines);
        for (uint32_t i = 0; i < count; i++) {
            lines[i].amount.minor = 5;
            lines[i].currency = 0;
            lines[i].at.ns = (int64_t)prng_between(&prng, 0, 40) * NS_PER_DAY / 2;
        }
        qsort(lines, count, sizeof lines[0], reconcile_by_amount);
        bench->seen_count = 0;
        uint32_t pairs = naive_window(lines, count, bench->matcher->window_ns);
        reconcile_amount_group(bench->matcher, lines, count);
        assert_int_equal(bench->seen_count, pairs);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_one_key_comes_to),
        cmocka_unit_test(what_one_amount_comes_to),
        cmocka_unit_test(what_one_batch_comes_to),
        cmocka_unit_test(why_a_line_stands_alone),
        cmocka_unit_test(ours_after_the_newest_line_is_not_covered),
        cmocka_unit_test(random_groups_agree_with_a_naive_matcher),
        cmocka_unit_test(random_windows_agree_with_a_naive_matcher),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
