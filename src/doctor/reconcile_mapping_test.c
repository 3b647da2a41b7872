/*
 * Goal: a mapping says exactly what it says, or which of its lines is wrong.
 * Method: texts and what becomes of them in a table; headers that do not fit.
 */
#include "doctor/reconcile_mapping.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define REST "amount = a\ncurrency == EUR\ndate = d\n"

static void texts_and_what_becomes_of_them(void **state)
{
    (void)state; /* no fixture */
    static const struct {
        const char *text;
        const char *fault; /* a part of the message; NULL: it is right */
    } cases[] = {
        { REST, NULL },
        { "# all of it\r\n\r\nkey = k + l\nref=r\n" REST "unit = minor\ngroup = none\n", NULL },
        { REST "kind = k\nnegative_kinds = refund, pay_out\nskip_kinds = payout\n", NULL },
        { REST "currency.USDT = 6\nutc_offset = +08:00\n", NULL },
        { REST "currency.EUR = 2", NULL },
        { REST "currency.EUR = 3", "line 4: the currency cannot be" },
        { REST "currency.no = 3", "line 4: the currency cannot be" },
        { "plus = p\nminus = m\ncurrency = c\ndate = d", NULL },
        { "plus = p\ncurrency = c\ndate = d", "both plus and minus" },
        { REST "plus = p\nminus = m", "both plus and minus" },
        { "", "give amount" },
        { "amount = a\ndate = d", "currency is not given" },
        { "amount = a\ncurrency = c", "date is not given" },
        { REST "nonsense", "line 4: there is no '='" },
        { REST "colour = red", "line 4: there is no such field" },
        { REST "amount = b", "line 4: the field is given twice" },
        { REST "key = ", "line 4: there is no column" },
        { REST "key = a + ", "name is empty" },
        { REST "key = a+b+c+d+e", "more than four columns" },
        { REST "fee = a + b", "it takes one column" },
        { REST "date_format == iso", "with one '='" },
        { REST "date_format = iso8601", "date_format is" },
        { REST "utc_offset = 08:00", "utc_offset is" },
        { REST "utc_offset = +15:00", "utc_offset is" },
        { REST "unit = cents", "no such choice" },
        { REST "point = ;", "point is" },
        { REST "point = ,\ngroup = ,", "point and group" },
        { REST "skip_kinds = payout", "kind is not given" },
        { REST "kind = k\nskip_kinds = a,,b", "is empty" },
        { REST "kind = k\nskip_kinds = a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q", "more than 16" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        static struct reconcile_currencies currencies;
        currencies.count = 0;
        struct reconcile_mapping mapping;
        struct error error = { .message = "" };
        enum status status =
            reconcile_mapping_parse(str_from(cases[i].text), &currencies, &mapping, &error);
        bool right = cases[i].fault == NULL;
        bool told = right || strstr(error.message, cases[i].fault) != NULL;
        if ((status == STATUS_OK) != right || !told)
            fail_msg("%s\nis %s: %s", cases[i].text, status_name(status), error.message);
    }
}

static void columns_are_found_or_named(void **state)
{
    (void)state; /* no fixture */
    static struct reconcile_currencies currencies;
    struct reconcile_mapping mapping;
    struct error error;
    const struct str text = STR("key = b + a\n" REST);
    assert_int_equal(reconcile_mapping_parse(text, &currencies, &mapping, &error), STATUS_OK);
    const struct str header[] = { STR("a"), STR(" b "), STR("d"), STR("a") };
    assert_int_equal(reconcile_mapping_bind(&mapping, header, 3, &error), STATUS_OK);
    assert_int_equal(mapping.fields[RECONCILE_FIELD_KEY].columns[0], 1);
    assert_int_equal(mapping.fields[RECONCILE_FIELD_KEY].columns[1], 0);
    assert_int_equal(reconcile_mapping_bind(&mapping, header, 4, &error), STATUS_INVALID);
    assert_non_null(strstr(error.message, "two columns 'a'"));
    assert_int_equal(reconcile_mapping_bind(&mapping, header, 2, &error), STATUS_INVALID);
    assert_non_null(strstr(error.message, "no column 'd'"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_and_what_becomes_of_them),
        cmocka_unit_test(columns_are_found_or_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
