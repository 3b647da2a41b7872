/*
 * Goal: whatever evidence lacks, it is told how it is collected; nothing is promised twice.
 * Method: every kind that there is, and every word of the table.
 */
#include "doctor/evidence_ways.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "model/evidence.h"

static void each_kind_has_one_way(void **state)
{
    (void)state; /* no fixture is needed */
    uint64_t seen = 0;
    uint32_t words = 0;
    for (const struct evidence_way *way = evidence_ways; way->kinds != NULL; way++) {
        uint64_t kinds = evidence_way_kinds(way);
        assert_true((seen & kinds) == 0);
        seen |= kinds;
        words++;
        for (const char *at = way->kinds; *at != '\0'; at++) words += *at == ' ';
    }
    assert_int_equal(words, evidence_kind_count()); /* no word that is no kind */
    for (uint32_t kind = 0; kind < evidence_kind_count(); kind++) {
        assert_true((seen >> kind & 1) != 0);
        assert_true((evidence_way_kinds(evidence_way_of(kind)) >> kind & 1) != 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_has_one_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
