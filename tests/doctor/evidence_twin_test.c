/*
 * Goal: records that stay in files are queried with the same result, byte for byte, as those that
 * are copied into memory.
 * Method: every class of the exam's cases, and pairs of faults, are diagnosed over both kinds of
 * store, and the diagnoses compared as JSON, with all that was considered; one more record must
 * show.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "adapter/sqlite_evidence_load.h"
#include "doctor/diagnose.h"
#include "doctor/render_json.h"
#include "doctor/rules_builtin.h"
#include "sim/naive_lot.h"

enum { CASES = 78, PAIRS = 8, ARENA = 64 << 20, JSON_MAX = 64 << 20 };

struct side {
    struct sqlite_evidence *store;
    struct doctor doctor;
    struct arena arena;
    struct diagnosis diagnosis;
    struct buf json;
};

static struct rule_set rules;
static struct side sides[2];
static struct manifest manifest;

static void side_open(struct side *side, const char *folder)
{
    struct error error = { 0 };
    const struct sqlite_evidence_options options = { .folder = folder };
    buf_init(&side->json, JSON_MAX);
    assert_int_equal(arena_init(&side->arena, ARENA), STATUS_OK);
    assert_int_equal(sqlite_evidence_open(&options, &side->store, &error), STATUS_OK);
    assert_int_equal(doctor_init(&side->doctor, &rules, sqlite_evidence_port(side->store), &error),
                     STATUS_OK);
}

static int open_all(void **state)
{
    (void)state;
    struct error error = { 0 };
    assert_int_equal(rule_set_parse(rules_builtin(), &rules, &error), STATUS_OK);
    side_open(&sides[0], NULL);
    side_open(&sides[1], getenv("SCRATCH"));
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        sqlite_evidence_close(sides[i].store);
        arena_done(&sides[i].arena);
        buf_free(&sides[i].json);
    }
    return 0;
}

static uint32_t source_find(enum naive_source source)
{
    for (uint32_t i = 0; i < manifest.source_count; i++) {
        struct str path = manifest.sources[i].path; /* evidence/NAME.ndjson */
        struct str name = { path.data + 9, path.len - 16 };
        if (str_equal(name, str_from(naive_source_facts(source)->name))) return i;
    }
    fail();
    return 0;
}

/* Without the first line of the source `less`; NAIVE_SOURCES: with all. */
static void diagnose(struct side *side, const struct naive_case *made, enum naive_source less)
{
    struct error error = { 0 };
    struct arena texts;
    struct buf BUF_SCOPE text;
    buf_init(&text, MANIFEST_SIZE_MAX);
    assert_int_equal(arena_init(&texts, 1 << 20), STATUS_OK);
    const struct naive_evidence *evidence = &made->world->evidence;
    assert_int_equal(naive_evidence_manifest(evidence, made->options.seed, NAIVE_END, &text),
                     STATUS_OK);
    assert_int_equal(manifest_parse(buf_view(&text), &texts, &manifest, &error), STATUS_OK);
    assert_int_equal(sqlite_evidence_begin(side->store, &manifest, &error), STATUS_OK);
    for (uint32_t i = 0; i < NAIVE_SOURCES; i++) {
        if (evidence->dropped[i]) continue;
        struct str lines = buf_view(&evidence->sources[i]);
        struct str first;
        if (i == (uint32_t)less) assert_true(str_take_line(&lines, &first));
        uint32_t source = source_find((enum naive_source)i);
        assert_int_equal(sqlite_evidence_load(side->store, source, lines, &error), STATUS_OK);
    }
    assert_int_equal(sqlite_evidence_ready(side->store, &error), STATUS_OK);
    arena_reset(&side->arena);
    assert_int_equal(doctor_diagnose(&side->doctor, NULL, &side->arena, &side->diagnosis, &error),
                     STATUS_OK);
    buf_reset(&side->json);
    assert_int_equal(
        diagnosis_json(&side->diagnosis, sqlite_evidence_port(side->store), &side->json, &error),
        STATUS_OK);
    arena_done(&texts);
}

static bool are_equal(void)
{
    return str_equal(buf_view(&sides[0].json), buf_view(&sides[1].json));
}

static void compare(enum naive_lot_kind kind, uint64_t seed)
{
    static const bool nothing[NAIVE_SOURCES];
    struct naive_case made;
    naive_lot_draw(seed, kind, NAIVE_FAULT_COUNT, nothing, &made);
    for (int i = 0; i < 2; i++) diagnose(&sides[i], &made, NAIVE_SOURCES);
    if (!are_equal()) {
        print_error("seed %llu differs\n%.*s\n%.*s\n", (unsigned long long)seed,
                    STR_ARG(buf_view(&sides[0].json)), STR_ARG(buf_view(&sides[1].json)));
        fail();
    }
    naive_case_done(&made);
}

static void every_class_is_diagnosed_the_same_from_files(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < CASES; seed++) compare(NAIVE_LOT_SINGLE, seed);
}

static void pairs_are_diagnosed_the_same_from_files(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < PAIRS; seed++) compare(NAIVE_LOT_PAIR, seed);
}

static void a_record_less_is_another_diagnosis(void **state)
{
    (void)state;
    static const bool nothing[NAIVE_SOURCES];
    struct naive_case made;
    naive_lot_draw(0, NAIVE_LOT_SINGLE, NAIVE_FAULT_COUNT, nothing, &made);
    diagnose(&sides[0], &made, NAIVE_SOURCES);
    diagnose(&sides[1], &made, SOURCE_LEDGER);
    assert_false(are_equal());
    naive_case_done(&made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_class_is_diagnosed_the_same_from_files),
        cmocka_unit_test(pairs_are_diagnosed_the_same_from_files),
        cmocka_unit_test(a_record_less_is_another_diagnosis),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
