/*
 * Goal: the SQL for another's ledger has each step once, with values that can only be literals, and
 * what cannot be written is refused; it ends in ROLLBACK.
 * Method: diagnoses with one cause, rows as evidence leads to them, and templates of a few words.
 */
#include "doctor/foreign_plan.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "doctor/mappings_builtin.h"

static struct plan_row rows[3];
static struct plan_violation violations[2];
static struct plan_diagnosis diagnosis;
static struct table_mapping mapping;

static void cause_make(const char *repair)
{
    memset(&diagnosis, 0, sizeof diagnosis);
    memset(&mapping, 0, sizeof mapping);
    memset(rows, 0, sizeof rows);
    diagnosis.incident = STR("7F3A");
    diagnosis.cause_count = 1;
    diagnosis.causes[0] = (struct plan_cause){
        .fault = STR("D14"),
        .title = STR("one\ntwo"),
        .label = STR("PROBABLE"),
        .repair = str_from(repair),
        .stop = STR("stop"),
        .prevention = STR("prevent"),
        .ledger_entry = true,
    };
    diagnosis.rows = rows;
    diagnosis.violations = violations;
    mapping.name = STR("n");
    mapping.repair[TABLE_REPAIR_BEGIN] = STR("LOCK;");
    mapping.repair[TABLE_REPAIR_REVERSE] = STR("reverse {target} {from} {to} {minor};");
    mapping.repair[TABLE_REPAIR_ADJUST] = STR("adjust {target} {from} {to} {amount} '{}';");
    mapping.repair[TABLE_REPAIR_COMPLETE] = STR("complete {target};");
    mapping.repair[TABLE_REPAIR_REBUILD] = STR("rebuild {account} {delta} {delta_minor};");
    mapping.repair[TABLE_REPAIR_CHECK] = STR("CHECK;");
}

/* Of a transaction of 20.00 from alice to bank. */
static void row_add(const char *account, int delta)
{
    rows[diagnosis.row_count++] = (struct plan_row){
        .account = str_from(account),
        .ccy = STR("EUR"),
        .delta = { delta },
        .tx = STR("t'1"),
        .debit = STR("alice"),
        .credit = STR("bank"),
        .amount = { 2000 },
    };
}

static bool says(struct buf *sql, const char *part)
{
    return strstr(buf_terminated(sql), part) != NULL;
}

static enum status made(struct buf *sql, struct error *out_error)
{
    buf_init(sql, FOREIGN_SQL_SIZE_MAX);
    return foreign_plan_sql(&diagnosis, &mapping, sql, out_error);
}

