/*
 * Goal: while the index is rebuilt, and while a disk is full, every call is answered with what is
 * so: reads that can be, the rest refused with reason, progress and when to come back.
 * Method: the api over the real lane in a simulated world; the lane is closed, its index wiped,
 * and opened without waiting; a journal that does not answer keeps the rebuild where it is.
 */
#include "api/api_test.h"

#define BANK "019ab000-0000-7000-8000-000000000001"
#define ANNA "019ab000-0000-7000-8000-000000000002"

enum { ITEMS = 1000 };

static const char transfer_text[] =
    "{\"id\":\"019ab000-0000-7000-8000-%012x\",\"debit\":\"" BANK "\",\"credit\":\"" ANNA
    "\",\"asset\":\"EUR\",\"amount\":\"1\"}";

static unsigned one_send(struct rig *rig, unsigned number)
{
    char body[256];
    int len = snprintf(body, sizeof body, transfer_text, 0x100000 + number);
    assert_true(len > 0 && (size_t)len < sizeof body);
    return rig_send(rig, API_POST, "/v1/transfers", body);
}

/* Enough of it that a whole checkpoint is written, so that balances do not need all of it. */
static void history_make(struct rig *rig)
{
    expect_status(rig, 200,
                  rig_send(rig, API_POST, "/v1/accounts",
                           "[{\"id\":\"" BANK "\",\"asset\":\"EUR\",\"kind\":\"equity\"},"
                           "{\"id\":\"" ANNA "\",\"asset\":\"EUR\",\"kind\":\"liability\"}]"));
    BUF_SCOPE struct buf body;
    buf_init(&body, 1 << 20);
    for (unsigned i = 0; i < ITEMS; i++) {
        buf_append_format(&body, i == 0 ? "[" : ",");
        buf_append_format(&body, transfer_text, 0x100000 + i);
    }
    buf_append_format(&body, "]");
    expect_status(rig, 200, rig_send(rig, API_POST, "/v1/transfers", buf_terminated(&body)));
    expect_status(rig, 201, one_send(rig, ITEMS));
}

static void expect_rebuilding(struct rig *rig, unsigned status)
{
    expect_status(rig, 503, status);
    expect_in_answer(rig, "\"code\":\"index_rebuilding\"");
    expect_in_answer(rig, "the index is being rebuilt: batch 0 of 3 is reached, 0 %");
    assert_string_equal(rig_header(rig, "Retry-After"), "1");
}

static void expect_metric(struct rig *rig, const char *line)
{
    expect_status(rig, 200, rig_send(rig, API_GET, "/metrics", NULL));
    expect_in_answer(rig, line);
}

static void ready_await(struct rig *rig)
{
    for (int i = 0; rig_send(rig, API_GET, "/readyz", NULL) != 200; i++) {
        assert_true(i < 1000);
        task_sleep(rig->world, 10 * NS_PER_MS);
    }
}

static void rebuilding_body(struct rig *rig)
{
    history_make(rig);
    rig_close(rig);
    sim_shelf_wipe(rig->shelf);
    rig->early = true;
    rig_open(rig);
    rig->faults.rates[SIM_FAULT_STORE_UNAVAILABLE] = FAULT_RATE_ALWAYS;
    expect_rebuilding(rig, rig_send(rig, API_GET, "/readyz", NULL));
    expect_rebuilding(rig, one_send(rig, 0));
    expect_rebuilding(rig,
                      rig_send(rig, API_POST, "/v1/accounts",
                               "[{\"id\":\"" ANNA "\",\"asset\":\"EUR\",\"kind\":\"asset\"}]"));
    expect_rebuilding(
        rig, rig_send(rig, API_GET, "/v1/transfers/019ab000-0000-7000-8000-000000100000", NULL));
    expect_rebuilding(rig, rig_send(rig, API_GET, "/v1/transfers?user_ref=" ANNA, NULL));
    expect_status(rig, 200, rig_send(rig, API_GET, "/livez", NULL));
    expect_status(rig, 200, rig_send(rig, API_GET, "/v1/accounts/" ANNA, NULL));
    expect_in_answer(rig, "\"credits_posted\":\"1001.00\"");
    expect_status(rig, 200, rig_send(rig, API_GET, "/v1/trial-balance", NULL));
    expect_metric(rig, "\ntpwallet_index_rebuilding{lane=\"0\"} 1\n");
    expect_metric(rig, "\ntpwallet_index_rebuilt_batch{lane=\"0\"} 0\n");
    expect_metric(rig, "\ntpwallet_accepting{lane=\"0\"} 0\n");
    rig->faults.rates[SIM_FAULT_STORE_UNAVAILABLE] = 0;
    ready_await(rig);
    expect_status(rig, 200, one_send(rig, 0));
    expect_in_answer(rig, "\"repeated\":true");
    expect_status(rig, 201, one_send(rig, ITEMS + 1));
    expect_metric(rig, "\ntpwallet_index_rebuilding{lane=\"0\"} 0\n");
    expect_metric(rig, "\ntpwallet_accepting{lane=\"0\"} 1\n");
}

static void a_rebuild_is_told_with_its_progress(void **state)
{
    (void)state; /* the rig is the body's */
    rig_run(rebuilding_body);
}

/* The first is told by the answer, the next ones before they are taken in. */
static void full_body(struct rig *rig)
{
    history_make(rig);
    rig->faults.rates[SIM_FAULT_DISK_FULL] = FAULT_RATE_ALWAYS;
    for (unsigned i = 0; i < 3; i++) {
        expect_status(rig, 507, one_send(rig, ITEMS + 10));
        expect_in_answer(rig, "\"code\":\"disk_full\"");
        assert_string_equal(rig_header(rig, "Retry-After"), "10");
        expect_status(rig, 200, rig_send(rig, API_GET, "/v1/accounts/" ANNA, NULL));
        expect_metric(rig, "\ntpwallet_disk_full{lane=\"0\"} 1\n");
    }
    rig->faults.rates[SIM_FAULT_DISK_FULL] = 0;
    unsigned status = 507;
    for (int i = 0; i < 3000 && status == 507; i++) {
        task_sleep(rig->world, 10 * NS_PER_MS);
        status = one_send(rig, ITEMS + 10);
    }
    expect_status(rig, 201, status);
    expect_metric(rig, "\ntpwallet_disk_full{lane=\"0\"} 0\n");
}

static void a_full_disk_is_told_until_there_is_room(void **state)
{
    (void)state; /* the rig is the body's */
    rig_run(full_body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rebuild_is_told_with_its_progress),
        cmocka_unit_test(a_full_disk_is_told_until_there_is_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
