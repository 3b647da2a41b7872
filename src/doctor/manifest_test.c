/*
 * Goal: a manifest is read whole or refused with a reason, and says truly what is covered.
 * Method: manifests as text; coverage asked for at instants and over the window, with holes, losses and two sources.
 */
#include "doctor/manifest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "model/evidence.h"

#define HEAD                                                                                       \
    "{\"format\":\"tpwallet-bundle-1\",\"as_of\":\"1970-01-01T00:01:40Z\","                        \
    "\"window\":{\"from\":\"1970-01-01T00:00:10Z\",\"to\":\"1970-01-01T00:01:30Z\"},\"sources\":["
#define SOURCE(path, more)                                                                         \
    "{\"path\":\"" path "\",\"system\":\"s\",\"kind\":[\"log\",\"span\"]" more "}"
#define SECOND INT64_C(1000000000)

static struct manifest manifest;
static struct arena arena;

static enum status parse(const char *text, struct error *out_error)
{
    arena_done(&arena);
    assert_int_equal(arena_init(&arena, 1 << 20), STATUS_OK);
    return manifest_parse(str_from(text), &arena, &manifest, out_error);
}

static enum evidence_coverage covers(const char *kind, int64_t at_ns)
{
    return manifest_covers(&manifest, (uint32_t)evidence_kind_find(str_from(kind)), at_ns);
}

static void without_coverage_all_is_covered(void **state)
{
    (void)state; /* no fixture is needed */
    struct error error = { 0 };
    assert_int_equal(parse(HEAD SOURCE("b", "") "," SOURCE("a", "") "]}", &error), STATUS_OK);
    assert_int_equal(manifest.source_count, 2);
    assert_true(str_equal(manifest.sources[0].path, STR("a")));
    assert_int_equal(covers("log", EVIDENCE_ALL_TIME), EVIDENCE_COVERED);
    assert_int_equal(covers("posting", EVIDENCE_ALL_TIME), EVIDENCE_NOT_COVERED);
    manifest.sources[0].rejected = 1; /* a reject in one of two sources */
    assert_int_equal(covers("log", EVIDENCE_ALL_TIME), EVIDENCE_COVERED_IN_PART);
    manifest.sources[0].refused = true;
    assert_int_equal(covers("log", EVIDENCE_ALL_TIME), EVIDENCE_COVERED);
}

static void a_hole_is_not_covered(void **state)
{
    (void)state; /* no fixture is needed */
    struct error error = { 0 };
    const char *text = HEAD SOURCE("a", ",\"coverage\":["
                                        "{\"kind\":\"log\",\"to\":\"1970-01-01T00:00:20Z\"},"
                                        "{\"kind\":\"log\",\"from\":\"1970-01-01T00:00:30Z\"},"
                                        "{\"kind\":\"span\",\"loss\":\"sampled\"}]") "]}";
    assert_int_equal(parse(text, &error), STATUS_OK);
    assert_int_equal(covers("log", EVIDENCE_ALL_TIME), EVIDENCE_COVERED_IN_PART);
    assert_int_equal(covers("log", 15 * SECOND), EVIDENCE_COVERED);
    assert_int_equal(covers("log", 25 * SECOND), EVIDENCE_COVERED_IN_PART);
    assert_int_equal(covers("span", 15 * SECOND), EVIDENCE_COVERED_IN_PART);
}

static void what_is_wrong_is_refused(void **state)
{
    static const char *const texts[] = {
        "",
        "{}",
        "[]",
        "{\"format\":\"tpwallet-bundle-2\"}",
        "{\"format\":\"tpwallet-bundle-1\"}",
        HEAD SOURCE("../a", "") "]}",
        HEAD SOURCE("/a", "") "]}",
        HEAD SOURCE("a//b", "") "]}",
        HEAD SOURCE("a", "") "," SOURCE("a", "") "]}",
        HEAD SOURCE("a", ",\"sha256\":\"00\"") "]}",
        HEAD SOURCE("a", ",\"coverage\":[{}]") "]}",
        HEAD SOURCE("a", ",\"coverage\":[{\"kind\":\"log\",\"loss\":\"some\"}]") "]}",
        HEAD "{\"path\":\"a\",\"system\":\"s\"}]}",
        HEAD "{\"path\":\"a\",\"kind\":\"log\"}]}",
        HEAD "{\"path\":\"a\",\"system\":\"s\",\"kind\":\"odd\"}]}",
    };
    (void)state; /* no fixture is needed */
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct error error = { 0 };
        if (parse(texts[i], &error) != STATUS_INVALID) fail_msg("taken: %s", texts[i]);
        assert_true(error.message[0] != '\0');
    }
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_coverage_all_is_covered),
        cmocka_unit_test(a_hole_is_not_covered),
        cmocka_unit_test(what_is_wrong_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
