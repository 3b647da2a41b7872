/* diagnose_test.h - for tests: an examination of rules over a script, up to where a step is tested. */
#ifndef DOCTOR_DIAGNOSE_TEST_H
#define DOCTOR_DIAGNOSE_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "doctor/examination.h"
#include "doctor/examination_test.h"

static struct rule_set rules;
static struct doctor doctor;
static struct script script;

static struct arena arena;
static struct diagnosis diagnosis;

/* An examination of a rule text over a script, up to where a step is tested. */
static struct examination examine(const char *text, const struct script_query *queries,
                                  uint32_t count, struct error *error)
{
    script_init(&script, queries, count);
    arena_done(&arena);
    assert_int_equal(arena_init(&arena, 1 << 20), STATUS_OK);
    assert_int_equal(rule_set_parse(str_from(text), &rules, error), STATUS_OK);
    assert_int_equal(doctor_init(&doctor, &rules, &script.port, error), STATUS_OK);
    diagnosis = (struct diagnosis){ .rules = &rules, .bundle = &script.bundle };
    struct examination examination = { .doctor = &doctor,
                                       .arena = &arena,
                                       .out = &diagnosis,
                                       .error = error,
                                       .covered = ~UINT64_C(0) };
    buf_init(&examination.findings, 64 << 10);
    buf_init(&examination.instances, 64 << 10);
    return examination;
}

#endif
