/* report_test.h - for tests: a diagnosis as JSON whose every text is hostile. */
#ifndef DOCTOR_REPORT_TEST_H
#define DOCTOR_REPORT_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "doctor/json_tree.h"

#define EVIL "<script>alert('&\\\"')</script>|`#"

static const char diagnosis_text[] =
    "{\"format\":\"tpwallet-diagnosis-1\",\"incident\":\"7F3A\",\"as_of\":\"2026-11-23T00:10:04Z\","
    "\"verdict\":\"explained\",\"growing\":true,\"unexplained_count\":0,"
    "\"money\":[{\"ccy\":\"EUR\",\"over\":\"1050\",\"under\":\"-7\",\"accounts_over\":2,"
    "\"accounts_under\":1,\"unexplained\":\"0\"},"
    "{\"ccy\":\"JPY\",\"over\":\"170141183460469231731687303715884105727\",\"under\":\"0\"}],"
    "\"causes\":[{\"fault\":\"B03\",\"name\":\"" EVIL "\",\"title\":\"" EVIL
    "\",\"label\":\"CONFIRMED\",\"why\":\"" EVIL "\",\"start_record\":{\"record\":\"R-1\","
    "\"kind\":\"x\",\"system\":\"" EVIL "\",\"ts\":\"2026-11-22T23:58:02Z\"},"
    "\"predicates\":[{\"part\":\"require\",\"name\":\"" EVIL "\",\"value\":\"true\",\"witnesses\":"
    "[{\"record\":\"R-2\",\"kind\":\"y\",\"system\":\"psp\",\"source\":\"" EVIL
    "\",\"ts\":\"2026-11-22T23:59:02Z\"}]},{\"part\":\"forbid\",\"name\":\"n\",\"value\":"
    "\"unknown\"}],\"affected\":[{\"account\":\"" EVIL "\",\"ccy\":\"EUR\",\"delta\":\"1050\"}]}],"
    "\"considered\":[{\"fault\":\"P01\",\"name\":\"" EVIL "\",\"rejected\":true,\"by\":\"" EVIL
    "\"}],"
    "\"invariants\":[{\"id\":\"I13\",\"name\":\"" EVIL "\",\"holds\":\"no\",\"violations\":3}],"
    "\"not_seen\":[\"replica\"],\"sources\":[{\"path\":\"" EVIL "\",\"rows\":1}]}";

static struct arena arena;

static const struct json_node *parsed(const char *text)
{
    const struct json_node *root = NULL;
    struct error error;
    assert_int_equal(json_tree_parse(str_from(text), &arena, &root, &error), STATUS_OK);
    return root;
}

#endif
