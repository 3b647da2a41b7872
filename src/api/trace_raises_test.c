/*
 * Goal: a raise is an act that is kept: it is listed after the lane was closed and opened, it ends by
 * its time or by being lowered, it tells of whoever asks that nobody gets spans from here, and who
 * raised and lowered it is in the audit log; the table takes no more than fit.
 * Method: the api over the real lane in a simulated world, closed and opened in between.
 */
#include "api/api_test.h"

#define RAISES "/v1/trace-raises"
#define RAISE(number) "019ab000-0000-7000-8000-0000000000" number

static void raise_body(struct rig *rig)
{
    expect_status(rig, 201,
                  rig_send(rig, API_POST, RAISES "?reason=ops-7",
                           "{\"id\":\"" RAISE("01") "\",\"route\":\"rates_list\",\"for_s\":60}"));
    expect_in_answer(rig, "\"route\":\"rates_list\",\"until\":");
    expect_in_answer(rig, "\"traces\":1000,\"collector\":false,\"outcome\":\"ok\"");
    expect_status(
        rig, 201,
        rig_send(rig, API_POST, RAISES,
                 "{\"id\":\"" RAISE("02") "\",\"payment\":\"" RAISE("99") "\",\"for_s\":9000}"));
    rig_close(rig);
    rig_open(rig);
    expect_status(rig, 200, rig_send(rig, API_GET, RAISES, NULL));
    expect_in_answer(rig, "{\"id\":\"" RAISE("01") "\",\"route\":\"rates_list\"");
    expect_in_answer(rig, "{\"id\":\"" RAISE("02") "\",\"payment\":\"" RAISE("99") "\"");
    assert_null(strstr(rig_answer(rig), "traces_left")); /* nobody watches here */
    task_sleep(rig->world, 61 * NS_PER_S);
    expect_status(rig, 200, rig_send(rig, API_GET, RAISES, NULL));
    assert_null(strstr(rig_answer(rig), RAISE("01")));
    expect_in_answer(rig, RAISE("02"));
    expect_status(rig, 404, rig_send(rig, API_DELETE, RAISES "/" RAISE("01"), NULL));
    expect_in_answer(rig, "\"code\":\"raise_not_found\"");
    expect_status(rig, 200,
                  rig_send(rig, API_DELETE, RAISES "/" RAISE("02") "?reason=ops-8", NULL));
    expect_status(rig, 404, rig_send(rig, API_DELETE, RAISES "/" RAISE("02"), NULL));
    expect_status(rig, 200, rig_send(rig, API_GET, RAISES, NULL));
    expect_in_answer(rig, "{\"items\":[],\"collector\":false}");

    expect_status(rig, 200, rig_send(rig, API_GET, "/v1/audit?act=trace_raise", NULL));
    expect_in_answer(rig, "\"actor\":\"local\"");
    expect_in_answer(rig,
                     "\"reason\":\"ops-7\",\"id\":\"" RAISE("01") "\",\"route\":\"rates_list\"");
    expect_in_answer(rig, "\"payment\":\"" RAISE("99") "\"");
    expect_status(rig, 200, rig_send(rig, API_GET, "/v1/audit?act=trace_lower", NULL));
    expect_in_answer(rig, "\"reason\":\"ops-8\",\"id\":\"" RAISE("02") "\"}");
}

static void a_raise_is_kept_until_it_ends(void **state)
{
    (void)state; /* the rig is the body's */
    rig_run(raise_body);
}

static void full_body(struct rig *rig)
{
    for (unsigned i = 0; i < RAISES_MAX; i++)
        expect_status(rig, 201,
                      rig_send(rig, API_POST, RAISES, "{\"route\":\"rates_list\",\"for_s\":60}"));
    expect_status(rig, 422,
                  rig_send(rig, API_POST, RAISES, "{\"route\":\"rates_list\",\"for_s\":60}"));
    expect_in_answer(rig, "\"code\":\"raise_capacity\"");
    task_sleep(rig->world, 61 * NS_PER_S);
    expect_status(rig, 201,
                  rig_send(rig, API_POST, RAISES, "{\"route\":\"rates_list\",\"for_s\":60}"));
    static const char *const bodies[] = {
        "{\"route\":\"nothing\",\"for_s\":60}",
        "{\"for_s\":60}",
        "{\"route\":\"rates_list\"}",
        "{\"route\":\"rates_list\",\"for_s\":0}",
        "{\"route\":\"rates_list\",\"for_s\":86401}",
        "{\"route\":\"rates_list\",\"for_s\":60,\"traces\":0}",
        "{\"route\":\"rates_list\",\"payment\":\"" RAISE("99") "\",\"for_s\":60}",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++)
        expect_status(rig, 400, rig_send(rig, API_POST, RAISES, bodies[i]));
}

static void only_so_many_are_raised_at_once(void **state)
{
    (void)state; /* the rig is the body's */
    rig_run(full_body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_raise_is_kept_until_it_ends),
        cmocka_unit_test(only_so_many_are_raised_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
