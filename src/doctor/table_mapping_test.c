/*
 * Goal: a mapping is taken whole, or refused with the place and the reason.
 * Method: one that is right, changed at one place at a time.
 */
#include "doctor/table_mapping.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct table_mapping mapping;

static enum status parse(const char *text, struct error *out_error)
{
    static struct arena arena;
    if (arena.memory == NULL)
        assert_int_equal(arena_init(&arena, 4 * TABLE_MAPPING_SIZE_MAX), STATUS_OK);
    arena_reset(&arena);
    return table_mapping_parse(str_from(text), &arena, &mapping, out_error);
}

#define HEAD "{\"format\":\"tpwallet-tables-1\",\"name\":\"n\",\"about\":\"a\",\"system\":\"s\","
#define TABLES                                                                                     \
    "\"tables\":[{\"table\":\"s.t\",\"columns\":{\"id\":\"text\",\"at\":\"time\"},\"indexes\":[\"id\"]}],"
#define RECORDS                                                                                    \
    "\"records\":[{\"kind\":\"hold\"},{\"kind\":\"account\",\"query\":[\"SELECT id\",\"FROM t\"]}]"

static void a_mapping_is_read_whole(void **state)
{
    (void)state; /* no fixture */
    struct error error = { .message = "" };
    assert_int_equal(
        parse(HEAD TABLES RECORDS
              ",\"timezone\":\"+01:00\",\"assets\":{\"POINTS\":0},"
              "\"repair\":{\"begin\":\"LOCK\",\"adjust\":\"{from} {to} '{}' {amount}\"}}",
              &error),
        STATUS_OK);
    assert_int_equal(mapping.table_count, 1);
    assert_true(mapping.tables[0].columns[0].indexed);
    assert_false(mapping.tables[0].columns[1].indexed);
    assert_int_equal(mapping.tables[0].columns[1].type, TABLE_TYPE_TIME);
    assert_int_equal(mapping.records[0].query.len, 0);
    assert_true(str_equal(mapping.records[1].query, STR("SELECT id\nFROM t")));
    assert_int_equal(table_mapping_find(&mapping, STR("s"), STR("t")), 0);
    assert_int_equal(table_mapping_find(&mapping, STR(""), STR("t")), 0);
    assert_int_equal(table_mapping_find(&mapping, STR("other"), STR("t")), -1);
    struct str rest = mapping.repair[TABLE_REPAIR_ADJUST];
    struct str before;
    enum table_word word;
    assert_true(table_word_next(&rest, &before, &word) && word == TABLE_WORD_FROM);
    assert_true(table_word_next(&rest, &before, &word) && word == TABLE_WORD_TO);
    assert_true(table_word_next(&rest, &before, &word) && word == TABLE_WORD_AMOUNT);
    assert_true(str_equal(before, STR(" '{}' ")));
    assert_false(table_word_next(&rest, &before, &word));
}

#define REPAIR HEAD TABLES RECORDS ",\"repair\":{\"adjust\":\""
#define TEMPLATE(sql, fault)                                                                       \
    {                                                                                              \
        REPAIR sql "\"}}", fault                                                                   \
    }

static void words_of_a_template_are_literals_by_themselves(void **state)
{
    (void)state; /* no fixture */
    static const char *const good[] = {
        REPAIR "SELECT 'it''s' || {target} || 'x' AS \\\"a\\\"\"}}",
        REPAIR "-- it's\\nSELECT {target} - {delta} -- the rest\"}}",
        REPAIR "DO $tpwallet$ -- it's\\nBEGIN x := {target}; y := 'z'; END $tpwallet$;\"}}",
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct error error = { .message = "" };
        if (parse(good[i], &error) != STATUS_OK) fail_msg("%s: %s", good[i], error.message);
    }
}