static void each_repair_has_its_steps(void **state)
{
    (void)state; /* no fixture */
    static const struct {
        const char *repair;
        int delta; /* of alice */
        const char *step;
    } cases[] = {
        { "compensate to=original", 3000, "\nadjust 't''1' 'alice' 'bank' 30.00 '{}';\n" },
        { "compensate to=original", -3000, "\nadjust 't''1' 'bank' 'alice' 30.00 '{}';\n" },
        { "reverse keep=first", -2000, "\nreverse 't''1' 'bank' 'alice' 2000;\n" },
        { "rebuild projection=account", -3000, "\nrebuild 'alice' (-30.00) (-3000);\n" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        BUF_SCOPE struct buf sql;
        struct error error = { .message = "" };
        cause_make(cases[i].repair);
        row_add("alice", cases[i].delta);
        assert_int_equal(made(&sql, &error), STATUS_OK);
        if (!says(&sql, cases[i].step)) print_message("%s\n", buf_terminated(&sql));
        assert_true(says(&sql, cases[i].step));
        assert_true(says(&sql, "-- cause:  one two\n"));
        assert_true(says(&sql, "\nBEGIN;\n") && says(&sql, "\nLOCK;\n") &&
                    says(&sql, "\nCHECK;\n"));
        assert_false(says(&sql, "COMMIT;"));
        assert_true(str_equal((struct str){ (const char *)sql.data + sql.len - 11, 11 },
                              STR("\nROLLBACK;\n")));
    }
}

static void it_says_whose_statements_they_are(void **state)
{
    (void)state; /* no fixture */
    struct str text;
    struct error error;
    BUF_SCOPE struct buf foreign;
    BUF_SCOPE struct buf ours;
    cause_make("compensate to=original");
    row_add("alice", 3000);
    mapping.digest.bytes[31] = 0xAB;
    assert_int_equal(made(&foreign, &error), STATUS_OK);
    assert_true(says(&foreign, "of the mapping n, which is NOT BUILT IN: whoever collected"));
    assert_true(says(&foreign, "\n-- SHA-256 00000000000000000000000000000000"
                               "000000000000000000000000000000ab.\n"));
    assert_true(mappings_builtin_find(STR("pgledger"), &text));
    mapping.digest = digest_of(text.data, text.len);
    assert_int_equal(made(&ours, &error), STATUS_OK);
    assert_true(says(&ours, "of the mapping n, which is built in,\n"));
}

static void values_are_literals_whatever_they_hold(void **state)
{
    (void)state; /* no fixture */
    BUF_SCOPE struct buf sql;
    struct error error;
    cause_make("compensate");
    row_add("alice", 3000);
    rows[0].tx = STR("t\\' OR 1; --");
    diagnosis.causes[0].fault = STR("D14\nDROP TABLE t; --");
    assert_int_equal(made(&sql, &error), STATUS_OK);
    assert_true(says(&sql, "\nadjust E't\\\\'' OR 1; --' 'alice' 'bank' 30.00 '{}';\n"));
    assert_true(says(&sql, "\n-- step 1: adjust, for D14 DROP TABLE t; --\n"));
}

static void both_legs_are_one_step(void **state)
{
    (void)state; /* no fixture */
    BUF_SCOPE struct buf sql;
    struct error error;
    cause_make("reverse keep=first");
    row_add("alice", -2000);
    row_add("bank", 2000);
    assert_int_equal(made(&sql, &error), STATUS_OK);
    assert_true(says(&sql, "step 1") && !says(&sql, "step 2"));
}

static void what_is_left_to_people_is_no_step(void **state)
{
    (void)state; /* no fixture */
    BUF_SCOPE struct buf sql;
    struct error error;
    cause_make("compensate to=original");
    row_add("alice", 3000);
    row_add("alice", 3000);
    rows[0].left = true;
    rows[1].tx = STR("t2");
    assert_int_equal(made(&sql, &error), STATUS_OK);
    assert_true(says(&sql, "adjust 't2'") && !says(&sql, "step 2"));
    BUF_SCOPE struct buf none;
    struct str left[] = { STR("bank") }; /* the other leg's account */
    diagnosis.left = left;
    diagnosis.left_count = 1;
    assert_int_equal(made(&none, &error), STATUS_INVALID); /* there is no step then */
    diagnosis.left_count = 0;
}

static void what_lacks_a_leg_is_completed_once_for_each(void **state)
{
    (void)state; /* no fixture */
    BUF_SCOPE struct buf sql;
    struct error error;
    cause_make("complete leg=from_request, or reverse");
    violations[0] = (struct plan_violation){ STR("I01"), STR("main/20"), STR("D14") };
    violations[1] = (struct plan_violation){ STR("I01"), STR("main/21"), STR("D02") };
    diagnosis.violation_count = 2;
    assert_int_equal(made(&sql, &error), STATUS_OK);
    assert_true(says(&sql, "complete 'main/20';") && !says(&sql, "main/21"));
}

static void what_cannot_be_written_is_refused(void **state)
{
    (void)state; /* no fixture */
    for (int i = 0; i < 9; i++) {
        BUF_SCOPE struct buf sql;
        struct error error = { .message = "" };
        static const char *const faults[] = {
            "that gets no plan",
            "that gets no plan",
            "no template 'adjust'",
            "is no one",
            "is no one",
            "nothing that is written as SQL",
            "nothing to write",
            "that cannot stand in SQL",
            "without decimals",
        };
        cause_make(i == 3 ? "reverse" : i == 5 ? "refund" : "compensate");
        if (i != 6) row_add("alice", 3000);
        if (i == 0) diagnosis.causes[0].label = STR("POSSIBLE");
        if (i == 1) diagnosis.unexplained = 1;
        if (i == 2) mapping.repair[TABLE_REPAIR_ADJUST].len = 0;
        if (i == 4) rows[0].account = STR("carol");
        if (i == 7) rows[0].tx = STR("$tpwallet$; DROP TABLE x; --");
        if (i == 8) rows[0].ccy = STR("GOLD");
        enum status status = made(&sql, &error);
        bool told = status != STATUS_OK && strstr(error.message, faults[i]) != NULL;
        if (!told) print_message("case %d: %s\n", i, error.message);
        assert_true(told);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_repair_has_its_steps),
        cmocka_unit_test(it_says_whose_statements_they_are),
        cmocka_unit_test(values_are_literals_whatever_they_hold),
        cmocka_unit_test(both_legs_are_one_step),
        cmocka_unit_test(what_is_left_to_people_is_no_step),
        cmocka_unit_test(what_lacks_a_leg_is_completed_once_for_each),
        cmocka_unit_test(what_cannot_be_written_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