static void what_is_wrong_is_named_with_its_place(void **state)
{
    (void)state; /* no fixture */
    static const struct {
        const char *text;
        const char *fault;
    } cases[] = {
        { "", "ends too early" },
        { HEAD TABLES "\"records\":[]}", "no record" },
        { HEAD RECORDS ",\"tables\":[]}", "no table" },
        { HEAD TABLES RECORDS ",\"colour\":1}", "unknown field" },
        { HEAD TABLES "\"records\":[{\"query\":\"SELECT 1\"}]}", "/records/0" },
        { HEAD TABLES "\"records\":[{\"kind\":\"money\"}]}", "no such kind" },
        { HEAD TABLES "\"records\":[{\"kind\":\"hold\",\"query\":\"\"}]}", "no SQL" },
        { HEAD "\"tables\":[{\"table\":\"t\",\"columns\":{\"a\":\"money\"}}]," RECORDS "}",
          "a type is" },
        { HEAD "\"tables\":[{\"table\":\"t\",\"columns\":{\"a\\\"b\":\"text\"}}]," RECORDS "}",
          "name is" },
        { HEAD "\"tables\":[{\"table\":\"t;\",\"columns\":{\"a\":\"text\"}}]," RECORDS "}",
          "a table is" },
        { HEAD
          "\"tables\":[{\"table\":\"t\",\"columns\":{\"a\":\"text\"},\"indexes\":[\"b\"]}]," RECORDS
          "}",
          "an index is" },
        { HEAD
          "\"tables\":[{\"table\":\"t\",\"columns\":{\"a\":\"text\"}},{\"table\":\"x.t\",\"columns\":{\"a\":\"text\"}}]," RECORDS
          "}",
          "one name" },
        { HEAD "\"tables\":[{\"table\":\"t\"}]," RECORDS "}", "has `table`" },
        { HEAD "\"tables\":[{\"table\":\"t\",\"columns\":{\"a\":\"local_time\"}}]," RECORDS "}",
          "need `timezone`" },
        { HEAD TABLES RECORDS ",\"timezone\":\"CET\"}", "timezone is" },
        { HEAD TABLES RECORDS ",\"assets\":{\"EUR\":3}}", "ISO 4217" },
        { HEAD TABLES RECORDS ",\"assets\":{\"GOLD\":19}}", "0 to 18" },
        { HEAD TABLES RECORDS ",\"repair\":{\"adjust\":\"{colour}\"}}", "{word}" },
        TEMPLATE("SELECT '{target}'", "inside of quotes"),
        TEMPLATE("SELECT 'it''s {target}'", "inside of quotes"),
        TEMPLATE("SELECT 1 AS \\\"{target}\\\"", "inside of quotes"),
        TEMPLATE("SELECT 1 -- of {target}", "behind --"),
        TEMPLATE("-- it's\\n'{target}'", "inside of quotes"),
        TEMPLATE("-- of\\r'{target} -- '", "inside of quotes"),
        TEMPLATE("DO $$ BEGIN END $$", "of the tag $tpwallet$"),
        TEMPLATE("DO $tp$ BEGIN END $tp$", "of the tag $tpwallet$"),
        TEMPLATE("DO x$tpwallet$ {target} $tpwallet$", "of the tag $tpwallet$"),
        TEMPLATE("DO $tpwallet$ ' $tpwallet$ '", "outside of quotes"),
        TEMPLATE("-- $tpwallet$", "outside of quotes and comments"),
        TEMPLATE("SELECT $1, {target}", "of the tag $tpwallet$"),
        TEMPLATE("SELECT E'\\\\' {target} \\\\''", "no backslash"),
        TEMPLATE("/* ' */ {target}", "begin with --"),
        TEMPLATE("-- \\u001b[2J\\n{target}", "control characters"),
        TEMPLATE("-- \xE2\x80\xAE\\n{target}", "marks of direction"),
        TEMPLATE("DO $tpwallet$ BEGIN", "does not end"),
        TEMPLATE("SELECT {target} '", "does not end"),
        { HEAD TABLES RECORDS ",\"repair\":{\"undo\":\"x\"}}", "unknown field" },
        { "{\"format\":\"tpwallet-tables-2\"}", "not tpwallet-tables-1" },
        { "{\"format\":\"tpwallet-tables-1\"," TABLES RECORDS "}", "a mapping has" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct error error = { .message = "" };
        enum status status = parse(cases[i].text, &error);
        bool told = status == STATUS_INVALID && strstr(error.message, cases[i].fault) != NULL;
        if (!told) print_message("case %zu: %s\n", i, error.message);
        assert_true(told);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mapping_is_read_whole),
        cmocka_unit_test(words_of_a_template_are_literals_by_themselves),
        cmocka_unit_test(what_is_wrong_is_named_with_its_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
